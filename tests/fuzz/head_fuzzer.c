/* SPDX-License-Identifier: MIT
 *
 * A head says the same when it is written again from what was found in it, and
 * everything found lies in its bytes.
 *
 *     input   a head, of a connection the first if it begins like one
 */
#include "proto/head.h"

#include "proto/head_writer.h"
#include "proto/legality.h"
#include "proto/octet.h"
#include "proto/spelling.h"
#include "tests/fuzz/fuzz.h"

/* Rule 3, said again: tokens of visible ASCII with one space between. */
static bool is_readable(const uint8_t *bytes, size_t n)
{
    bool is_token = false;
    for (size_t i = 0; i < n; i++) {
        bool is_good =
            bytes[i] == ' ' ? is_token : bytes[i] > 0x20 && bytes[i] < 0x7f;
        if (bytes[i] == '%')
            is_good = n - i > 2 &&
                      octet_all_are((const char *)bytes + i + 1, 2, OCTET_HEX);
        if (!is_good)
            return false;
        is_token = bytes[i] != ' ';
    }
    return is_token;
}

static void check_inside(struct span span, const uint8_t *bytes, size_t n)
{
    const uint8_t *at = (const uint8_t *)span.text;
    FUZZ_CHECK(span.length == 0 || (at >= bytes && span.length <= n &&
                                    at + span.length <= bytes + n));
}

/* As the octets that it spells, which may be spelled otherwise. */
static void put_value(struct head_writer *w, struct head_pair pair)
{
    uint8_t octets[HEAD_MAX];
    size_t n = spelling_read(octets, pair.value);
    FUZZ_CHECK(head_add_header(w, pair.name, octets, n));
}

static bool is_same_text(struct span a, struct span b)
{
    uint8_t first[HEAD_MAX], second[HEAD_MAX];
    size_t n = spelling_read(first, a);
    return spelling_read(second, b) == n && memcmp(first, second, n) == 0;
}

static void check_again(const struct head *h)
{
    char room[HEAD_MAX];
    struct head_writer w;
    struct head again;
    head_begin(&w, room, "PUB");
    for (unsigned i = 0; i < h->argument_count && i < HEAD_ARGUMENTS; i++)
        head_add_spelled(&w, h->arguments[i]);
    for (unsigned i = 0; i < h->header_count; i++)
        put_value(&w, h->headers[i]);
    uint32_t n = head_end(&w);
    if (n == 0) /* longer than it was spelled */
        return;
    FUZZ_CHECK(head_parse(&again, room, n) == UNIT_OK);
    FUZZ_CHECK(again.header_count == h->header_count);
    for (unsigned i = 0; i < h->header_count; i++)
        FUZZ_CHECK(is_same_text(again.headers[i].value, h->headers[i].value));
}

static void check_good(const struct head *h, const uint8_t *bytes, size_t n)
{
    size_t pairs = h->header_count;
    check_inside(h->word, bytes, n);
    for (unsigned i = 0; i < h->argument_count && i < HEAD_ARGUMENTS; i++)
        check_inside(h->arguments[i], bytes, n);
    for (unsigned i = 0; i < UNIT_OPTION_COUNT; i++)
        if (head_has(h, i)) {
            check_inside(h->values[i], bytes, n);
            pairs++;
        }
    for (unsigned i = 0; i < h->header_count; i++) {
        check_inside(h->headers[i].name, bytes, n);
        check_inside(h->headers[i].value, bytes, n);
    }
    FUZZ_CHECK(pairs <= HEAD_PAIRS_MAX && h->header_octets <= n);
    check_again(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    bool is_opening = head_is_opening(bytes, (uint32_t)n);
    if (n > HEAD_MAX)
        return 0;
    uint8_t *exact = fuzz_copy(bytes, n);
    struct head h;
    enum unit_error error = is_opening
                                ? head_parse_opening(&h, exact, (uint32_t)n)
                                : head_parse(&h, exact, (uint32_t)n);
    check_inside(h.rid, exact, n);
    if (!is_opening)
        FUZZ_CHECK(is_readable(exact, n) ||
                   (error == UNIT_BAD_HEAD && h.rid.length == 0));
    if (error == UNIT_OK) {
        check_good(&h, exact, n);
        (void)legality_of(&h, is_opening ? &verb_opening : legality_row(&h), 0);
    }
    free(exact);
    return 0;
}

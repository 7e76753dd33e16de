/* SPDX-License-Identifier: MIT
 *
 * Any octets come back as they were, and are one token on the way. A pattern
 * means the same however it is spelled.
 *
 *     input   octets, as they are and as the text of a pattern
 */
#include "proto/spelling.h"

#include "proto/octet.h"
#include "proto/pattern.h"
#include "tests/fuzz/fuzz.h"

static void check_token(const char *text, size_t n)
{
    FUZZ_CHECK(octet_all_are(text, (uint32_t)n, OCTET_VISIBLE));
}

static void check_value(const uint8_t *octets, size_t n)
{
    char *text = malloc(SPELLING_GROWTH * n + 1);
    FUZZ_CHECK(text);
    size_t length = spelling_write_value(text, octets, n);
    check_token(text, length);
    FUZZ_CHECK(length <= SPELLING_GROWTH * n);
    struct span span = {text, (uint32_t)length};
    FUZZ_CHECK(spelling_read((uint8_t *)text, span) == n);
    FUZZ_CHECK(memcmp(text, octets, n) == 0);
    free(text);
}

/* What a broker writes can be sent back as a channel and as a pattern. */
static void check_channel(const uint8_t *octets, size_t n)
{
    char text[SPELLING_CHANNEL_MAX];
    uint8_t back[CHANNEL_NAME_MAX];
    struct pattern p;
    size_t length = spelling_write_channel(text, octets, n), got;
    struct span span = {text, (uint32_t)length};
    check_token(text, length);
    FUZZ_CHECK(spelling_read_channel(back, &got, span));
    FUZZ_CHECK(got == n && memcmp(back, octets, n) == 0);
    FUZZ_CHECK(pattern_read(&p, span) && p.is_exact);
    FUZZ_CHECK(pattern_matches(&p, octets, n));
    FUZZ_CHECK(p.world == pattern_world_of(octets, n));
}

static void check_pattern(const uint8_t *octets, size_t n)
{
    char text[PATTERN_TEXT_MAX];
    uint8_t *exact = fuzz_copy(octets, n);
    struct pattern p, again;
    if (pattern_read(&p, (struct span){(char *)exact, (uint32_t)n})) {
        size_t length = pattern_write(&p, text);
        check_token(text, length);
        FUZZ_CHECK(pattern_read(&again, (struct span){text, (uint32_t)length}));
        FUZZ_CHECK(again.length == p.length && again.world == p.world &&
                   again.is_exact == p.is_exact &&
                   memcmp(again.octets, p.octets, p.length) == 0);
    }
    (void)pattern_read_plain(&p, (struct span){(char *)exact, (uint32_t)n});
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    check_value(bytes, n);
    check_pattern(bytes, n);
    if (n > 0 && n <= CHANNEL_NAME_MAX)
        check_channel(bytes, n);
    return 0;
}

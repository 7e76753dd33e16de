/* SPDX-License-Identifier: MIT
 *
 * What message_tail reads is what the parser reads: the same headers and the
 * same request id and `confirm`. It may leave a head to the parser, but not a
 * common one, and it may never take one that the parser refuses.
 */
#include "broker/session/units/message_tail.h"

#include <stdio.h>
#include <string.h>

#include "proto/legality.h"
#include "tests/unit/chance.h"
#include "tests/unit/unit.h"

#define HEAD "PUB /a"

enum { ROUNDS = 200000, PIECES_MAX = 6, TEXT_MAX = 1024 };

/* What tails are made of; some of it is wrong in some places. */
static const char *const pieces[] = {
    " Unit=C",
    " rid=7",
    " X=",
    " A.b-c_9=%41%42",
    " Note=a=b",
    " rid=",
    " rid=a b",
    " Sluice-X=1",
    " SLUICE-X=1",
    " Slow=1",
    " unit=C",
    " ?unit=C",
    " timeout=5s",
    " X",
    "  ",
    " ",
    " X=%4",
    " X=%zz",
    " =",
    " X=\x80",
    " X=*@/",
    " rid=%41",
    " 9=1",
    " ?X=1",
    " rid=123456789012345678901234567890123",
    " Y=\t",
    " X=~}|{",
    " /b",
    "%20X=1",
    " rid=Az0-._",
    " confirm=sync",
    " confirm=route",
    " confirm=sync1",
    " confirm=%73ync",
    " confirm=now",
    " confirm=",
    " confirm",
    " Zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz=1",
};

static bool read_tail(struct message_tail *t, const char *text)
{
    return message_tail_read(t, (const uint8_t *)text, (uint32_t)strlen(text));
}

/* The headers as the parser has them. */
static void join_headers(const struct head *head, char *out)
{
    *out = '\0';
    for (unsigned i = 0; i < head->header_count; i++)
        out += sprintf(out, " %.*s=%.*s", (int)head->headers[i].name.length,
                       head->headers[i].name.text,
                       (int)head->headers[i].value.length,
                       head->headers[i].value.text);
}

static void check_like_the_parser(const char *tail)
{
    struct message_tail t;
    struct head head;
    char text[TEXT_MAX], headers[TEXT_MAX];
    if (!read_tail(&t, tail))
        return;
    snprintf(text, sizeof text, HEAD "%s", tail);
    if (head_parse(&head, text, (uint32_t)strlen(text)) != UNIT_OK ||
        legality_of(&head, &verb_publish_durable, 0) != UNIT_OK)
        fail_msg("it takes '%s', which is refused", text);
    join_headers(&head, headers);
    assert_int_equal(t.headers_length, strlen(headers));
    assert_memory_equal(t.headers, headers, t.headers_length);
    assert_int_equal(t.options & TAIL_RID, head.rid.length > 0 ? TAIL_RID : 0);
    if (head.rid.length > 0) {
        assert_int_equal(t.rid_length, head.rid.length);
        assert_memory_equal(t.rid, head.rid.text, t.rid_length);
    }
    assert_int_equal((t.options & (TAIL_SYNC | TAIL_ROUTE)) != 0,
                     head_has(&head, UNIT_OPTION_confirm));
    assert_int_equal((t.options & TAIL_SYNC) != 0, head_wants_sync(&head));
}

static void test_it_takes_nothing_that_the_parser_does_not(void **unused)
{
    uint64_t chance = 1;
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        char tail[TEXT_MAX] = "";
        uint32_t n = chance_of(&chance, PIECES_MAX);
        for (uint32_t i = 0; i < n; i++)
            strcat(tail, pieces[chance_of(&chance, UNIT_COUNT(pieces))]);
        check_like_the_parser(tail);
    }
}

/* The whole bound, and one pair or one octet more. */
static void test_it_leaves_long_ones_to_the_parser(void **unused)
{
    struct message_tail t;
    char tail[TEXT_MAX] = "";
    (void)unused;
    for (int i = 0; i < MESSAGE_TAIL_PAIRS; i++)
        strcat(tail, " X=1");
    assert_true(read_tail(&t, tail));
    check_like_the_parser(tail);
    strcat(tail, " rid=1");
    assert_false(read_tail(&t, tail));
    strcpy(tail, " X=");
    memset(tail + 3, 'x', MESSAGE_TAIL_MAX - 3);
    tail[MESSAGE_TAIL_MAX] = '\0';
    assert_true(read_tail(&t, tail));
    strcat(tail, "x");
    assert_false(read_tail(&t, tail));
}

static void test_common_ones_are_taken(void **unused)
{
    static const char *const common[] = {
        "",
        " rid=7",
        " Unit=C",
        " rid=7 Unit=C Note=two%20words",
        " X=1 Y=",
        " Unit=C Note=a=b rid=7",
        " rid=7 confirm=sync",
        " confirm=sync rid=7",
        " confirm=route",
        " rid=7 confirm=route Unit=C",
    };
    struct message_tail t;
    (void)unused;
    for (size_t i = 0; i < UNIT_COUNT(common); i++) {
        assert_true(read_tail(&t, common[i]));
        check_like_the_parser(common[i]);
    }
    assert_false(read_tail(&t, " X=1 rid=7 Y=2")); /* its headers are apart */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_takes_nothing_that_the_parser_does_not),
        cmocka_unit_test(test_it_leaves_long_ones_to_the_parser),
        cmocka_unit_test(test_common_ones_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

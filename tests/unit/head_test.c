/* SPDX-License-Identifier: MIT
 *
 * A head is taken apart as it was put together, or refused by the first rule
 * that it breaks. Every head is parsed from a copy of its exact size.
 */
#include "proto/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* What a head says, on one line: verb, arguments, options in the order of
 * their table, headers. An option written with '?' keeps it. */
static void describe(const struct head *h, char out[HEAD_MAX * 2])
{
    char *at = out;
    at += sprintf(at, "%s", h->verb < VERB_COUNT ? verbs[h->verb].name : "-");
    for (unsigned i = 0; i < h->argument_count && i < HEAD_ARGUMENTS; i++)
        at += sprintf(at, " %.*s", (int)h->arguments[i].length,
                      h->arguments[i].text);
    for (unsigned i = 0; i < UNIT_OPTION_COUNT; i++)
        if (head_has(h, i))
            at += sprintf(at, " %s%s=%.*s", h->optional >> i & 1 ? "?" : "",
                          unit_option_name(i), (int)h->values[i].length,
                          h->values[i].text);
    for (unsigned i = 0; i < h->header_count; i++)
        at += sprintf(at, " %.*s=%.*s", (int)h->headers[i].name.length,
                      h->headers[i].name.text, (int)h->headers[i].value.length,
                      h->headers[i].value.text);
}

struct outcome {
    enum unit_error error;
    char text[HEAD_MAX * 2], rid[HEAD_MAX];
};

/* `opening` asks for the first head of a connection. */
static struct outcome parse(const char *text, size_t length, bool opening)
{
    struct outcome o = {.text = ""};
    struct head h;
    char *copy = malloc(length + (length == 0));
    assert_non_null(copy);
    memcpy(copy, text, length);
    o.error = opening ? head_parse_opening(&h, copy, (uint32_t)length)
                      : head_parse(&h, copy, (uint32_t)length);
    if (o.error == UNIT_OK)
        describe(&h, o.text);
    snprintf(o.rid, sizeof o.rid, "%.*s", (int)h.rid.length,
             h.rid.length > 0 ? h.rid.text : "");
    free(copy);
    return o;
}

static const struct {
    const char *head, *expected;
} good[] = {
    {"SUB /t", "SUB /t"},
    {"SUB /queue/* credit=4 rid=7 ack=yes",
     "SUB /queue/* ack=yes credit=4 rid=7"},
    {"PUB /t rid=1 Unit=C", "PUB /t rid=1 Unit=C"},
    {"/t", "PUB /t"},
    {"@a.b Took=1", "PUB @a.b Took=1"},
    {"/t B=2 rid=x A=1 B=3", "PUB /t rid=x B=2 A=1 B=3"},
    {"PUB /t A=b=c D= E==", "PUB /t A=b=c D= E=="},
    {"PUB /t ?rid=1", "PUB /t ?rid=1"},
    {"PUB /t ?colour=red", "PUB /t"},
    {"PUB /t H=%00%ff*@?/", "PUB /t H=%00%ff*@?/"},
    {"PUB /t A-1_b.C=x", "PUB /t A-1_b.C=x"},
    {"FLY /t", "- /t"},
    {"GAP /t 900 913 why=slow", "GAP /t 900 913 why=slow"},
    {"PING", "PING"},
    {"X a b c d e f", "- a b c"},
    {"ABCDEFGHIJKLMNOP", "-"},
};

static void test_heads_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good); i++) {
        struct outcome o = parse(good[i].head, strlen(good[i].head), false);
        if (o.error != UNIT_OK)
            fail_msg("%s: %s", good[i].head, unit_error_code(o.error));
        assert_string_equal(o.text, good[i].expected);
    }
}

/* The rid comes back from rule 4 on. */
static const struct {
    const char *head;
    enum unit_error error;
    const char *rid;
} bad[] = {
    {"", UNIT_BAD_HEAD, ""},
    {" ", UNIT_BAD_HEAD, ""},
    {" PUB /t rid=1", UNIT_BAD_HEAD, ""},
    {"PUB /t rid=1 ", UNIT_BAD_HEAD, ""},
    {"PUB  /t rid=1", UNIT_BAD_HEAD, ""},
    {"PUB /t\trid=1", UNIT_BAD_HEAD, ""},
    {"PUB /t rid=1\n", UNIT_BAD_HEAD, ""},
    {"PUB /\x7f rid=1", UNIT_BAD_HEAD, ""},
    {"PUB /\x80 rid=1", UNIT_BAD_HEAD, ""},
    {"PUB /\xff rid=1", UNIT_BAD_HEAD, ""},
    {"PUB /% rid=1", UNIT_BAD_HEAD, ""},
    {"PUB /%4 rid=1", UNIT_BAD_HEAD, ""},
    {"PUB /%4g rid=1", UNIT_BAD_HEAD, ""},
    {"rid=1 PUB /%", UNIT_BAD_HEAD, ""},
    {"PUB rid=1 /%4", UNIT_BAD_HEAD, ""},
    {"pub /t\x01 rid=1", UNIT_BAD_HEAD, ""}, /* rule 3 before rule 4 */
    {"pub /t rid=1", UNIT_BAD_VERB, "1"},
    {"Pub /t rid=1", UNIT_BAD_VERB, "1"},
    {"P1 /t rid=1", UNIT_BAD_VERB, "1"},
    {"ABCDEFGHIJKLMNOPQ rid=1", UNIT_BAD_VERB, "1"},
    {"A=1 rid=1", UNIT_BAD_VERB, "1"},
    {"*", UNIT_BAD_VERB, ""},
    {"%2Ft rid=1", UNIT_BAD_VERB, "1"},
    {"pub rid=1 /t", UNIT_BAD_VERB, "1"}, /* rule 4 before rule 5 */
    {"PUB rid=1 /t", UNIT_BAD_HEAD, "1"},
    {"PUB /t A=1 b", UNIT_BAD_HEAD, ""},
    {"PUB /t =x rid=1", UNIT_BAD_HEAD, "1"},
    {"PUB /t ?=x rid=1", UNIT_BAD_HEAD, "1"},
    {"PUB /t ?A=x rid=1", UNIT_BAD_HEAD, "1"},
    {"PUB /t ??a=x rid=1", UNIT_BAD_HEAD, "1"},
    {"PUB /t _a=x rid=1", UNIT_BAD_HEAD, "1"},
    {"PUB /t 1a=x rid=1", UNIT_BAD_HEAD, "1"},
    {"PUB /t a_b=x rid=1", UNIT_BAD_HEAD, "1"},
    {"PUB /t aB=x rid=1", UNIT_BAD_HEAD, "1"},
    {"PUB /t A%41=x rid=1", UNIT_BAD_HEAD, "1"},
    {"PUB /t A*=x rid=1", UNIT_BAD_HEAD, "1"},
    {"/t=x rid=1", UNIT_BAD_HEAD, "1"},
    {"@t=x rid=1", UNIT_BAD_HEAD, "1"},
    {"pub rid=1 rid=1", UNIT_BAD_VERB, ""}, /* not exactly one */
    {"pub rid=1 ?rid=2 rid=3", UNIT_BAD_VERB, ""},
    {"pub rid=", UNIT_BAD_VERB, ""}, /* not well-formed */
    {"pub rid=a%20b", UNIT_BAD_VERB, ""},
    {"pub rid=a/b", UNIT_BAD_VERB, ""},
    {"pub ?rid=1", UNIT_BAD_VERB, "1"},
    {"pub rid=12345678901234567890123456789012", UNIT_BAD_VERB,
     "12345678901234567890123456789012"},
    {"pub rid=123456789012345678901234567890123", UNIT_BAD_VERB, ""},
};

static void test_the_first_rule_that_fails_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct outcome o = parse(bad[i].head, strlen(bad[i].head), false);
        if (o.error != bad[i].error || strcmp(o.rid, bad[i].rid) != 0)
            fail_msg("'%s': %s '%s'", bad[i].head, unit_error_code(o.error),
                     o.rid);
    }
}

static void test_a_nul_is_like_any_other_control_character(void **state)
{
    (void)state;
    assert_int_equal(parse("PUB /a\0b", 8, false).error, UNIT_BAD_HEAD);
    assert_int_equal(parse("\0SLUICE/2", 9, false).error, UNIT_BAD_HEAD);
}

static void test_every_octet_of_a_token_is_checked(void **state)
{
    (void)state;
    for (int octet = 0; octet < 256; octet++) {
        char head[] = "PUB /a?b";
        head[6] = (char)octet;
        bool is_good = octet >= 0x20 && octet < 0x7f && octet != '%';
        /* What stands before '=' must be a name. */
        is_good = is_good && octet != '=';
        assert_int_equal(parse(head, 8, false).error == UNIT_OK, is_good);
    }
}

/* `count` pairs behind "PUB /t", the last of them "rid=1". */
static struct outcome parse_pairs(unsigned count, const char *pair)
{
    char head[HEAD_MAX] = "PUB /t", *at = head + 6;
    for (unsigned i = 1; i < count; i++)
        at += sprintf(at, " %s%u=%u", pair, i, i);
    at += sprintf(at, " rid=1");
    return parse(head, (size_t)(at - head), false);
}

static void test_a_head_has_at_most_32_pairs(void **state)
{
    (void)state;
    static const char *const pairs[] = {"H", "?x", "x"};
    for (size_t i = 0; i < UNIT_COUNT(pairs); i++) {
        assert_int_equal(parse_pairs(32, pairs[i]).error, UNIT_OK);
        struct outcome o = parse_pairs(33, pairs[i]);
        assert_int_equal(o.error, UNIT_BAD_HEAD);
        assert_string_equal(o.rid, "1");
        o = parse_pairs(300, pairs[i]);
        assert_int_equal(o.error, UNIT_BAD_HEAD);
        assert_string_equal(o.rid, "1");
    }
}

static enum unit_error parse_name(const char *start, unsigned length)
{
    char head[HEAD_MAX], *at = head + sprintf(head, "PUB /t %s", start);
    memset(at, 'n', length - 1);
    memcpy(at + length - 1, "=x", 2);
    return parse(head, (size_t)(at - head) + length + 1, false).error;
}

static void test_names_have_a_longest(void **state)
{
    (void)state;
    assert_int_equal(parse_name("H", 64), UNIT_OK);
    assert_int_equal(parse_name("H", 65), UNIT_BAD_HEAD);
    assert_int_equal(parse_name("x", 32), UNIT_OK);
    assert_int_equal(parse_name("x", 33), UNIT_BAD_HEAD);
    assert_int_equal(parse_name("?x", 32), UNIT_OK);
    assert_int_equal(parse_name("?x", 33), UNIT_BAD_HEAD);
}

static void test_options_twice_and_strangers_are_noted(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        bool has_twin, has_stranger;
    } rows[] = {
        {"SUB /t rid=1", false, false},
        {"SUB /t rid=1 rid=1", true, false},
        {"SUB /t ack=yes ?ack=yes", true, false},
        {"SUB /t x=1", false, true},
        {"SUB /t ?x=1", false, false},
        {"SUB /t ?x=1 ?y=1 ?x=2", true, false},
        {"SUB /t ?x=1 x=2", true, true},
        {"SUB /t A=1 A=1", false, false},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct head h;
        uint32_t n = (uint32_t)strlen(rows[i].head);
        assert_int_equal(head_parse(&h, rows[i].head, n), UNIT_OK);
        assert_int_equal(h.has_twin, rows[i].has_twin);
        assert_int_equal(h.has_stranger, rows[i].has_stranger);
    }
}

static void test_headers_are_counted_with_their_spaces(void **state)
{
    (void)state;
    struct head h;
    static const char text[] = "/t A=1 rid=7 Bc= Def=%20";
    assert_int_equal(head_parse(&h, text, sizeof text - 1), UNIT_OK);
    assert_int_equal(h.header_octets, strlen(" A=1 Bc= Def=%20"));
}

static const struct {
    const char *text;
    uint32_t length;
    enum unit_error error;
    const char *expected;
} openings[] = {
    {"\0SLUICE/2", 9, UNIT_OK, "-"},
    {"\0SLUICE/02", 10, UNIT_OK, "-"},
    {"\0SLUICE/2 name=a ping=5s", 24, UNIT_OK, "- name=a ping=5s"},
    {"\0SLUICE/3", 9, UNIT_VERSION, NULL},
    {"\0SLUICE/999 \n", 13, UNIT_VERSION, NULL},
    {"\0SLUICE/0", 9, UNIT_VERSION, NULL},
    {"\0SLUICE/", 8, UNIT_BAD_HEAD, NULL},
    {"\0SLUICE/x", 9, UNIT_BAD_HEAD, NULL},
    {"\0SLUICE/2x", 10, UNIT_BAD_HEAD, NULL},
    {"\0SLUICE/0002", 12, UNIT_BAD_HEAD, NULL},
    {"\0SLUICE/2 ", 10, UNIT_BAD_HEAD, NULL},
    {"\0SLUICE/2  name=a", 17, UNIT_BAD_HEAD, NULL},
    {"\0SLUICE/2 name=a\n", 17, UNIT_BAD_HEAD, NULL},
    {"\0SLUICE/2 =a", 12, UNIT_BAD_HEAD, NULL},
    {"\0SLUICE/2 a b", 13, UNIT_OK, "- a b"},
};

/* What a broker of another year sends, and what is no head at all. */
static void test_a_client_ignores_what_it_does_not_know(void **state)
{
    (void)state;
    static const struct {
        const char *head, *expected; /* NULL: it is refused */
    } rows[] = {
        {"MSG /t 2 note=1 Note=2 nOTE=3", "MSG /t 2 Note=2"},
        {"MSG /t 2 A=1 more", "MSG /t 2 more A=1"},
        {"OK rid=1 =x _=y", "OK rid=1"},
        {"msg /t 2", NULL},
        {"MSG  /t 2", NULL},
        {"MSG /t%2 2", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct head h;
        char text[HEAD_MAX * 2];
        bool is_head = head_parse_leniently(&h, rows[i].head,
                                            (uint32_t)strlen(rows[i].head));
        assert_int_equal(is_head, rows[i].expected != NULL);
        if (!is_head)
            continue;
        describe(&h, text);
        assert_string_equal(text, rows[i].expected);
    }
}

static void test_openings(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(openings); i++) {
        const char *text = openings[i].text;
        struct outcome o = parse(text, openings[i].length, true);
        assert_true(head_is_opening(text, openings[i].length));
        assert_int_equal(o.error, openings[i].error);
        if (o.error == UNIT_OK)
            assert_string_equal(o.text, openings[i].expected);
    }
    assert_false(head_is_opening("\0SLUICE", 7));
    assert_false(head_is_opening("\0sluice/2", 9));
    assert_false(head_is_opening("SLUICE/2", 8));
    assert_false(head_is_opening(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_are_taken_apart),
        cmocka_unit_test(test_the_first_rule_that_fails_decides),
        cmocka_unit_test(test_a_nul_is_like_any_other_control_character),
        cmocka_unit_test(test_every_octet_of_a_token_is_checked),
        cmocka_unit_test(test_a_head_has_at_most_32_pairs),
        cmocka_unit_test(test_names_have_a_longest),
        cmocka_unit_test(test_options_twice_and_strangers_are_noted),
        cmocka_unit_test(test_headers_are_counted_with_their_spaces),
        cmocka_unit_test(test_a_client_ignores_what_it_does_not_know),
        cmocka_unit_test(test_openings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * A rule sets options for the channels that match it; options it leaves out
 * are the broker's, and a mistake in it is reported in one sentence.
 */
#include "broker/options/rules.h"

#include <stdlib.h>
#include <string.h>

#include "broker/core/topic_policy.h"
#include "common/mistakes.h"
#include "tests/unit/unit.h"

struct fixture {
    struct rules rules;
    struct rule defaults;
    struct mistakes mistakes;
    char error[MISTAKE_BYTES];
};

static void report(void *arg, const char *sentence)
{
    struct fixture *f = arg;
    snprintf(f->error, sizeof f->error, "%s", sentence);
}

static int open_rules(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    f->mistakes = (struct mistakes){.report = report, .arg = f};
    f->defaults = (struct rule){.pattern = pattern_plain("**"),
                                .client_limit_bytes = 1111,
                                .limit_bytes = 2222,
                                .limit_messages = UINT64_MAX,
                                .patience_ms = 33,
                                .policy = TOPIC_POLICY_DEFAULT};
    *state = f;
    return 0;
}

static int close_rules(void **state)
{
    struct fixture *f = *state;
    rules_fini(&f->rules);
    free(f);
    return 0;
}

static bool add(struct fixture *f, const char *text)
{
    struct origin origin = {ORIGIN_ARGUMENT, 0};
    return rules_add(&f->rules, text, origin, &f->mistakes);
}

static void assert_pattern(const struct rule *rule, const char *expected)
{
    struct pattern p = pattern_plain(expected);
    assert_int_equal(rule->pattern.length, p.length);
    assert_memory_equal(rule->pattern.octets, p.octets, p.length);
}

static void test_what_is_not_said_is_the_broker_s(void **state)
{
    struct fixture *f = *state;
    assert_true(add(f, "/queue/jobs limit=16m messages=1000"));
    assert_true(add(f, "/t/*\tpolicy=drop-oldest  patience=2s hold=7"));
    assert_true(add(f, "/plain"));
    assert_true(add(f, "/queue/kept durable=yes"));
    assert_true(add(f, "/queue/not durable=no"));
    rules_finish(&f->rules, &f->defaults);
    assert_int_equal(f->rules.count, 5);
    const struct rule *r = f->rules.rows;
    assert_pattern(&r[0], "/queue/jobs");
    assert_int_equal(r[0].limit_bytes, 16 << 20);
    assert_int_equal(r[0].limit_messages, 1000);
    assert_int_equal(r[0].patience_ms, 33);
    assert_pattern(&r[1], "/t/*");
    assert_ptr_equal(r[1].policy, topic_policy_find("drop-oldest"));
    assert_int_equal(r[1].patience_ms, 2000);
    assert_int_equal(r[1].hold_messages, 7);
    assert_int_equal(r[1].client_limit_bytes, 1111);
    assert_int_equal(r[2].limit_bytes, 2222);
    assert_ptr_equal(r[2].policy, TOPIC_POLICY_DEFAULT);
    assert_false(r[2].is_durable);
    assert_true(r[3].is_durable);
    assert_false(r[4].is_durable);
    assert_pattern(&r[5], "**");
    assert_false(r[5].is_durable);
}

static const struct {
    const char *text, *named;
} wrong[] = {
    {"", "''"},
    {"   ", "''"},
    {"/a*b limit=1m", "'/a*b'"},
    {"/t limit", "'limit'"},
    {"/t limits=1m", "'limits'"},
    {"/t limit=", "limit"},
    {"/t limit=12", "12"},
    {"/t limit=soon", "'soon'"},
    {"/t messages=0", "messages"},
    {"/t messages=-1", "'-1'"},
    {"/t messages=4294967296", "4294967296"},
    {"/t policy=drop", "'drop'"},
    {"/t patience=25h", "25h"},
    {"/t hold=1.5", "'1.5'"},
    {"/queue/a durable=true", "'true' is not yes or no"},
    {"/queue/a durable", "'durable'"},
};

static void test_what_is_wrong_is_named(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
        f->error[0] = '\0';
        assert_false(add(f, wrong[i].text));
        if (!strstr(f->error, wrong[i].named))
            fail_msg("'%s': %s", wrong[i].text, f->error);
        assert_null(strchr(f->error, '\n'));
        assert_int_equal(f->rules.count, 0);
    }
}

static void test_rules_are_bounded(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < RULES_MAX; i++)
        assert_true(add(f, "/t hold=1"));
    assert_false(add(f, "/t hold=1"));
    assert_int_equal(f->mistakes.count, 1);
    rules_finish(&f->rules, &f->defaults);
    assert_int_equal(f->rules.count, RULES_MAX);
    assert_pattern(&f->rules.rows[RULES_MAX], "**");
}

static void test_long_rule_is_refused_whole(void **state)
{
    struct fixture *f = *state;
    char text[4000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(add(f, text));
    /* The mistake is named at the end of the sentence, and not cut off. */
    assert_int_equal(strlen(f->error), MISTAKE_BYTES - 1);
    assert_true(strncmp(f->error, "'aaaa", 5) == 0);
    assert_non_null(strstr(f->error, "a...a"));
    assert_non_null(strstr(f->error, "a' is not a channel name"));
    assert_int_equal(f->rules.count, 0);
}

static void test_rule_of_5000_bytes_is_read_whole(void **state)
{
    struct fixture *f = *state;
    static const char end[] = " messages=7";
    char text[5001];
    memset(text, ' ', sizeof text - 1);
    memcpy(text, "/t", 2);
    strcpy(text + sizeof text - sizeof end, end);
    assert_true(add(f, text));
    rules_finish(&f->rules, &f->defaults);
    assert_int_equal(f->rules.rows[0].limit_messages, 7);
}

#define RULES_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, open_rules, close_rules)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULES_TEST(test_what_is_not_said_is_the_broker_s),
        RULES_TEST(test_what_is_wrong_is_named),
        RULES_TEST(test_rules_are_bounded),
        RULES_TEST(test_long_rule_is_refused_whole),
        RULES_TEST(test_rule_of_5000_bytes_is_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

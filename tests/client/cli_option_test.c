/* SPDX-License-Identifier: MIT
 *
 * The option table: every way to write an option, and for every mistake a
 * sentence that names the option, the value and what would be right.
 */
#include "client/cli_option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct values {
    const char *server;
    bool is_raw, is_quiet;
    int mode;
    struct cli_option_number size, timeout_ms, count;
};

#define VALUE(field) offsetof(struct values, field)

static const struct cli_option table[] = {
    {"server", CLI_OPTION_TEXT, VALUE(server), "ADDR", "here:1",
     "SLUICE_TEST_SERVER", 0, 0, "where"},
    {"raw", CLI_OPTION_FLAG, VALUE(is_raw), NULL, NULL, NULL, 0, 0, "bytes"},
    {"size", CLI_OPTION_SIZE, VALUE(size), "SIZE", "16m", NULL, 1, 1 << 30,
     "how"},
    {"timeout", CLI_OPTION_DURATION, VALUE(timeout_ms), "TIME", NULL, NULL, 1,
     0, "when"},
    {"count", CLI_OPTION_COUNT, VALUE(count), "N", NULL, NULL, 0, 0, "many"},
    {"quiet", CLI_OPTION_FLAG, VALUE(is_quiet), NULL, NULL, NULL, 0, 0, "hush"},
    {"mode", CLI_OPTION_MODE, VALUE(mode), "fast|safe", NULL, NULL, 0, 0,
     "whether, and how"},
    {.name = NULL},
};

struct parsed {
    enum cli_option_result result;
    struct values values;
    int argc;
    const char *argv[16];
    struct sentence why;
};

/* Parses a command line that ends with NULL. */
static struct parsed *parse(const char *first, ...)
{
    static struct parsed p;
    memset(&p, 0, sizeof p);
    p.argv[p.argc++] = "command";
    va_list rest;
    va_start(rest, first);
    for (const char *word = first; word; word = va_arg(rest, const char *))
        p.argv[p.argc++] = word;
    va_end(rest);
    p.result =
        cli_option_parse(table, &p.values, &p.argc, (char **)p.argv, &p.why);
    return &p;
}

static void test_defaults(void **state)
{
    (void)state;
    unsetenv("SLUICE_TEST_SERVER");
    struct parsed *p = parse(NULL);
    assert_int_equal(p->result, CLI_OPTION_DONE);
    assert_string_equal(p->values.server, "here:1");
    assert_int_equal(p->values.size.value, 16 << 20);
    assert_false(p->values.is_raw);
    assert_false(p->values.count.is_given);
}

/* The word may be left out; what is none of the words is the next argument. */
static void test_a_mode_is_a_flag_with_a_word(void **state)
{
    (void)state;
    assert_int_equal(parse("a", NULL)->values.mode, 0);
    assert_int_equal(parse("--mode", NULL)->values.mode, 1);
    assert_int_equal(parse("--mode", "fast", NULL)->values.mode, 1);
    assert_int_equal(parse("--mode", "safe", NULL)->argc, 1);
    assert_int_equal(parse("--mode", "safe", NULL)->values.mode, 2);
    assert_int_equal(parse("--mode=safe", NULL)->values.mode, 2);
    struct parsed *p = parse("--mode", "saf", "--raw", NULL);
    assert_int_equal(p->values.mode, 1);
    assert_int_equal(p->argc, 2);
    assert_string_equal(p->argv[1], "saf");
    assert_true(p->values.is_raw);
    p = parse("--mode=saf", NULL);
    assert_int_equal(p->result, CLI_OPTION_WRONG);
    assert_non_null(strstr(p->why.text, "'saf' is not one of fast|safe"));
}

/* A letter is an option only where the command has that option. */
static void test_letters(void **state)
{
    (void)state;
    struct parsed *p = parse("-q", "a", NULL);
    assert_int_equal(p->result, CLI_OPTION_DONE);
    assert_true(p->values.is_quiet);
    assert_int_equal(p->argc, 2);
    assert_int_equal(parse("-v", NULL)->result, CLI_OPTION_WRONG);
    assert_int_equal(parse("-qq", NULL)->result, CLI_OPTION_WRONG);
    assert_int_equal(parse("-c", "1", NULL)->result, CLI_OPTION_WRONG);
    assert_int_equal(parse("---quiet", NULL)->result, CLI_OPTION_WRONG);
}

static void test_environment_then_command_line(void **state)
{
    (void)state;
    setenv("SLUICE_TEST_SERVER", "there:2", 1);
    assert_string_equal(parse(NULL)->values.server, "there:2");
    assert_string_equal(parse("--server", "x:3", NULL)->values.server, "x:3");
    setenv("SLUICE_TEST_SERVER", "", 1);
    assert_string_equal(parse(NULL)->values.server, "here:1");
    unsetenv("SLUICE_TEST_SERVER");
}

static void test_both_ways_to_give_a_value(void **state)
{
    (void)state;
    struct parsed *p =
        parse("--size=64k", "--timeout", "250ms", "--count=0", "--raw", NULL);
    assert_int_equal(p->result, CLI_OPTION_DONE);
    assert_int_equal(p->values.size.value, 65536);
    assert_int_equal(p->values.timeout_ms.value, 250);
    assert_true(p->values.count.is_given);
    assert_true(p->values.is_raw);
}

static void test_options_stand_anywhere(void **state)
{
    (void)state;
    struct parsed *p = parse("/topic/a", "--count", "3", "m", "-", "--raw",
                             "--", "--size", "-x", NULL);
    assert_int_equal(p->result, CLI_OPTION_DONE);
    assert_int_equal(p->argc, 6);
    assert_string_equal(p->argv[1], "/topic/a");
    assert_string_equal(p->argv[2], "m");
    assert_string_equal(p->argv[3], "-");
    assert_string_equal(p->argv[4], "--size");
    assert_string_equal(p->argv[5], "-x");
}

static void test_help(void **state)
{
    (void)state;
    assert_int_equal(parse("a", "--help", NULL)->result, CLI_OPTION_HELP);
    assert_int_equal(parse("-h", NULL)->result, CLI_OPTION_HELP);
    assert_int_equal(parse("--", "--help", NULL)->result, CLI_OPTION_DONE);
}

static void check_wrong(const struct parsed *p, const char *const *parts)
{
    assert_int_equal(p->result, CLI_OPTION_WRONG);
    for (; *parts; parts++)
        if (!strstr(p->why.text, *parts))
            fail_msg("no '%s' in: %s", *parts, p->why.text);
}

#define WRONG(p, ...) check_wrong(p, (const char *const[]){__VA_ARGS__, NULL})

static void test_wrong_values_are_named(void **state)
{
    (void)state;
    WRONG(parse("--size", "x", NULL), "--size", "'x'", "64k");
    WRONG(parse("--size=", NULL), "--size", "''");
    WRONG(parse("--size", "0", NULL), "--size",
          "0 is out of range: from 1 to 1g");
    WRONG(parse("--size", "2g", NULL),
          "--size: 2g is out of range: from 1 to 1g");
    WRONG(parse("--timeout", "-5s", NULL), "--timeout", "'-5s'", "250ms");
    WRONG(parse("--timeout", "0", NULL),
          "--timeout: 0 is out of range: at least 1ms");
    WRONG(parse("--count", "--raw", NULL), "--count", "'--raw'");
    WRONG(parse("--raw=yes", NULL), "--raw", "takes no value");
    WRONG(parse("--count", NULL), "--count",
          "--count needs a value: a whole number");
}

static void test_unknown_options_are_named(void **state)
{
    (void)state;
    WRONG(parse("--cuont", "3", NULL), "--cuont", "did you mean --count?");
    WRONG(parse("--cuont=3", NULL), "'--cuont'", "did you mean --count?");
    WRONG(parse("--count=3", "-c", NULL), "unknown option '-c'");
    WRONG(parse("---raw", NULL), "unknown option '---raw'");
    WRONG(parse("--=3", NULL), "unknown option '--'");
    struct parsed *p = parse("--entirely-different", NULL);
    WRONG(p, "--entirely-different");
    assert_null(strstr(p->why.text, "did you mean"));
}

static void test_long_words_do_not_overflow(void **state)
{
    (void)state;
    static char word[5000];
    memset(word, 'a', sizeof word - 1);
    memcpy(word, "--", 2);
    WRONG(parse(word, NULL), "unknown option '--aaa");
    WRONG(parse("--size", word, NULL), "--size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_letters),
        cmocka_unit_test(test_a_mode_is_a_flag_with_a_word),
        cmocka_unit_test(test_environment_then_command_line),
        cmocka_unit_test(test_both_ways_to_give_a_value),
        cmocka_unit_test(test_options_stand_anywhere),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_wrong_values_are_named),
        cmocka_unit_test(test_unknown_options_are_named),
        cmocka_unit_test(test_long_words_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

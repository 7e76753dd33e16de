/* SPDX-License-Identifier: MIT
 *
 * Every option has its default, takes its value in two ways, and a mistake in
 * it is reported in one sentence that names option and value.
 */
#include "broker/options/options.h"

#include <stdio.h>
#include <string.h>

#include "broker/base/log.h"
#include "broker/options/arguments.h"
#include "broker/options/help.h"
#include "broker/options/option_table.h"
#include "common/mistakes.h"
#include "tests/unit/unit.h"

enum { ARGUMENTS_MAX = 40 };

static struct options options;

/* What was reported, or printed, during the last parse(). */
static char said[16384];

static void report(void *arg, const char *sentence)
{
    (void)arg;
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "%s\n", sentence);
}

static bool parse_list(int argc, char **argv)
{
    struct arguments arguments = {.argc = argc, .argv = argv};
    struct mistakes mistakes = {.report = report};
    said[0] = '\0';
    options_fini(&options);
    options_init(&options);
    bool ok = arguments_read(&arguments, &options, &mistakes) &&
              options_finish(&options, &mistakes);
    assert_int_equal(ok ? 0 : 1, mistakes.count);
    return ok;
}

/* Parses one or two words; NULL ends. */
static bool parse(const char *first, const char *second)
{
    char *argv[] = {(char *)(uintptr_t) "sluiced", (char *)(uintptr_t)first,
                    (char *)(uintptr_t)second, NULL};
    return parse_list(!first ? 1 : !second ? 2 : 3, argv);
}

static void check_said(const char *part)
{
    if (!strstr(said, part))
        fail_msg("'%s' is not in: %s", part, said);
}

static void check_one_sentence(void)
{
    assert_true(strlen(said) > 1);
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_true(parse(NULL, NULL));
    assert_int_equal(options.listen.count, 1);
    assert_string_equal(options.listen.text, "127.0.0.1:25000");
    assert_int_equal(options.max_frame.number, 16 << 20);
    assert_int_equal(options.client_limit.number, 8 << 20);
    assert_int_equal(options.patience.number, 5000);
    assert_int_equal(options.prefetch.number, 64 << 10);
    assert_int_equal(options.queue_limit.number, 64 << 20);
    assert_int_equal(options.max_connections.number, 0);
    assert_int_equal(options.journal.count, 0);
    assert_int_equal(options.journal_limit.number, 8ull << 30);
    assert_int_equal(options.journal_free.number, 256 << 20);
    assert_int_equal(options.hello_timeout.number, 5000);
    assert_int_equal(options.frame_timeout.number, 10000);
    assert_int_equal(options.drain_timeout.number, 5000);
    assert_int_equal(options.log_level.number, LOG_INFO);
}

static const struct {
    const char *name, *value;
    const uint64_t *field;
    uint64_t expected;
} good[] = {
    {"--max-frame", "1", &options.max_frame.number, 1},
    {"--max-frame", "1g", &options.max_frame.number, 1 << 30},
    {"--client-limit", "1k", &options.client_limit.number, 1024},
    {"--patience", "0", &options.patience.number, 0},
    {"--patience", "250ms", &options.patience.number, 250},
    {"--prefetch", "1", &options.prefetch.number, 1},
    {"--queue-limit", "2m", &options.queue_limit.number, 2 << 20},
    {"--journal-limit", "4m", &options.journal_limit.number, 4 << 20},
    {"--journal-free", "0", &options.journal_free.number, 0},
    {"--journal-segment", "1g", &options.journal_segment.number, 1 << 30},
    {"--max-connections", "17", &options.max_connections.number, 17},
    {"--hello-timeout", "0.5", &options.hello_timeout.number, 500},
    {"--frame-timeout", "2m", &options.frame_timeout.number, 120000},
    {"--drain-timeout", "0", &options.drain_timeout.number, 0},
    {"--log-level", "debug", &options.log_level.number, LOG_DEBUG},
    {"--log-level", "error", &options.log_level.number, LOG_ERROR},
};

static void test_values_in_both_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good); i++) {
        char both[64];
        snprintf(both, sizeof both, "%s=%s", good[i].name, good[i].value);
        assert_true(parse(good[i].name, good[i].value));
        assert_int_equal(*good[i].field, good[i].expected);
        assert_true(parse(both, NULL));
        assert_int_equal(*good[i].field, good[i].expected);
        assert_string_equal(said, "");
    }
}

static const struct {
    const char *limit, *segment;
    uint64_t expected;
} segments[] = {
    {"8g", "0", 64 << 20},     {"64m", "0", 1 << 20},
    {"1m", "0", 1 << 20},      {"200m", "0", 3 << 20},
    {"1024g", "0", 64 << 20},  {"8g", "256k", 256 << 10},
    {"1m", "100m", 100 << 20},
};

static void test_a_segment_is_a_part_of_the_journal(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(segments); i++) {
        char limit[64], segment[64];
        snprintf(limit, sizeof limit, "--journal-limit=%s", segments[i].limit);
        snprintf(segment, sizeof segment, "--journal-segment=%s",
                 segments[i].segment);
        assert_true(parse(limit, segment));
        assert_int_equal(options_journal_segment(&options),
                         segments[i].expected);
    }
}

static const struct {
    const char *name, *value;
} bad[] = {
    {"--max-frame", "0"},          {"--max-frame", "1025m"},
    {"--max-frame", "-1"},         {"--max-frame", "16x"},
    {"--max-frame", ""},           {"--max-frame", "18446744073709551616"},
    {"--max-frame", "2147483648"}, {"--max-frame", "4294967296"},
    {"--client-limit", "1023"},    {"--client-limit", "8 m"},
    {"--patience", "25h"},         {"--patience", "soon"},
    {"--patience", "-1s"},         {"--prefetch", "0"},
    {"--prefetch", "1025m"},       {"--queue-limit", "12"},
    {"--queue-limit", "0x1000"},   {"--journal-limit", "1023k"},
    {"--journal-free", "-1"},      {"--journal-segment", "1025m"},
    {"--max-connections", "1.5"},  {"--max-connections", "9999999"},
    {"--hello-timeout", "0"},      {"--hello-timeout", "1d"},
    {"--frame-timeout", "0"},      {"--frame-timeout", "nan"},
    {"--drain-timeout", "inf"},    {"--log-level", "loud"},
    {"--log-level", "INFO"},       {"--http", "off"},
};

static void test_bad_values_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        assert_false(parse(bad[i].name, bad[i].value));
        check_one_sentence();
        check_said(bad[i].name);
        check_said(bad[i].value);
        /* The sentence says what would be right. */
        assert_true(strstr(said, "is not ") || strstr(said, ": from "));
    }
}

static void test_unknown_and_unfinished_options(void **state)
{
    (void)state;
    static const struct {
        const char *argument, *said;
    } rows[] = {
        {"--frobnicate", "'--frobnicate'"},
        {"--frobnicate=7", "'--frobnicate'"},
        {"--max-fram=7", "'--max-fram'"},
        {"--max-framex=7", "'--max-framex'"},
        {"--", "'--'"},
        {"-v", "'-v'"},
        {"stray", "'stray'"},
        {"--prefetch", "--prefetch needs a value"},
        {"--listen", "--listen needs a value"},
        {"--=", "'--'"},
        {"--http-listen=x", "there is --http"},
        {"--connect=x", "there is --monitor-connect"},
        {"--listn", "did you mean --listen?"},
        {"--listn=:1", "'--listn'; did you mean --listen?"},
        {"--max-fram=7", "did you mean --max-frame?"},
        {"--chanel=/x", "did you mean --channel?"},
        {"--chek", "did you mean --check?"},
        {"--confg=x", "did you mean --config?"},
        {"--frobnicate", "see sluiced --help"},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        assert_false(parse(rows[i].argument, NULL));
        check_one_sentence();
        check_said(rows[i].said);
    }
}

static void test_listen_repeats_up_to_a_bound(void **state)
{
    (void)state;
    char *argv[ARGUMENTS_MAX] = {(char *)(uintptr_t) "sluiced"};
    int argc = 1;
    for (int i = 0; i < OPTION_TEXTS_MAX; i++) {
        argv[argc++] = (char *)(uintptr_t) "--listen";
        argv[argc++] = (char *)(uintptr_t) "unix:/tmp/x";
    }
    assert_true(parse_list(argc, argv));
    assert_int_equal(options.listen.count, OPTION_TEXTS_MAX);
    assert_string_equal(options.listen.texts[3], argv[8]);
    argv[argc++] = (char *)(uintptr_t) "--listen=:1";
    assert_false(parse_list(argc, argv));
    check_one_sentence();
    check_said("--listen: ");
}

static void test_last_one_counts(void **state)
{
    (void)state;
    assert_true(parse("--prefetch=1k", "--prefetch=2k"));
    assert_int_equal(options.prefetch.number, 2048);
}

static void test_actions_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        enum action action;
    } rows[] = {
        {{"--help", "--nonsense"}, ACTION_HELP},
        {{"--version"}, ACTION_VERSION},
        {{"--manual"}, ACTION_MANUAL},
        {{"--check", "--memory=8m"}, ACTION_CHECK},
        {{"--memory=8m"}, ACTION_RUN},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char *argv[] = {(char *)(uintptr_t) "sluiced",
                        (char *)(uintptr_t)rows[i].words[0],
                        (char *)(uintptr_t)rows[i].words[1], NULL};
        struct arguments a = {.argc = rows[i].words[1] ? 3 : 2, .argv = argv};
        struct mistakes mistakes = {.report = report};
        options_fini(&options);
        options_init(&options);
        assert_true(arguments_read(&a, &options, &mistakes));
        assert_int_equal(a.action, rows[i].action);
        assert_null(a.config);
    }
}

static void test_help_and_reference_know_all_options(void **state)
{
    (void)state;
    static void (*const print[])(FILE *) = {help_print, help_reference};
    for (size_t i = 0; i < UNIT_COUNT(print); i++) {
        FILE *out = fmemopen(said, sizeof said, "w");
        assert_non_null(out);
        print[i](out);
        fclose(out);
        for (const struct option *row = option_table; row->name; row++) {
            char flag[64];
            snprintf(flag, sizeof flag, "--%s", row->name);
            check_said(flag);
        }
        check_said("127.0.0.1:25000");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values_in_both_forms),
        cmocka_unit_test(test_a_segment_is_a_part_of_the_journal),
        cmocka_unit_test(test_bad_values_are_named),
        cmocka_unit_test(test_unknown_and_unfinished_options),
        cmocka_unit_test(test_listen_repeats_up_to_a_bound),
        cmocka_unit_test(test_last_one_counts),
        cmocka_unit_test(test_actions_are_found),
        cmocka_unit_test(test_help_and_reference_know_all_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * Every option has its default, takes its value in two ways, and what is wrong
 * with it is said in one sentence that names option and value.
 */
#include "broker/options.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/base/log.h"
#include "tests/unit/unit.h"

enum { ARGUMENTS_MAX = 40 };

static struct options options;

/* What went to descriptor `fd` during the last parse(). */
static char said[8192];

static enum options_result parse_list(int fd, int argc, char **argv)
{
    int saved = dup(fd), to = memfd_create("said", 0);
    fflush(NULL);
    assert_true(saved >= 0 && to >= 0 && dup2(to, fd) == fd);
    options_fini(&options);
    enum options_result result = options_parse(&options, argc, argv);
    fflush(NULL);
    ssize_t n = pread(to, said, sizeof said - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    dup2(saved, fd);
    close(saved);
    close(to);
    return result;
}

/* Parses one or two words; NULL ends. What is said on stderr is kept. */
static enum options_result parse(const char *first, const char *second)
{
    char *argv[] = {(char *)(uintptr_t) "sluiced", (char *)(uintptr_t)first,
                    (char *)(uintptr_t)second, NULL};
    return parse_list(STDERR_FILENO, !first ? 1 : !second ? 2 : 3, argv);
}

static void check_said(const char *part)
{
    if (!strstr(said, part))
        fail_msg("'%s' is not in: %s", part, said);
}

static void check_one_sentence(void)
{
    assert_memory_equal(said, "sluiced: ", 9);
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(NULL, NULL), OPTIONS_RUN);
    assert_int_equal(options.listen_count, 1);
    assert_string_equal(options.listen[0], "127.0.0.1:25000");
    assert_int_equal(options.max_frame, 16 << 20);
    assert_int_equal(options.client_limit, 8 << 20);
    assert_int_equal(options.patience, 1000);
    assert_int_equal(options.prefetch, 64 << 10);
    assert_int_equal(options.queue_limit, 64 << 20);
    assert_int_equal(options.max_connections, 0);
    assert_int_equal(options.hello_timeout, 5000);
    assert_int_equal(options.frame_timeout, 10000);
    assert_int_equal(options.drain_timeout, 5000);
    assert_int_equal(options.log_level, LOG_INFO);
}

static const struct {
    const char *name, *value;
    const uint64_t *field;
    uint64_t expected;
} good[] = {
    {"--max-frame", "1", &options.max_frame, 1},
    {"--max-frame", "1g", &options.max_frame, 1 << 30},
    {"--client-limit", "1k", &options.client_limit, 1024},
    {"--patience", "0", &options.patience, 0},
    {"--patience", "250ms", &options.patience, 250},
    {"--prefetch", "1", &options.prefetch, 1},
    {"--queue-limit", "2m", &options.queue_limit, 2 << 20},
    {"--max-connections", "17", &options.max_connections, 17},
    {"--hello-timeout", "0.5", &options.hello_timeout, 500},
    {"--frame-timeout", "2m", &options.frame_timeout, 120000},
    {"--drain-timeout", "0", &options.drain_timeout, 0},
    {"--log-level", "debug", &options.log_level, LOG_DEBUG},
    {"--log-level", "error", &options.log_level, LOG_ERROR},
};

static void test_values_in_both_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(good); i++) {
        char both[64];
        snprintf(both, sizeof both, "%s=%s", good[i].name, good[i].value);
        assert_int_equal(parse(good[i].name, good[i].value), OPTIONS_RUN);
        assert_int_equal(*good[i].field, good[i].expected);
        assert_int_equal(parse(both, NULL), OPTIONS_RUN);
        assert_int_equal(*good[i].field, good[i].expected);
        assert_string_equal(said, "");
    }
}

static const struct {
    const char *name, *value;
} bad[] = {
    {"--max-frame", "0"},
    {"--max-frame", "1025m"},
    {"--max-frame", "-1"},
    {"--max-frame", "16x"},
    {"--max-frame", ""},
    {"--max-frame", "18446744073709551616"},
    {"--max-frame", "2147483648"},
    {"--max-frame", "4294967296"},
    {"--client-limit", "1023"},
    {"--client-limit", "8 m"},
    {"--patience", "25h"},
    {"--patience", "soon"},
    {"--patience", "-1s"},
    {"--prefetch", "0"},
    {"--prefetch", "1025m"},
    {"--queue-limit", "12"},
    {"--queue-limit", "0x1000"},
    {"--max-connections", "1.5"},
    {"--max-connections", "9999999"},
    {"--hello-timeout", "0"},
    {"--hello-timeout", "1d"},
    {"--frame-timeout", "0"},
    {"--frame-timeout", "nan"},
    {"--drain-timeout", "inf"},
    {"--log-level", "loud"},
    {"--log-level", "INFO"},
};

static void test_bad_values_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        assert_int_equal(parse(bad[i].name, bad[i].value), OPTIONS_WRONG);
        check_one_sentence();
        check_said(bad[i].name);
        check_said(bad[i].value);
        /* What would be right. */
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
        {"--prefetch", "--prefetch wants a value"},
        {"--listen", "--listen wants a value"},
        {"--=", "'--'"},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        assert_int_equal(parse(rows[i].argument, NULL), OPTIONS_WRONG);
        check_one_sentence();
        check_said(rows[i].said);
    }
}

static void test_listen_repeats_up_to_a_bound(void **state)
{
    (void)state;
    char *argv[ARGUMENTS_MAX] = {(char *)(uintptr_t) "sluiced"};
    int argc = 1;
    for (int i = 0; i < OPTIONS_LISTEN_MAX; i++) {
        argv[argc++] = (char *)(uintptr_t) "--listen";
        argv[argc++] = (char *)(uintptr_t) "unix:/tmp/x";
    }
    assert_int_equal(parse_list(STDERR_FILENO, argc, argv), OPTIONS_RUN);
    assert_int_equal(options.listen_count, OPTIONS_LISTEN_MAX);
    assert_ptr_equal(options.listen[3], argv[8]);
    argv[argc++] = (char *)(uintptr_t) "--listen=:1";
    assert_int_equal(parse_list(STDERR_FILENO, argc, argv), OPTIONS_WRONG);
    check_one_sentence();
    check_said("--listen: ");
}

static void test_last_one_counts(void **state)
{
    (void)state;
    assert_int_equal(parse("--prefetch=1k", "--prefetch=2k"), OPTIONS_RUN);
    assert_int_equal(options.prefetch, 2048);
}

static void test_help_and_version_go_to_stdout(void **state)
{
    (void)state;
    char *argv[] = {(char *)(uintptr_t) "sluiced", (char *)(uintptr_t) "--help",
                    NULL};
    assert_int_equal(parse_list(STDOUT_FILENO, 2, argv), OPTIONS_DONE);
    for (size_t i = 0; i < UNIT_COUNT(good); i++)
        check_said(good[i].name);
    check_said("--listen");
    check_said("127.0.0.1:25000");
    argv[1] = (char *)(uintptr_t) "--version";
    assert_int_equal(parse_list(STDOUT_FILENO, 2, argv), OPTIONS_DONE);
    assert_string_equal(said, "sluiced " SLUICE_VERSION "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values_in_both_forms),
        cmocka_unit_test(test_bad_values_are_named),
        cmocka_unit_test(test_unknown_and_unfinished_options),
        cmocka_unit_test(test_listen_repeats_up_to_a_bound),
        cmocka_unit_test(test_last_one_counts),
        cmocka_unit_test(test_help_and_version_go_to_stdout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

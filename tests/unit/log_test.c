/* SPDX-License-Identifier: MIT
 *
 * The log can be grepped whatever peers send, says how much it left out, and
 * never waits for its reader.
 */
#include "broker/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { LOGGED_BYTES = 1 << 16 };

struct fixture {
    struct log log;
    int reader, writer;
    char text[LOGGED_BYTES];
};

static int open_log(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    int ends[2];
    if (!f || pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    f->reader = ends[0];
    f->writer = ends[1];
    fcntl(f->reader, F_SETFL, O_NONBLOCK);
    log_init(&f->log, f->writer, LOG_INFO);
    *state = f;
    return 0;
}

static int close_log(void **state)
{
    struct fixture *f = *state;
    close(f->reader);
    close(f->writer);
    free(f);
    return 0;
}

/* What was logged since the last time. */
static const char *logged(struct fixture *f)
{
    ssize_t n = read(f->reader, f->text, sizeof f->text - 1);
    f->text[n > 0 ? n : 0] = '\0';
    return f->text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void check_ends(const char *line, const char *end)
{
    size_t n = strlen(line), m = strlen(end);
    assert_true(n >= m);
    assert_string_equal(line + n - m, end);
}

static void test_line_has_time_level_event_and_fields(void **state)
{
    struct fixture *f = *state;
    log_event(&f->log, LOG_WARNING, "closed", LOG_U64("conn", 41), LOG_NONE,
              LOG_TEXT("peer", "127.0.0.1:7"), LOG_BYTES("channel", NULL, 0));
    const char *line = logged(f);
    int year, end = 0;
    assert_int_equal(
        sscanf(line, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ %n", &year, &end), 1);
    assert_int_equal(end, 25);
    assert_string_equal(line + end, "warning event=closed conn=41 "
                                    "peer=127.0.0.1:7\n");
}

static void test_level_leaves_out_what_is_finer(void **state)
{
    struct fixture *f = *state;
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        log_init(&f->log, f->writer, (enum log_level)level);
        log_event(&f->log, LOG_ERROR, "a", LOG_NONE);
        log_event(&f->log, LOG_WARNING, "b", LOG_NONE);
        log_event(&f->log, LOG_INFO, "c", LOG_NONE);
        log_event(&f->log, LOG_DEBUG, "d", LOG_NONE);
        assert_int_equal(count_lines(logged(f)), level + 1);
    }
    log_init(&f->log, f->writer, LOG_ERROR);
    log_always(&f->log, LOG_INFO, "stopped", LOG_LIST(LOG_NONE));
    check_ends(logged(f), " info event=stopped\n");
}

static const struct {
    const char *bytes;
    size_t n;
    const char *shown;
} escapes[] = {
    {"/topic/a", 8, "/topic/a"},
    {"", 0, "\"\""},
    {"a b", 3, "\"a b\""},
    {"a=b", 3, "\"a=b\""},
    {"a\"b", 3, "\"a\\x22b\""},
    {"a\\x0a", 5, "\"a\\x5cx0a\""},
    {"a\nevent=x", 9, "\"a\\x0aevent=x\""},
    {"\r\t\x1b[2J", 6, "\"\\x0d\\x09\\x1b[2J\""},
    {"\0\x7f\x80\xff", 4, "\"\\x00\\x7f\\x80\\xff\""},
};

static void test_hostile_bytes_are_quoted_and_escaped(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < UNIT_COUNT(escapes); i++) {
        char end[64];
        log_event(&f->log, LOG_INFO, "e",
                  LOG_BYTES("channel", escapes[i].bytes, escapes[i].n));
        snprintf(end, sizeof end, " event=e channel=%s\n", escapes[i].shown);
        check_ends(logged(f), end);
    }
}

static void test_every_byte_leaves_one_printable_line(void **state)
{
    struct fixture *f = *state;
    uint8_t all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    log_event(&f->log, LOG_INFO, "e", LOG_BYTES("channel", all, sizeof all));
    const char *line = logged(f);
    size_t n = strlen(line);
    assert_int_equal(count_lines(line), 1);
    for (size_t i = 0; i + 1 < n; i++)
        assert_true(line[i] >= ' ' && line[i] < 0x7f);
}

static void test_json_is_whole_however_long(void **state)
{
    struct fixture *f = *state;
    char long_name[LOG_LINE_BYTES];
    memset(long_name, 'x', sizeof long_name);
    f->log.format = LOG_AS_JSON;
    for (size_t n = 1; n < sizeof long_name; n++) {
        log_always(&f->log, LOG_INFO, "e",
                   LOG_LIST(LOG_U64("conn", 41), LOG_TEXT("peer", "\""),
                            LOG_BYTES("channel", long_name, n)));
        const char *line = logged(f);
        assert_true(strlen(line) <= LOG_LINE_BYTES);
        assert_memory_equal(line, "{\"time\":\"", 9);
        assert_non_null(strstr(line, "\"level\":\"info\",\"event\":\"e\","
                                     "\"conn\":41,\"peer\":\"\\\\x22\""));
        check_ends(line, strstr(line, "channel") ? "x\"}\n" : "x22\"}\n");
    }
    assert_null(strstr(f->text, "channel"));
}

static void test_long_lines_are_cut_and_end(void **state)
{
    struct fixture *f = *state;
    char long_name[LOG_LINE_BYTES * 2];
    memset(long_name, '\n', sizeof long_name);
    log_event(&f->log, LOG_INFO, "e",
              LOG_BYTES("channel", long_name, sizeof long_name));
    const char *line = logged(f);
    assert_int_equal(strlen(line), LOG_LINE_BYTES);
    assert_int_equal(count_lines(line), 1);
    assert_int_equal(line[LOG_LINE_BYTES - 1], '\n');
}

static void burst(struct fixture *f, const char *event, const char *reason,
                  int n)
{
    for (int i = 0; i < n; i++)
        log_event(&f->log, LOG_WARNING, event, LOG_TEXT("reason", reason));
}

/* What happened `ms` ago instead of now, as the limiter knows it. */
static void age(struct fixture *f, clock_ms ms)
{
    for (size_t i = 0; i < f->log.keys; i++)
        f->log.limits[i].throttle.since -= ms;
}

static void test_repeated_events_are_limited_and_counted(void **state)
{
    struct fixture *f = *state;
    burst(f, "closed", "hello_timeout", LOG_BURST + 100);
    size_t passed = count_lines(logged(f));
    /* Time goes on during the test: a slow machine may let a few more pass. */
    assert_in_range(passed, LOG_BURST, LOG_BURST + 99);
    age(f, 1000);
    burst(f, "closed", "hello_timeout", 1);
    char end[64];
    snprintf(end, sizeof end, " suppressed=%zu\n", LOG_BURST + 100 - passed);
    check_ends(logged(f), end);
    burst(f, "closed", "hello_timeout", 1);
    assert_null(strstr(logged(f), "suppressed"));
}

static void test_other_reasons_have_limits_of_their_own(void **state)
{
    struct fixture *f = *state;
    burst(f, "closed", "hello_timeout", LOG_BURST + 100);
    (void)logged(f);
    burst(f, "closed", "frame_too_long", 1);
    burst(f, "slow_consumer", NULL, 1);
    assert_int_equal(count_lines(logged(f)), 2);
}

static void test_more_kinds_than_limits_are_still_limited(void **state)
{
    struct fixture *f = *state;
    static char names[LOG_KEYS * 4][8];
    size_t passed = 0;
    for (size_t i = 0; i < UNIT_COUNT(names); i++)
        snprintf(names[i], sizeof names[i], "e%zu", i);
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        burst(f, names[i], NULL, 1);
        passed += count_lines(logged(f));
    }
    assert_int_equal(f->log.keys, LOG_KEYS);
    assert_true(passed >= LOG_KEYS && passed < UNIT_COUNT(names));
}

static void test_full_pipe_is_not_waited_for_and_counted(void **state)
{
    struct fixture *f = *state;
    char page[4096] = {0};
    int flags = fcntl(f->writer, F_GETFL);
    fcntl(f->writer, F_SETFL, flags | O_NONBLOCK);
    while (write(f->writer, page, sizeof page) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    fcntl(f->writer, F_SETFL, flags); /* a write would block forever now */
    for (int i = 0; i < 3; i++)
        log_always(&f->log, LOG_INFO, "e", LOG_LIST(LOG_NONE));
    assert_int_equal(f->log.lost, 3);
    while (read(f->reader, page, sizeof page) > 0)
        ;
    log_always(&f->log, LOG_INFO, "e", LOG_LIST(LOG_NONE));
    assert_int_equal(f->log.lost, 3);
    check_ends(logged(f), " event=e\n");
}

#define LOG_TEST(test)                                                         \
    cmocka_unit_test_setup_teardown(test, open_log, close_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_line_has_time_level_event_and_fields),
        LOG_TEST(test_level_leaves_out_what_is_finer),
        LOG_TEST(test_hostile_bytes_are_quoted_and_escaped),
        LOG_TEST(test_every_byte_leaves_one_printable_line),
        LOG_TEST(test_json_is_whole_however_long),
        LOG_TEST(test_long_lines_are_cut_and_end),
        LOG_TEST(test_repeated_events_are_limited_and_counted),
        LOG_TEST(test_other_reasons_have_limits_of_their_own),
        LOG_TEST(test_more_kinds_than_limits_are_still_limited),
        LOG_TEST(test_full_pipe_is_not_waited_for_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

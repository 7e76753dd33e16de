/* SPDX-License-Identifier: MIT
 *
 * An observer of the log gets every line, and the log itself is unchanged.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/base/log.h"
#include "tests/unit/unit.h"

enum { MANY = 1000 };

struct heard {
    unsigned count;
    char event[32];
    uint64_t number;
};

static void on_event(void *arg, const char *event,
                     const struct log_field *fields)
{
    struct heard *heard = arg;
    heard->count++;
    strncpy(heard->event, event, sizeof heard->event - 1);
    heard->number = fields[0].number;
}

static off_t written(int fd)
{
    return lseek(fd, 0, SEEK_END);
}

static void test_below_the_level(void **state)
{
    (void)state;
    struct log log;
    struct heard heard = {.count = 0};
    int fd = memfd_create("log", MFD_CLOEXEC);
    log_init(&log, fd, LOG_WARNING);
    assert_false(log_is_on(&log, LOG_DEBUG));
    log_observe(&log, on_event, &heard);
    assert_true(log_is_on(&log, LOG_DEBUG));
    log_event(&log, LOG_DEBUG, "whisper", LOG_U64("n", 7));
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.event, "whisper");
    assert_int_equal(heard.number, 7);
    assert_int_equal(written(fd), 0);
    close(fd);
}

static void test_beyond_the_limit(void **state)
{
    (void)state;
    struct log log;
    struct heard heard = {.count = 0};
    int fd = memfd_create("log", MFD_CLOEXEC);
    log_init(&log, fd, LOG_INFO);
    log_observe(&log, on_event, &heard);
    for (uint64_t i = 0; i < MANY; i++)
        log_event(&log, LOG_INFO, "chatter", LOG_U64("n", i));
    assert_int_equal(heard.count, MANY);
    assert_true(written(fd) > 0);
    off_t at = written(fd);
    log_observe(&log, NULL, NULL);
    log_event(&log, LOG_INFO, "chatter", LOG_U64("n", 0));
    assert_int_equal(heard.count, MANY);
    assert_int_equal(written(fd), at);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_below_the_level),
        cmocka_unit_test(test_beyond_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

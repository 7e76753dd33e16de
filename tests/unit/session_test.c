/* SPDX-License-Identifier: MIT
 *
 * The protocol, one client at a time, with sessions at one end of a socket
 * pair and bytes at the other.
 */
#include "broker/session/state.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/session_rig.h"
#include "tests/unit/unit.h"

static void test_subscriber_gets_the_message_alone(void **state)
{
    struct fixture *f = *state;
    say_bytes(f, f->a, STRING("\0\0\0\x0a/topic/foo"));
    say_bytes(f, f->b,
              STRING("\0\0\0\x05/null\0\0\0\x0a/topic/foo"
                     "\0\0\0\x05hello"));
    check_heard(f, f->a, "hello|");
    check_heard(f, f->b, "");
    assert_int_equal(count(f, COUNT_messages_in), 1);
    assert_int_equal(count(f, COUNT_messages_out), 1);
    assert_int_equal(count(f, COUNT_bytes_out), 9);
}

static void test_frames_may_be_cut_anywhere(void **state)
{
    struct fixture *f = *state;
    static const char wire[] = "\0\0\0\1t\0\0\0\1t\0\0\0\3one\0\0\0\1t"
                               "\0\0\0\0\0\0\0\1t\0\0\0\3two";
    for (size_t i = 0; i < sizeof wire - 1; i++)
        say_bytes(f, f->a, wire + i, 1);
    check_heard(f, f->a, "one||two|");
    say_bytes(f, f->b, STRING(wire));
    check_heard(f, f->b, "one||two|");
}

/* One pair at the end of `at`; returns its new end. */
static char *put_pair(char *at, const char *name, size_t length, char message)
{
    const char head[4] = {0, 0, 0, (char)length};
    memcpy(at, head, 4);
    memcpy(at + 4, name, length);
    memcpy(at + 4 + length, "\0\0\0\1", 4);
    at[8 + length] = message;
    return at + 9 + length;
}

/* Wherever they differ, however much follows. */
static void test_names_of_any_length_are_told_apart(void **state)
{
    struct fixture *f = *state;
    char name[256], other[256], pairs[4 * (9 + 255)], *end;
    memset(name, 'n', sizeof name);
    say_frame(f, f->b, "/null");
    for (size_t length = 1; length <= 255; length += length < 40 ? 1 : 43) {
        hang_up(&f->a);
        turns(f, 1);
        f->a = house_connect(&f->house);
        name[length] = '\0';
        say_frame(f, f->a, name);
        for (size_t i = 0; i < length; i++) {
            memcpy(other, name, sizeof other);
            other[i] = 'o';
            end = put_pair(pairs, name, length, '1');
            end = put_pair(end, other, length, 'x');
            end = put_pair(end, name, length, '2');
            end = put_pair(end, name, length, '3');
            say_bytes(f, f->b, pairs, (size_t)(end - pairs));
            check_heard(f, f->a, "1|2|3|");
        }
        name[length] = 'n';
    }
}

static void test_empty_first_frame_only_publishes(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->a, "t");
    say_frame(f, f->b, "");
    assert_int_equal(count(f, COUNT_subscribers), 1);
    say_pair(f, f->b, "t", "x");
    check_heard(f, f->a, "x|");
}

static void test_own_messages_come_back(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->a, "t");
    say_pair(f, f->a, "t", "x");
    check_heard(f, f->a, "x|");
}

static void test_goodbye_flushes_and_closes(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->a, "t");
    say_frame(f, f->b, "t");
    say_bytes(f, f->a,
              STRING("\0\0\0\1t\0\0\0\1x" /* and goodbye, */
                     "\0\0\0\0"           /* and no more: */
                     "\0\0\0\1t\0\0\0\1y"));
    check_heard(f, f->a, "x|$");
    check_heard(f, f->b, "x|");
    run_until(f, 1);
    check_logged(f, "reason=goodbye");
}

static const struct {
    const char *bytes;
    size_t n;
    const char *logged;
    enum counter_id counter;
} refusals[] = {
    {STRING("\xff\xff\xff\xff"), "reason=frame_too_long",
     COUNT_closed_protocol},
    {STRING("\x7f\xff\xff\xff"), "reason=frame_too_long",
     COUNT_closed_protocol},
    {STRING("\0\1\x86\xa1"), "reason=frame_too_long", COUNT_closed_protocol},
    {STRING("\0\1\x86\xa0"), "reason=name_too_long", COUNT_closed_protocol},
    {STRING("\0\0\1\0n"), "reason=name_too_long", COUNT_closed_protocol},
    {STRING("\0\0\x10\1"), "reason=name_too_long", COUNT_closed_protocol},
    {STRING("\0\0\0\4\0"), "reason=version_reserved", COUNT_closed_protocol},
    {STRING("GET / HTTP/1.1\r\n"), "reason=foreign_protocol protocol=http",
     COUNT_closed_protocol},
    {STRING("\x16\x03\x01\x02\x00\x01"), "reason=foreign_protocol protocol=tls",
     COUNT_closed_protocol},
    {STRING("SSH-2.0-x\r\n"), "reason=foreign_protocol protocol=ssh",
     COUNT_closed_protocol},
    {STRING("\0\0\0\1t\0\0\0\1t\xff\xff\xff\xff"), "reason=frame_too_long",
     COUNT_closed_protocol},
    {STRING("\0\0\0\1t\0\0\1\0"), "reason=name_too_long",
     COUNT_closed_protocol},
    {STRING("\0\0\0\1t\0\0\0\1t\0\1\x86\xa1"), "reason=frame_too_long",
     COUNT_closed_protocol},
};

static void test_what_is_not_allowed_is_closed_at_once(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < UNIT_COUNT(refusals); i++) {
        char line[128];
        int fd = house_connect(&f->house);
        uint64_t before = count(f, refusals[i].counter);
        assert_int_equal(ftruncate(f->log_fd, 0), 0);
        lseek(f->log_fd, 0, SEEK_SET);
        say_bytes(f, fd, refusals[i].bytes, refusals[i].n);
        turns(f, 2);
        assert_true(recv(fd, line, sizeof line, 0) == 0);
        assert_int_equal(count(f, refusals[i].counter), before + 1);
        check_logged(f, "warning event=closed");
        check_logged(f, refusals[i].logged);
        close(fd);
    }
    assert_int_equal(count(f, COUNT_connections), 2);
}

static void test_announced_length_takes_no_memory(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->a, "t");
    uint64_t before = f->house.budget.used_bytes;
    say_bytes(f, f->a, STRING("\0\0\0\1t\0\1\x86\xa0"));
    assert_true(f->house.budget.used_bytes - before < 20000);
}

static void test_nothing_said_is_only_counted(void **state)
{
    struct fixture *f = *state;
    hang_up(&f->a);
    turns(f, 2);
    assert_int_equal(count(f, COUNT_closed_silent), 1);
    check_logged(f, "debug event=closed");
    assert_null(strstr(f->log, "warning"));
}

static void test_large_message_arrives_whole(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 60000, PIECE = 2500 };
    static char body[SIZE + 2];
    say_frame(f, f->a, "t");
    say_frame(f, f->b, "/null");
    say_bytes(f, f->b, STRING("\0\0\0\1t\0\0\xea\x60"));
    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)('a' + i / 3 % 26);
    for (size_t at = 0; at < SIZE; at += PIECE)
        say_bytes(f, f->b, body + at, PIECE);
    strcpy(body + SIZE, "|");
    check_heard(f, f->a, body);
}

static void test_subscriber_that_breaks_off_harms_nobody(void **state)
{
    struct fixture *f = *state;
    int c = house_connect(&f->house);
    say_frame(f, f->a, "t");
    say_frame(f, f->b, "t");
    say_frame(f, c, "/null");
    say_pair(f, c, "t", "one");
    close(f->a); /* with a message unread: a reset */
    f->a = -1;
    say_pair(f, c, "t", "two");
    check_heard(f, f->b, "one|two|");
    assert_int_equal(count(f, COUNT_subscribers), 1);
    assert_int_equal(count(f, COUNT_connections), 2);
    close(c);
}

/* Publishes to a queue until it is not read any more; returns how many
 * messages the kernel took. */
static size_t fill_queue(struct fixture *f, int fd)
{
    char pair[10 + 4 + 100] = "\0\0\0\6/queue\0\0\0\x64";
    size_t n = 0;
    say_frame(f, fd, "");
    while (send(fd, pair, sizeof pair, MSG_NOSIGNAL) == sizeof pair) {
        turns(f, 1);
        n++;
    }
    assert_int_equal(count(f, COUNT_paused_publishers), 1);
    return n;
}

static void test_paused_publisher_that_ends_is_read_to_its_end(void **state)
{
    struct fixture *f = *state;
    size_t sent = fill_queue(f, f->a), taken = 0;
    hang_up(&f->a);
    turns(f, 20);
    assert_int_equal(count(f, COUNT_connections), 2); /* it is kept */
    say_frame(f, f->b, "/queue");
    static char room[65536];
    ssize_t n;
    while ((n = recv(f->b, room, sizeof room, 0)) > 0) {
        taken += (size_t)n;
        turns(f, 3);
    }
    /* The kernel may have taken part of one more. */
    assert_int_equal(taken / 104, sent);
    assert_int_equal(taken % 104, 0);
    assert_int_equal(count(f, COUNT_connections), 1);
    assert_int_equal(count(f, COUNT_paused_publishers), 0);
}

static void
test_ended_publisher_gives_its_descriptor_when_one_is_wanted(void **state)
{
    struct fixture *f = *state;
    size_t sent = fill_queue(f, f->a);
    hang_up(&f->a);
    turns(f, 20);
    assert_int_equal(count(f, COUNT_connections), 2);
    f->house.clients.wants_descriptor = true;
    turns(f, 20);
    assert_int_equal(count(f, COUNT_connections), 1);
    assert_int_equal(count(f, COUNT_queued_messages), sent);
    assert_false(f->house.clients.wants_descriptor);
}

static void test_ended_publisher_is_kept_while_memory_is_short(void **state)
{
    struct fixture *f = *state;
    size_t sent = fill_queue(f, f->a);
    hang_up(&f->a);
    turns(f, 20);
    f->house.budget.limit_bytes = f->house.budget.used_bytes;
    f->house.clients.wants_descriptor = true;
    turns(f, 20);
    assert_int_equal(count(f, COUNT_connections), 2);
    f->house.budget.limit_bytes = 0;
    turns(f, 20);
    assert_int_equal(count(f, COUNT_connections), 1);
    assert_int_equal(count(f, COUNT_queued_messages), sent);
}

#define SESSION_TEST(test)                                                     \
    cmocka_unit_test_setup_teardown(test, session_rig_open, session_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(test_subscriber_gets_the_message_alone),
        SESSION_TEST(test_frames_may_be_cut_anywhere),
        SESSION_TEST(test_names_of_any_length_are_told_apart),
        SESSION_TEST(test_empty_first_frame_only_publishes),
        SESSION_TEST(test_own_messages_come_back),
        SESSION_TEST(test_goodbye_flushes_and_closes),
        SESSION_TEST(test_what_is_not_allowed_is_closed_at_once),
        SESSION_TEST(test_announced_length_takes_no_memory),
        SESSION_TEST(test_nothing_said_is_only_counted),
        SESSION_TEST(test_large_message_arrives_whole),
        SESSION_TEST(test_subscriber_that_breaks_off_harms_nobody),
        SESSION_TEST(test_paused_publisher_that_ends_is_read_to_its_end),
        SESSION_TEST(
            test_ended_publisher_gives_its_descriptor_when_one_is_wanted),
        SESSION_TEST(test_ended_publisher_is_kept_while_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The protocol, one client at a time, with sessions at one end of a socket
 * pair and bytes at the other. The bytes are written by hand: the codec does
 * not test itself.
 */
#include "broker/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/house.h"
#include "tests/unit/unit.h"

#define STRING(literal) (literal), sizeof(literal) - 1

struct fixture {
    struct house house;
    int log_fd;
    int a, b;        /* clients, connected */
    uint64_t enough; /* connections; the loop stops at */
    char log[1 << 16];
    char got[1 << 17];
};

static int open_house(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->log_fd = memfd_create("log", MFD_CLOEXEC);
    if (f->log_fd < 0 || !house_open(&f->house, f->log_fd))
        return -1;
    f->a = house_connect(&f->house);
    f->b = house_connect(&f->house);
    *state = f;
    return f->a < 0 || f->b < 0;
}

static void hang_up(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int close_house(void **state)
{
    struct fixture *f = *state;
    hang_up(&f->a);
    hang_up(&f->b);
    house_close(&f->house);
    int left = f->house.budget.used_bytes != 0;
    close(f->log_fd);
    free(f);
    return left;
}

static void turns(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++)
        house_turn(&f->house);
}

static void say_bytes(struct fixture *f, int fd, const void *bytes, size_t n)
{
    assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
    turns(f, 2);
}

static void say_frame(struct fixture *f, int fd, const char *text)
{
    char frame[300] = {0};
    size_t n = strlen(text);
    assert_true(n < 256);
    frame[3] = (char)n;
    memcpy(frame + 4, text, n);
    say_bytes(f, fd, frame, 4 + n);
}

static void say_pair(struct fixture *f, int fd, const char *channel,
                     const char *message)
{
    say_frame(f, fd, channel);
    say_frame(f, fd, message);
}

/* What came: messages with a "|" behind each, and "$" for the end. */
static const char *heard(struct fixture *f, int fd)
{
    static char wire[sizeof f->got];
    size_t n = 0, out = 0, at = 0;
    ssize_t got;
    while ((got = recv(fd, wire + n, sizeof wire - n, 0)) > 0) {
        n += (size_t)got;
        turns(f, 2);
    }
    while (at + 4 <= n) {
        const uint8_t *head = (const uint8_t *)wire + at;
        size_t length = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        assert_true(head[0] == 0 && at + 4 + length <= n);
        memcpy(f->got + out, wire + at + 4, length);
        out += length;
        f->got[out++] = '|';
        at += 4 + length;
    }
    assert_int_equal(at, n);
    if (got == 0)
        f->got[out++] = '$';
    f->got[out] = '\0';
    return f->got;
}

static void check_heard(struct fixture *f, int fd, const char *expected)
{
    assert_string_equal(heard(f, fd), expected);
}

static void check_logged(struct fixture *f, const char *part)
{
    ssize_t n = pread(f->log_fd, f->log, sizeof f->log - 1, 0);
    f->log[n > 0 ? n : 0] = '\0';
    if (!strstr(f->log, part))
        fail_msg("'%s' is not in the log:\n%s", part, f->log);
}

static uint64_t count(const struct fixture *f, enum counter_id id)
{
    return house_count(&f->house, id);
}

static bool is_over(void *arg)
{
    struct fixture *f = arg;
    bool again = sessions_end_turn(&f->house.sessions);
    if (count(f, COUNT_connections) == f->enough)
        reactor_stop(f->house.reactor);
    return again;
}

/* Runs, with all its timers, until so many connections are left. */
static void run_until(struct fixture *f, uint64_t connections)
{
    f->enough = connections;
    reactor_run(f->house.reactor, is_over, f);
}

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
    {STRING("\0\0\1\0"), "reason=name_too_long", COUNT_closed_protocol},
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
    f->house.sessions.wants_descriptor = true;
    turns(f, 20);
    assert_int_equal(count(f, COUNT_connections), 1);
    assert_int_equal(count(f, COUNT_queued_messages), sent);
    assert_false(f->house.sessions.wants_descriptor);
}

static void test_ended_publisher_is_kept_while_memory_is_short(void **state)
{
    struct fixture *f = *state;
    size_t sent = fill_queue(f, f->a);
    hang_up(&f->a);
    turns(f, 20);
    f->house.budget.limit_bytes = f->house.budget.used_bytes;
    f->house.sessions.wants_descriptor = true;
    turns(f, 20);
    assert_int_equal(count(f, COUNT_connections), 2);
    f->house.budget.limit_bytes = 0;
    turns(f, 20);
    assert_int_equal(count(f, COUNT_connections), 1);
    assert_int_equal(count(f, COUNT_queued_messages), sent);
}

static const struct {
    enum session_wait wait;
    const char *bytes;
    size_t n;
    const char *logged;
} timeouts[] = {
    {WAIT_HELLO, STRING(""), "reason=hello_timeout"},
    {WAIT_HELLO, STRING("\0\0\0\5/to"), "reason=hello_timeout"},
    {WAIT_FRAME, STRING("\0\0\0\1t\0\0"), "reason=frame_timeout"},
    {WAIT_FRAME, STRING("\0\0\0\1t\0\0\0\1t\0\0\0\4wa"),
     "reason=frame_timeout"},
    {WAIT_FRAME, STRING("\0\0\0\1t\0\0\0\1t\0\1\0\0wa"),
     "reason=frame_timeout"},
};

static void test_every_wait_has_an_end(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->b, "t"); /* stays: silent between frames is allowed */
    for (size_t i = 0; i < UNIT_COUNT(timeouts); i++) {
        f->house.sessions.config.wait_ms[WAIT_HELLO] = 1000000;
        f->house.sessions.config.wait_ms[WAIT_FRAME] = 1000000;
        f->house.sessions.config.wait_ms[timeouts[i].wait] = 1;
        hang_up(&f->a);
        turns(f, 2);
        f->a = house_connect(&f->house);
        turns(f, 1); /* as after every accept, or no timer is set */
        if (timeouts[i].n > 0)
            assert_int_equal(send(f->a, timeouts[i].bytes, timeouts[i].n, 0),
                             timeouts[i].n);
        run_until(f, 1);
        check_logged(f, timeouts[i].logged);
        check_heard(f, f->a, "$");
    }
    assert_int_equal(count(f, COUNT_closed_timeout), UNIT_COUNT(timeouts));
}

/* Where there is no room for what it brings, it does not make some by being
 * held to have been silent: it has just gone on. */
static void test_who_goes_on_is_not_evicted_as_silent(void **state)
{
    struct fixture *f = *state;
    char piece[3000] = {0};
    f->house.budget.limit_bytes = 4 * sizeof piece;
    say_frame(f, f->a, "t");
    say_frame(f, f->b, "t");
    say_bytes(f, f->b, STRING("\0\0\0\1t\0\0\x0f\0wa"));
    say_bytes(f, f->a, STRING("\0\0\0\1t\0\0\x0f\0wa"));
    struct list *first = f->house.sessions.waits[WAIT_FRAME].next;
    LIST_OF(first, struct session, wait)->wait_since -= SESSIONS_STALLED_MS;
    first = first->next;
    LIST_OF(first, struct session, wait)->wait_since -= SESSIONS_STALLED_MS / 2;
    say_bytes(f, f->b, piece, sizeof piece);
    turns(f, 10);
    check_logged(f, "reason=memory");
    assert_null(strstr(f->log, "reason=frame_timeout"));
    check_heard(f, f->b, "$");
}

/* Or whoever breaks off behind a name, again and again, would fill the memory
 * with channels. */
static void test_name_without_its_message_leaves_no_channel(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->a, "");
    say_frame(f, f->a, "/queue/begun");
    assert_int_equal(count(f, COUNT_channels), 0);
    say_frame(f, f->a, "water");
    assert_int_equal(count(f, COUNT_channels), 1);
    say_frame(f, f->b, "");
    say_frame(f, f->b, "/topic/held");
    say_bytes(f, f->b, STRING("\xff\xff\xff\xff"));
    check_logged(f, "reason=frame_too_long");
    assert_int_equal(count(f, COUNT_channels), 1);
}

/* It would wait for ever, even for a client that has gone: nobody is read who
 * waits for memory. */
static void test_message_too_long_for_new_bounds_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    struct budget *budget = &f->house.budget;
    static const char piece[20000] = "\0\0\0\1t\0\0\xea\x60";
    budget->limit_bytes = 300000;
    budget_charge(budget, 250000);
    say_frame(f, f->a, "");
    say_bytes(f, f->a, piece, sizeof piece);
    assert_int_equal(count(f, COUNT_memory_waits), 1);
    budget_refund(budget, 250000);
    budget->limit_bytes = 50000;
    f->house.sessions.config.max_frame_bytes = 25000;
    turns(f, 2);
    check_logged(f, "reason=frame_too_long");
    assert_int_equal(count(f, COUNT_connections), 1);
}

/* Sends the beginning of a message of 90,000 bytes. */
static void begin_message(struct fixture *f, int fd, size_t n)
{
    static const char zeros[80000];
    say_bytes(f, fd, STRING("\0\0\0\1t\0\1\x5f\x90"));
    for (size_t sent = 0; sent < n; sent += 10000)
        say_bytes(f, fd, zeros, 10000);
}

/* Memory that was granted to one who does not go on is taken back, but what
 * came of that message shall not close those who begin one. */
static void test_who_begins_has_room_beside_those_who_stall(void **state)
{
    struct fixture *f = *state;
    struct sessions *all = &f->house.sessions;
    int c = house_connect(&f->house);
    f->house.budget.limit_bytes = 320000;
    say_frame(f, f->a, "/null");
    say_frame(f, f->b, "/null");
    say_frame(f, c, "/null");
    begin_message(f, f->a, 80000);
    begin_message(f, f->b, 10000); /* waits: half of the memory is for two */
    assert_int_equal(count(f, COUNT_memory_waits), 1);
    struct list *first = all->waits[WAIT_FRAME].next;
    LIST_OF(first, struct session, wait)->wait_since -= SESSIONS_IDLE_GRANT_MS;
    for (clock_ms at = all->timer_at; at == all->timer_at;)
        turns(f, 1); /* until the timer has fired, in so many ms */
    begin_message(f, c, 10000);
    assert_int_equal(count(f, COUNT_connections), 3);
    hang_up(&c);
}

static void test_draining_delivers_what_is_owed_then_closes(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->a, "t");
    say_frame(f, f->b, "/null");
    assert_int_equal(send(f->b, "\0\0\0\1t\0\0\0\4last", 13, 0), 13);
    sessions_drain(&f->house.sessions); /* reads what the kernel has */
    turns(f, 3);
    assert_true(sessions_are_drained(&f->house.sessions));
    sessions_finish(&f->house.sessions);
    turns(f, 1);
    check_heard(f, f->a, "last|");
    run_until(f, 0);
    check_heard(f, f->a, "$");
}

#define SESSION_TEST(test)                                                     \
    cmocka_unit_test_setup_teardown(test, open_house, close_house)

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
        SESSION_TEST(test_every_wait_has_an_end),
        SESSION_TEST(test_who_goes_on_is_not_evicted_as_silent),
        SESSION_TEST(test_name_without_its_message_leaves_no_channel),
        SESSION_TEST(test_message_too_long_for_new_bounds_is_not_waited_for),
        SESSION_TEST(test_who_begins_has_room_beside_those_who_stall),
        SESSION_TEST(test_draining_delivers_what_is_owed_then_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

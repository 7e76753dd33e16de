/* SPDX-License-Identifier: MIT
 *
 * Publishing: the bytes on the wire, what waits and what does not, and that no
 * message is ever sent by half.
 */
#include "tests/client/peer.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

/* Above what any socket here buffers, and below the limit of a message. */
enum { LONG = 0xc00000 };

static const struct sluice_bytes channel = {"/a", 2};

static void test_a_publisher_says_so_first(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_publish(p.s, channel, sluice_text("x"), 0),
                     SLUICE_OK);
    PEER_EXPECT(&p, "\0\0\0\5/null"); /* at once: brokers are impatient */
    struct sluice_bytes empty = {NULL, 0}, zeros = {"\0\n\0", 3};
    assert_int_equal(sluice_publish(p.s, channel, empty, 0), SLUICE_OK);
    assert_int_equal(sluice_publish(p.s, channel, zeros, 0), SLUICE_OK);
    peer_expect_nothing(&p); /* small messages are collected */
    assert_int_equal(sluice_events(p.s), POLLIN | POLLOUT);
    assert_int_equal(sluice_flush(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    assert_int_equal(sluice_events(p.s), POLLIN);
    PEER_EXPECT(&p, "\0\0\0\2/a\0\0\0\1x"
                    "\0\0\0\2/a\0\0\0\0"
                    "\0\0\0\2/a\0\0\0\3\0\n\0");
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* A wrong name or length is the caller's mistake, and no reason to be a
 * publisher from then on. */
static void test_a_refused_publish_changes_nothing(void **state)
{
    (void)state;
    struct peer p = peer_open();
    struct sluice_bytes none = {NULL, 0}, longer = {(char[256]){"/a"}, 256};
    struct sluice_bytes huge = {"x", SLUICE_MESSAGE_DEFAULT_MAX + (size_t)1};
    assert_int_equal(sluice_publish(p.s, none, none, 0), SLUICE_BAD_CHANNEL);
    assert_int_equal(sluice_publish(p.s, longer, none, 0), SLUICE_BAD_CHANNEL);
    assert_int_equal(sluice_publish(p.s, channel, huge, 0), SLUICE_TOO_LONG);
    peer_expect_nothing(&p);
    assert_int_equal(sluice_events(p.s), POLLIN);
    assert_int_equal(sluice_subscribe(p.s, channel), SLUICE_OK);
    PEER_EXPECT(&p, "\0\0\0\2/a");
    assert_int_equal(sluice_publish(p.s, none, none, 0), SLUICE_BAD_CHANNEL);
    assert_int_equal(sluice_flush(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void test_receiving_sends_what_was_collected(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_subscribe(p.s, channel), SLUICE_OK);
    assert_int_equal(sluice_publish(p.s, channel, sluice_text("x"), 0),
                     SLUICE_OK);
    assert_int_equal(peer_receive(&p, SLUICE_NO_WAIT), SLUICE_AGAIN);
    PEER_EXPECT(&p, "\0\0\0\2/a\0\0\0\2/a\0\0\0\1x");
    peer_close(&p);
}

struct counting {
    int fd;
    uint32_t count; /* numbered messages, in order, up to the goodbye */
};

static void *count_numbers(void *arg)
{
    struct counting *c = arg;
    char head[9];
    if (recv(c->fd, head, 9, MSG_WAITALL) != 9 ||
        memcmp(head, "\0\0\0\5/null", 9) != 0)
        return NULL;
    for (;;) {
        char frame[14];
        uint32_t number;
        if (recv(c->fd, frame, 4, MSG_WAITALL) != 4 ||
            memcmp(frame, "\0\0\0\0", 4) == 0)
            break;
        if (recv(c->fd, frame + 4, 10, MSG_WAITALL) != 10 ||
            memcmp(frame, "\0\0\0\2/a\0\0\0\4", 10) != 0)
            break;
        memcpy(&number, frame + 10, sizeof number);
        if (number != c->count)
            break;
        c->count++;
    }
    shutdown(c->fd, SHUT_WR);
    return NULL;
}

/* Without waiting, publishing stops at a bound and goes on when the broker has
 * read: nothing is lost, doubled or out of order. */
static void test_a_full_buffer_is_again(void **state)
{
    (void)state;
    struct peer p = peer_open();
    struct counting c = {.fd = p.fd};
    uint32_t number = 0;
    struct sluice_bytes message = {&number, sizeof number};
    while (sluice_publish(p.s, channel, message, SLUICE_NO_WAIT) == SLUICE_OK)
        number++;
    assert_in_range(number, (256 << 10) / 14, 1 << 20);
    assert_int_equal(sluice_publish(p.s, channel, message, SLUICE_NO_WAIT),
                     SLUICE_AGAIN);
    assert_int_equal(sluice_publish(p.s, channel, message, 1), SLUICE_TIMEOUT);
    assert_string_equal(sluice_error_detail(p.s),
                        "the broker took no more in time");
    assert_int_equal(sluice_flush(p.s, 1), SLUICE_TIMEOUT);
    pthread_t broker;
    pthread_create(&broker, NULL, count_numbers, &c);
    assert_int_equal(sluice_publish(p.s, channel, message, PEER_PATIENCE_MS),
                     SLUICE_OK);
    assert_int_equal(sluice_close(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    pthread_join(broker, NULL);
    assert_int_equal(c.count, number + 1);
    peer_close(&p);
}

static void test_waiting_keeps_the_order(void **state)
{
    (void)state;
    struct peer p = peer_open();
    struct counting c = {.fd = p.fd};
    pthread_t broker;
    pthread_create(&broker, NULL, count_numbers, &c);
    for (uint32_t i = 0; i < 300000; i++) {
        struct sluice_bytes message = {&i, sizeof i};
        assert_int_equal(
            sluice_publish(p.s, channel, message, PEER_PATIENCE_MS), SLUICE_OK);
    }
    assert_int_equal(sluice_close(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    pthread_join(broker, NULL);
    assert_int_equal(c.count, 300000);
    peer_close(&p);
}

static char *pattern(size_t n)
{
    char *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 31 + (i >> 11));
    return bytes;
}

static void *read_long(void *arg)
{
    const struct peer *p = arg;
    char *expected = pattern(LONG);
    PEER_EXPECT(p, "\0\0\0\5/null\0\0\0\2/a\0\0\0\5first");
    PEER_EXPECT(p, "\0\0\0\2/a\0\xc0\0\0");
    peer_expect(p, expected, LONG);
    PEER_EXPECT(p, "\0\0\0\2/a\0\0\0\4last\0\0\0\0");
    shutdown(p->fd, SHUT_WR);
    free(expected);
    return NULL;
}

/* A long message leaves from its owner's memory as long as the call may wait,
 * else from a copy; it is overwritten here to find out. */
static void check_long_message(int timeout_ms)
{
    struct peer p = peer_open();
    char *bytes = pattern(LONG);
    struct sluice_bytes message = {bytes, LONG};
    pthread_t broker;
    if (timeout_ms == PEER_PATIENCE_MS)
        pthread_create(&broker, NULL, read_long, &p);
    assert_int_equal(sluice_publish(p.s, channel, sluice_text("first"), 0),
                     SLUICE_OK);
    assert_int_equal(sluice_publish(p.s, channel, message, timeout_ms),
                     SLUICE_OK);
    memset(bytes, '!', LONG);
    if (timeout_ms != PEER_PATIENCE_MS) {
        /* The buffer holds more than its bound: nothing else fits. */
        assert_int_equal(
            sluice_publish(p.s, channel, sluice_text("last"), SLUICE_NO_WAIT),
            SLUICE_AGAIN);
        pthread_create(&broker, NULL, read_long, &p);
    }
    assert_int_equal(
        sluice_publish(p.s, channel, sluice_text("last"), PEER_PATIENCE_MS),
        SLUICE_OK);
    assert_int_equal(sluice_close(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    pthread_join(broker, NULL);
    free(bytes);
    peer_close(&p);
}

static void test_a_long_message(void **state)
{
    (void)state;
    check_long_message(PEER_PATIENCE_MS);
}

static void test_a_long_message_that_may_not_wait(void **state)
{
    (void)state;
    check_long_message(SLUICE_NO_WAIT);
    check_long_message(1);
}

enum { FLOOD_BODY = 1000, FLOOD_FRAME = FLOOD_BODY + 4 };

struct flood {
    int fd;
    int frames;
    size_t read; /* bytes that came back */
};

/* A broker that reads nothing before it has written everything. */
static void *flood_first(void *arg)
{
    struct flood *f = arg;
    char frame[FLOOD_FRAME] = {0, 0, FLOOD_BODY >> 8, (char)(FLOOD_BODY & 255)};
    memset(frame + 4, 'f', FLOOD_BODY);
    for (int i = 0; i < f->frames; i++)
        if (write(f->fd, frame, sizeof frame) != sizeof frame)
            return NULL;
    static char sink[1 << 16];
    ssize_t n;
    while ((n = read(f->fd, sink, sizeof sink)) > 0)
        f->read += (size_t)n;
    return NULL;
}

struct flooded {
    struct peer p;
    struct flood flood;
    pthread_t broker;
};

static void flooded_open(struct flooded *x, int frames)
{
    x->p = peer_open();
    x->flood = (struct flood){x->p.fd, frames, 0};
    assert_int_equal(sluice_subscribe(x->p.s, channel), SLUICE_OK);
    pthread_create(&x->broker, NULL, flood_first, &x->flood);
}

/* All frames but `taken` are still to come; then both ends close. */
static void flooded_close(struct flooded *x, int taken)
{
    char body[FLOOD_BODY];
    memset(body, 'f', sizeof body);
    for (; taken < x->flood.frames; taken++)
        peer_check_received(&x->p, body, sizeof body);
    assert_int_equal(sluice_flush(x->p.s, PEER_PATIENCE_MS), SLUICE_OK);
    shutdown(sluice_fd(x->p.s), SHUT_WR);
    pthread_join(x->broker, NULL);
    peer_close(&x->p);
}

/* Both write before they read; it ends because a publisher that waits reads. */
static void test_two_that_write_first_do_not_wait_for_ever(void **state)
{
    (void)state;
    struct flooded x;
    flooded_open(&x, 4000);
    char *bytes = pattern(LONG);
    struct sluice_bytes message = {bytes, LONG};
    assert_int_equal(sluice_publish(x.p.s, channel, message, PEER_PATIENCE_MS),
                     SLUICE_OK);
    assert_int_equal(sluice_flush(x.p.s, PEER_PATIENCE_MS), SLUICE_OK);
    flooded_close(&x, 0);
    assert_int_equal(x.flood.read, 6 + 6 + 4 + LONG);
    free(bytes);
}

/* What is read ahead has a bound; then the caller must receive. */
static void test_reading_ahead_is_bounded(void **state)
{
    (void)state;
    struct flooded x;
    int taken = 0, backlogs = 0;
    flooded_open(&x, 2 * SLUICE_READ_AHEAD / FLOOD_FRAME);
    char body[FLOOD_BODY] = {0};
    struct sluice_bytes message = {body, sizeof body};
    for (int sent = 0; sent < 4000;) {
        enum sluice_error error =
            sluice_publish(x.p.s, channel, message, PEER_PATIENCE_MS);
        if (error == SLUICE_OK) {
            sent++;
            continue;
        }
        assert_int_equal(error, SLUICE_BACKLOG);
        assert_int_equal(peer_receive(&x.p, 0), SLUICE_OK);
        taken++;
        backlogs++;
    }
    assert_true(backlogs > 0);
    flooded_close(&x, taken);
    assert_int_equal(x.flood.read, 6 + 4000 * (6 + FLOOD_FRAME));
}

/* The message that is sent may be the one received last, although reading
 * ahead moves what was not taken yet. */
static void test_what_was_received_can_be_published(void **state)
{
    (void)state;
    struct flooded x;
    flooded_open(&x, 6000);
    char body[FLOOD_BODY];
    memset(body, 'f', sizeof body);
    for (int i = 0; i < 3000; i++) {
        struct sluice_bytes message;
        assert_int_equal(sluice_receive(x.p.s, &message, PEER_PATIENCE_MS),
                         SLUICE_OK);
        assert_int_equal(
            sluice_publish(x.p.s, channel, message, PEER_PATIENCE_MS),
            SLUICE_OK);
        assert_memory_equal(message.data, body, sizeof body);
    }
    flooded_close(&x, 3000);
    assert_int_equal(x.flood.read, 6 + 3000 * (6 + FLOOD_FRAME));
}

static void test_a_broker_that_vanishes_while_publishing(void **state)
{
    (void)state;
    struct peer p = peer_open();
    enum sluice_error error = SLUICE_OK;
    peer_hang_up(&p);
    for (int i = 0; i < 1000000 && error == SLUICE_OK; i++)
        error = sluice_publish(p.s, channel, sluice_text("x"), -1);
    assert_int_equal(error, SLUICE_BROKEN); /* and no SIGPIPE */
    assert_int_equal(sluice_flush(p.s, -1), SLUICE_BROKEN);
    assert_int_equal(sluice_close(p.s, -1), SLUICE_BROKEN);
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_publisher_says_so_first),
        cmocka_unit_test(test_a_refused_publish_changes_nothing),
        cmocka_unit_test(test_receiving_sends_what_was_collected),
        cmocka_unit_test(test_a_full_buffer_is_again),
        cmocka_unit_test(test_waiting_keeps_the_order),
        cmocka_unit_test(test_a_long_message),
        cmocka_unit_test(test_a_long_message_that_may_not_wait),
        cmocka_unit_test(test_two_that_write_first_do_not_wait_for_ever),
        cmocka_unit_test(test_reading_ahead_is_bounded),
        cmocka_unit_test(test_what_was_received_can_be_published),
        cmocka_unit_test(test_a_broker_that_vanishes_while_publishing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

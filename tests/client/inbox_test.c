/* SPDX-License-Identifier: MIT
 *
 * The decoder in place: frames cut anywhere give the same messages, memory
 * follows the bytes that came, and a message that is lent does not move.
 */
#include "client/lib/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT = 16 << 20 };

struct fixture {
    struct sluice_inbox in;
    int peer;
    struct sluice_wire wire;
};

static struct fixture open_inbox(uint32_t limit)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends),
                     0);
    struct fixture f = {.peer = ends[0], .wire = {.fd = ends[1]}};
    sluice_inbox_init(&f.in, limit);
    return f;
}

static void close_inbox(struct fixture *f)
{
    sluice_inbox_fini(&f->in);
    close(f->peer);
    sluice_wire_close(&f->wire);
}

/* Sends and reads it in. */
static void feed(struct fixture *f, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    while (n > 0) {
        ssize_t sent = write(f->peer, at, n);
        if (sent > 0) {
            at += sent;
            n -= (size_t)sent;
        }
        assert_true(sluice_inbox_fill(&f->in, &f->wire) > 0);
    }
    while (sluice_inbox_fill(&f->in, &f->wire) > 0)
        ;
}

static void check_message(struct fixture *f, const void *bytes, size_t n)
{
    struct sluice_bytes message;
    sluice_inbox_give_back(&f->in);
    assert_int_equal(sluice_inbox_take(&f->in, &message), FRAME_OK);
    assert_int_equal(message.length, n);
    assert_memory_equal(message.data, bytes, n);
}

static void check_no_message(struct fixture *f)
{
    struct sluice_bytes message;
    sluice_inbox_give_back(&f->in);
    assert_int_equal(sluice_inbox_take(&f->in, &message), FRAME_MORE);
}

static const char stream[] = "\0\0\0\3abc\0\0\0\0\0\0\0\1x";
enum { STREAM_BYTES = sizeof stream - 1 };

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= STREAM_BYTES; cut++) {
        struct fixture f = open_inbox(LIMIT);
        struct sluice_bytes message;
        int early = 0;
        if (cut > 0)
            feed(&f, stream, cut);
        for (; sluice_inbox_take(&f.in, &message) == FRAME_OK; early++)
            ;
        assert_int_equal(early, (cut >= 7) + (cut >= 11) + (cut >= 16));
        if (cut < STREAM_BYTES)
            feed(&f, stream + cut, STREAM_BYTES - cut);
        if (early < 1)
            check_message(&f, "abc", 3);
        if (early < 2)
            check_message(&f, "", 0);
        if (early < 3)
            check_message(&f, "x", 1);
        check_no_message(&f);
        assert_int_equal(sluice_inbox_waiting(&f.in), 0);
        close_inbox(&f);
    }
}

static void test_one_byte_at_a_time(void **state)
{
    (void)state;
    struct fixture f = open_inbox(LIMIT);
    for (size_t i = 0; i < 6; i++) {
        feed(&f, stream + i, 1);
        check_no_message(&f);
    }
    feed(&f, stream + 6, 1);
    check_message(&f, "abc", 3);
    close_inbox(&f);
}

static void test_lengths_above_the_limit(void **state)
{
    (void)state;
    static const char *const heads[] = {"\0\0\0\x09", "\x7f\xff\xff\xff",
                                        "\x80\0\0\0", "\xff\xff\xff\xff"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct fixture f = open_inbox(8);
        struct sluice_bytes message;
        feed(&f, heads[i], FRAME_HEAD_BYTES);
        assert_int_equal(sluice_inbox_take(&f.in, &message), FRAME_TOO_LONG);
        assert_int_equal(sluice_inbox_take(&f.in, &message), FRAME_TOO_LONG);
        close_inbox(&f);
    }
}

/* A peer that promises a gigabyte and sends ten bytes costs one buffer. */
static void test_a_promised_length_allocates_nothing(void **state)
{
    (void)state;
    struct fixture f = open_inbox(1 << 30);
    feed(&f, "\x40\0\0\0nothing", 10);
    check_no_message(&f);
    assert_in_range(f.in.capacity, 1, 1 << 20);
    close_inbox(&f);
}

static uint8_t *pattern(size_t n)
{
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 9));
    return bytes;
}

static void test_a_long_message_grows_and_goes(void **state)
{
    (void)state;
    enum { LONG = 5 << 20 };
    struct fixture f = open_inbox(LONG);
    uint8_t *bytes = pattern(LONG);
    uint8_t head[FRAME_HEAD_BYTES];
    frame_put_length(head, LONG);
    feed(&f, "\0\0\0\1x", 5);
    feed(&f, head, sizeof head);
    feed(&f, bytes, LONG);
    check_message(&f, "x", 1);
    check_message(&f, bytes, LONG);
    check_no_message(&f);
    assert_in_range(f.in.capacity, 0, 1 << 20);
    free(bytes);
    close_inbox(&f);
}

/* A message received stays where it is while more is read ahead, even when the
 * buffer has to grow: sluice_publish(s, channel, received) relies on it. */
static void test_a_lent_message_does_not_move(void **state)
{
    (void)state;
    enum { AHEAD = 3 << 20, EACH = 1000 };
    struct fixture f = open_inbox(LIMIT);
    struct sluice_bytes lent;
    feed(&f, "\0\0\0\4lent", 8);
    assert_int_equal(sluice_inbox_take(&f.in, &lent), FRAME_OK);
    uint8_t frame[FRAME_HEAD_BYTES + EACH];
    uint8_t *body = pattern(EACH);
    frame_put(frame, body, EACH);
    for (size_t fed = 0; fed < AHEAD; fed += sizeof frame)
        feed(&f, frame, sizeof frame);
    assert_memory_equal(lent.data, "lent", 4);
    for (size_t taken = 0; taken < AHEAD; taken += sizeof frame)
        check_message(&f, body, EACH);
    check_no_message(&f);
    free(body);
    close_inbox(&f);
}

static void test_end_of_file(void **state)
{
    (void)state;
    struct fixture f = open_inbox(LIMIT);
    feed(&f, stream, STREAM_BYTES);
    shutdown(f.peer, SHUT_WR);
    assert_int_equal(sluice_inbox_fill(&f.in, &f.wire), 0);
    check_message(&f, "abc", 3);
    close_inbox(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_lengths_above_the_limit),
        cmocka_unit_test(test_a_promised_length_allocates_nothing),
        cmocka_unit_test(test_a_long_message_grows_and_goes),
        cmocka_unit_test(test_a_lent_message_does_not_move),
        cmocka_unit_test(test_end_of_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * What a hostile client may do with records ends its own connection, with the
 * reason; whatever the socket takes, nothing is lost, sealed twice or opened
 * that was not sealed.
 */
#include "broker/net/tls_records.h"
#include "tests/unit/chance.h"
#include "tests/unit/tls_play.h"
#include "tests/unit/tls_rig.h"
#include "tests/unit/unit.h"

static struct tls_rig rig;

/* Reads until nothing comes; returns how it ended, and counts bytes. */
static enum stream_status read_all(size_t *bytes)
{
    static uint8_t to[1 << 16];
    enum stream_status status;
    size_t got;
    *bytes = 0;
    do {
        status = tls_rig_read(&rig, to, sizeof to, &got);
        *bytes += got;
    } while (status == STREAM_OK ||
             (status == STREAM_AGAIN && transport_held(rig.top) > 0));
    return status;
}

static void send_raw(const void *bytes, size_t n)
{
    assert_true(tls_bytes_add(&rig.to_broker, bytes, n));
}

static void send_data(const void *bytes, size_t n)
{
    size_t put;
    assert_int_equal(SSL_write_ex(rig.client, bytes, n, &put), 1);
    tls_rig_take(&rig, &rig.to_broker);
}

static void update_keys(int which)
{
    assert_int_equal(SSL_key_update(rig.client, which), 1);
    assert_int_equal(SSL_do_handshake(rig.client), 1);
    tls_rig_take(&rig, &rig.to_broker);
}

static void expect_end(enum tls_fault fault, size_t bytes)
{
    size_t got;
    assert_int_equal(read_all(&got), STREAM_RESET);
    assert_int_equal(got, bytes);
    assert_int_equal(tls_rig_link(&rig)->fault, fault);
    assert_null(tls_rig_link(&rig)->ssl); /* what it held is freed */
    tls_rig_close(&rig);
}

/* Nor does it cost memory until then. */
static void test_a_ticket_goes_with_what_is_written_first(void **state)
{
    size_t got, put;
    char answer;
    (void)state;
    tls_rig_connect(&rig, TLS1_3_VERSION);
    send_data("from a client that never reads", 30);
    assert_int_equal(read_all(&got), STREAM_AGAIN);
    assert_int_equal(got, 30);
    assert_int_equal(rig.from_broker.used, 0);
    assert_int_equal(transport_unconfirmed(rig.top), 0);
    assert_false(rig.top->wants_write);
    assert_int_equal(tls_rig_link(&rig)->out.capacity, 0);
    assert_int_equal(tls_rig_write(&rig, (const uint8_t *)"x", 1, &put),
                     STREAM_OK);
    assert_int_equal(tls_rig_link(&rig)->out.used, 0);
    tls_rig_answer(&rig);
    assert_int_equal(SSL_read_ex(rig.client, &answer, 1, &got), 1);
    assert_int_equal(SSL_SESSION_has_ticket(SSL_get_session(rig.client)), 1);
    tls_rig_close(&rig);
}

static void test_a_flood_of_key_updates_ends_its_connection(void **state)
{
    (void)state;
    for (int which = SSL_KEY_UPDATE_NOT_REQUESTED;
         which <= SSL_KEY_UPDATE_REQUESTED; which++) {
        tls_rig_connect(&rig, TLS1_3_VERSION);
        send_data("begins", 6);
        for (int i = 0; i < 1000; i++)
            update_keys(which);
        expect_end(TLS_FLOOD, 6);
    }
}

/* As a client that follows RFC 8446, 5.5 does. */
static void test_key_updates_among_data_are_welcome(void **state)
{
    static uint8_t data[2 * TLS_ASIDE_BYTES];
    size_t got;
    (void)state;
    tls_rig_connect(&rig, TLS1_3_VERSION);
    for (int i = 0; i < 200; i++) {
        send_data(data, sizeof data);
        update_keys(SSL_KEY_UPDATE_REQUESTED);
        assert_int_equal(read_all(&got), STREAM_AGAIN);
        assert_int_equal(got, sizeof data);
        tls_rig_answer(&rig);
    }
    tls_rig_close(&rig);
}

/* It is answered with an alert, which counts as a key update does. */
static void test_a_renegotiation_is_refused_and_counted(void **state)
{
    size_t got;
    (void)state;
    tls_rig_connect(&rig, TLS1_2_VERSION);
    assert_int_equal(SSL_renegotiate(rig.client), 1);
    (void)SSL_do_handshake(rig.client);
    tls_rig_take(&rig, &rig.to_broker);
    assert_int_equal(read_all(&got), STREAM_AGAIN);
    assert_true(tls_rig_link(&rig)->asides > 0);
    tls_rig_answer(&rig);
    assert_int_equal(SSL_do_handshake(rig.client), -1);
    tls_rig_close(&rig);
}

static void test_records_of_a_wrong_kind_end_their_connection(void **state)
{
    static const struct {
        uint8_t bytes[8];
        size_t n;
    } rows[] = {
        {{0x17, 3, 3, 0, 0}, 5},       /* no contents, not even a tag */
        {{0x17, 3, 3, 0, 1, 0}, 6},    /* shorter than a tag */
        {{0x17, 3, 3, 0x41, 0x01}, 5}, /* one more than the largest */
        {{0x17, 3, 3, 0xff, 0xff}, 5}, /* much more */
        {{0x14, 3, 3, 0, 1, 1}, 6},    /* change of ciphers, too late */
        {{0x15, 3, 3, 0, 2, 1, 0}, 7}, /* an end that is not sealed */
        {{0x16, 3, 3, 0, 3, 1, 2, 3}, 8} /* a handshake that is not sealed */,
        {{0x18, 3, 3, 0, 1, 0}, 6},           /* no such type */
        {{0x47, 'E', 'T', ' ', '/', ' '}, 6}, /* another protocol */
    };
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        tls_rig_connect(&rig, TLS1_3_VERSION);
        send_data("before", 6);
        send_raw(rows[i].bytes, rows[i].n);
        expect_end(TLS_RECORDS, 6);
    }
}

/* Bytes behind the end are not read. */
static void test_an_end_in_the_middle_of_a_read_is_the_end(void **state)
{
    size_t got;
    (void)state;
    tls_rig_connect(&rig, TLS1_3_VERSION);
    send_data("last", 4);
    (void)SSL_shutdown(rig.client);
    tls_rig_take(&rig, &rig.to_broker);
    send_raw("\x17\x03\x03\x00", 4);
    assert_int_equal(read_all(&got), STREAM_END);
    assert_int_equal(got, 4);
    tls_rig_close(&rig);
}

static void test_a_record_that_is_cut_off_is_no_end(void **state)
{
    (void)state;
    tls_rig_connect(&rig, TLS1_3_VERSION);
    send_data("whole", 5);
    send_raw("\x17\x03\x03\x00", 4);
    rig.has_ended = true;
    expect_end(TLS_CUT, 5);
}

/* Ten thousand records of an octet are not read at once. */
static void test_small_records_are_read_in_small_portions(void **state)
{
    enum { RECORDS = 10000 };
    static uint8_t to[1 << 18];
    size_t got, total = 0, most = 0;
    (void)state;
    tls_rig_connect(&rig, TLS1_3_VERSION);
    for (int i = 0; i < RECORDS; i++)
        send_data("x", 1);
    while (tls_rig_read(&rig, to, sizeof to, &got) == STREAM_OK) {
        total += got;
        most = got > most ? got : most;
    }
    assert_int_equal(total, RECORDS);
    assert_true(most <= TLS_OPENED_LEAST / (TLS_RECORD_HEAD + 1));
    tls_rig_close(&rig);
}

/* Or a turn would be spent, and a record sent to every reader, for a message or
 * two. */
static void test_a_read_opens_all_that_it_takes(void **state)
{
    enum { RECORD = 10000, RECORDS = 100, ROOM = 256 << 10 };
    static uint8_t data[RECORD], to[ROOM];
    size_t got, total = 0;
    (void)state;
    tls_rig_connect(&rig, TLS1_3_VERSION);
    for (int i = 0; i < RECORDS; i++)
        send_data(data, sizeof data);
    while (rig.to_broker.used > 0) {
        assert_true(tls_rig_read(&rig, to, sizeof to, &got) <= STREAM_AGAIN);
        assert_int_equal(transport_held(rig.top), 0);
        total += got;
    }
    assert_int_equal(total, RECORDS * RECORD);
    tls_rig_close(&rig);
}

/* Four messages of 64 KiB that one read brought: their heads are not written
 * apart, or they would cost each reader a record and a packet. */
static void test_what_one_read_brings_is_one_write(void **state)
{
    enum { MESSAGES = 4, MESSAGE = 4 + (64 << 10) };
    static uint8_t data[MESSAGES * MESSAGE];
    size_t put;
    (void)state;
    tls_rig_connect(&rig, TLS1_3_VERSION);
    uint64_t before = rig.writes;
    assert_int_equal(tls_rig_write(&rig, data, sizeof data, &put), STREAM_OK);
    assert_int_equal(put, sizeof data);
    assert_int_equal(rig.writes, before + 1);
    tls_rig_close(&rig);
}

/* The beginning of a record costs what has come of it. */
static void test_memory_comes_with_bytes(void **state)
{
    size_t got;
    (void)state;
    tls_rig_connect(&rig, TLS1_3_VERSION);
    assert_int_equal(read_all(&got), STREAM_AGAIN);
    uint64_t before = rig.budget.used_bytes;
    send_raw("\x17\x03\x03\x40\x00?", 6);
    assert_int_equal(read_all(&got), STREAM_AGAIN);
    assert_int_equal(rig.budget.used_bytes, before + 6);
    tls_rig_close(&rig);
}

/* So many plays of so many steps, which `seed` draws. */
static struct tls_played play_by_chance(uint64_t seed, int plays, size_t count,
                                        bool is_hostile)
{
    static uint8_t steps[1 << 10];
    struct tls_played played = {.read_bytes = 0};
    assert_true(count <= sizeof steps);
    for (int i = 0; i < plays; i++) {
        for (size_t j = 0; j < count; j++)
            steps[j] = (uint8_t)chance_of(&seed, 256);
        tls_play(&rig, steps, count, is_hostile, &played);
    }
    return played;
}

/* Writes so many bytes, of which the socket takes `room` bytes as records. */
static size_t write_into(const uint8_t *bytes, size_t n, size_t room)
{
    size_t put = 0;
    rig.room = room;
    enum stream_status status = tls_rig_write(&rig, bytes, n, &put);
    assert_int_equal(status, put > 0 ? STREAM_OK : STREAM_AGAIN);
    return put;
}

static size_t client_opens(uint8_t *to, size_t room)
{
    size_t all = 0, got;
    tls_rig_answer(&rig);
    while (all < room &&
           SSL_read_ex(rig.client, to + all, room - all, &got) == 1)
        all += got;
    return all;
}

/* The ticket goes with what is written first. */
static void connect_without_ticket(int version)
{
    uint8_t byte = 0;
    tls_rig_connect(&rig, version);
    assert_int_equal(write_into(&byte, 1, SIZE_MAX), 1);
    assert_int_equal(client_opens(&byte, 1), 1);
}

/* Wherever the socket stops taking it; the rest is pledged, and comes. */
static void check_written_in_two(int version)
{
    enum { BYTES = 2 * TLS_SEALED_AT_ONCE + 100, WIRE = BYTES + 3 * 40 };
    static uint8_t bytes[BYTES], other[BYTES], to[BYTES];
    static const size_t ends[] = {0, TLS_SEALED_AT_ONCE, 2 * TLS_SEALED_AT_ONCE,
                                  BYTES};
    connect_without_ticket(version);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    for (size_t k = 0, last = 0; k < WIRE; k += k % 16400 < 80 ? 1 : 61) {
        size_t put = write_into(bytes, BYTES, k);
        assert_int_equal(
            put, ends[(put + TLS_SEALED_AT_ONCE - 1) / TLS_SEALED_AT_ONCE]);
        assert_true(put >= last);
        last = put;
        assert_int_equal(transport_pledged(rig.top), BYTES - put);
        assert_int_equal(client_opens(to, BYTES), put);
        if (put < BYTES)
            assert_int_equal(write_into(other, BYTES - put, SIZE_MAX),
                             BYTES - put);
        assert_int_equal(transport_pledged(rig.top), 0);
        assert_int_equal(put + client_opens(to + put, BYTES), BYTES);
        assert_memory_equal(to, bytes, BYTES);
    }
    tls_rig_close(&rig);
}

static void test_written_is_what_the_socket_has_in_whole_records(void **state)
{
    (void)state;
    check_written_in_two(TLS1_2_VERSION);
    check_written_in_two(TLS1_3_VERSION);
}

static void test_a_full_socket_is_sealed_less_for(void **state)
{
    static uint8_t bytes[TLS_SEAL_MAX + 1];
    (void)state;
    connect_without_ticket(TLS1_3_VERSION);
    assert_int_equal(write_into(bytes, sizeof bytes, 0), 0);
    assert_int_equal(transport_pledged(rig.top), TLS_SEAL_MAX);
    size_t put =
        write_into(bytes, sizeof bytes, transport_unconfirmed(rig.top));
    assert_int_equal(put, TLS_SEAL_MAX);
    assert_int_equal(transport_pledged(rig.top), 1);
    assert_int_equal(write_into(bytes, sizeof bytes, 0), 0);
    assert_int_equal(write_into(bytes, sizeof bytes, 1 << 10), 1);
    assert_int_equal(transport_pledged(rig.top), TLS_SEAL_LEAST);
    tls_rig_close(&rig);
}

/* Its client must not get what goes back to a queue. */
static void test_what_is_cut_is_never_written(void **state)
{
    enum { BYTES = 3 * TLS_SEALED_AT_ONCE };
    static uint8_t bytes[BYTES], to[BYTES];
    size_t put;
    (void)state;
    connect_without_ticket(TLS1_3_VERSION);
    assert_int_equal(write_into(bytes, BYTES, TLS_SEALED_AT_ONCE + 1000),
                     TLS_SEALED_AT_ONCE);
    transport_cut(rig.top);
    rig.room = SIZE_MAX;
    transport_push(rig.top, -1);
    rig.top->ops->shutdown(rig.top, -1);
    assert_int_equal(tls_rig_write(&rig, bytes, BYTES, &put), STREAM_RESET);
    assert_int_equal(transport_unconfirmed(rig.top), 0);
    assert_int_equal(client_opens(to, BYTES), TLS_SEALED_AT_ONCE);
    tls_rig_close(&rig);
}

/* A push may have written it, and nobody has asked since. */
static void test_what_was_pushed_is_reported_once(void **state)
{
    static uint8_t bytes[100];
    (void)state;
    connect_without_ticket(TLS1_3_VERSION);
    assert_int_equal(write_into(bytes, 100, 50), 0);
    rig.room = SIZE_MAX;
    transport_push(rig.top, -1);
    assert_int_equal(transport_pledged(rig.top), 100);
    assert_int_equal(transport_settle(rig.top), 100);
    assert_int_equal(transport_settle(rig.top), 0);
    assert_int_equal(transport_pledged(rig.top), 0);
    transport_cut(rig.top); /* there is nothing to cut */
    assert_int_equal(write_into(bytes, 100, SIZE_MAX), 100);
    tls_rig_close(&rig);
}

static void test_whatever_the_network_does_nothing_is_lost(void **state)
{
    (void)state;
    struct tls_played played = play_by_chance(7, 60, 400, false);
    assert_true(played.read_bytes > 1 << 20 && played.written_bytes > 1 << 20);
    assert_true(played.full > 100);
}

/* Nothing but what was sealed is opened, in order, up to the first mistake. */
static void test_whatever_the_client_does_nothing_else_is_opened(void **state)
{
    enum { PLAYS = 100 };
    (void)state;
    struct tls_played played = play_by_chance(9, PLAYS, 200, true);
    assert_true(played.refused > PLAYS / 2);
}

static int rig_open(void **state)
{
    (void)state;
    tls_rig_init(&rig);
    return 0;
}

static int rig_close(void **state)
{
    (void)state;
    tls_rig_fini(&rig);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ticket_goes_with_what_is_written_first),
        cmocka_unit_test(test_a_flood_of_key_updates_ends_its_connection),
        cmocka_unit_test(test_key_updates_among_data_are_welcome),
        cmocka_unit_test(test_a_renegotiation_is_refused_and_counted),
        cmocka_unit_test(test_records_of_a_wrong_kind_end_their_connection),
        cmocka_unit_test(test_an_end_in_the_middle_of_a_read_is_the_end),
        cmocka_unit_test(test_a_record_that_is_cut_off_is_no_end),
        cmocka_unit_test(test_small_records_are_read_in_small_portions),
        cmocka_unit_test(test_a_read_opens_all_that_it_takes),
        cmocka_unit_test(test_what_one_read_brings_is_one_write),
        cmocka_unit_test(test_memory_comes_with_bytes),
        cmocka_unit_test(test_written_is_what_the_socket_has_in_whole_records),
        cmocka_unit_test(test_a_full_socket_is_sealed_less_for),
        cmocka_unit_test(test_what_is_cut_is_never_written),
        cmocka_unit_test(test_what_was_pushed_is_reported_once),
        cmocka_unit_test(test_whatever_the_network_does_nothing_is_lost),
        cmocka_unit_test(test_whatever_the_client_does_nothing_else_is_opened),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}

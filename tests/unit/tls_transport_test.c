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

static void test_whatever_the_network_does_nothing_is_lost(void **state)
{
    enum { PLAYS = 60, STEPS = 400 };
    uint64_t seed = 7;
    struct tls_played played = {.read_bytes = 0};
    (void)state;
    for (int i = 0; i < PLAYS; i++) {
        uint8_t steps[STEPS];
        for (size_t j = 0; j < STEPS; j++)
            steps[j] = (uint8_t)chance_of(&seed, 256);
        tls_play(&rig, steps, STEPS, false, &played);
    }
    assert_true(played.read_bytes > 1 << 20 && played.written_bytes > 1 << 20);
    assert_true(played.full > 100);
}

/* Nothing but what was sealed is opened, in order, up to the first mistake. */
static void test_whatever_the_client_does_nothing_else_is_opened(void **state)
{
    enum { PLAYS = 100, STEPS = 200 };
    uint64_t seed = 9;
    struct tls_played played = {.read_bytes = 0};
    (void)state;
    for (int i = 0; i < PLAYS; i++) {
        uint8_t steps[STEPS];
        for (size_t j = 0; j < STEPS; j++)
            steps[j] = (uint8_t)chance_of(&seed, 256);
        tls_play(&rig, steps, STEPS, true, &played);
    }
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
        cmocka_unit_test(test_a_flood_of_key_updates_ends_its_connection),
        cmocka_unit_test(test_key_updates_among_data_are_welcome),
        cmocka_unit_test(test_a_renegotiation_is_refused_and_counted),
        cmocka_unit_test(test_records_of_a_wrong_kind_end_their_connection),
        cmocka_unit_test(test_an_end_in_the_middle_of_a_read_is_the_end),
        cmocka_unit_test(test_a_record_that_is_cut_off_is_no_end),
        cmocka_unit_test(test_small_records_are_read_in_small_portions),
        cmocka_unit_test(test_memory_comes_with_bytes),
        cmocka_unit_test(test_whatever_the_network_does_nothing_is_lost),
        cmocka_unit_test(test_whatever_the_client_does_nothing_else_is_opened),
    };
    return cmocka_run_group_tests(tests, rig_open, rig_close);
}

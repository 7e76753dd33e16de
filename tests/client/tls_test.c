/* SPDX-License-Identifier: MIT
 *
 * A handle under TLS in a loop of its own, against a broker that OpenSSL plays:
 * each side moves only when the test lets it.
 */
#include "client/sluice.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Handshakes and large messages take far fewer. */
enum { TURNS_MAX = 100000, PIN_BYTES = 72, DAY_S = 86400 };

static EVP_PKEY *key;
static char pin[PIN_BYTES];

struct scene {
    struct sluice *s;
    SSL_CTX *context;
    SSL *broker;
    int fd; /* the broker's end */
};

/* --- the broker ---------------------------------------------------------- */

static X509 *certificate_new(long begins_s, long ends_s)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), begins_s);
    X509_gmtime_adj(X509_getm_notAfter(x), ends_s);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static void make_key(void)
{
    unsigned char *bytes = NULL, digest[EVP_MAX_MD_SIZE];
    key = EVP_EC_gen("P-256");
    assert_non_null(key);
    int length = i2d_PUBKEY(key, &bytes);
    assert_true(length > 0);
    EVP_Digest(bytes, (size_t)length, digest, NULL, EVP_sha256(), NULL);
    OPENSSL_free(bytes);
    size_t used = (size_t)snprintf(pin, sizeof pin, "sha256:");
    for (int i = 0; i < 32; i++)
        used +=
            (size_t)snprintf(pin + used, sizeof pin - used, "%02x", digest[i]);
}

static void set_pin(struct sluice *s, const char *text)
{
    struct sluice_tls how = {.size = sizeof how, .pin = text};
    assert_int_equal(sluice_set_tls(s, &how), SLUICE_OK);
}

/* A new connection of the handle, to a broker whose certificate has these
 * dates, in seconds from now. */
static void connect_again(struct scene *t, long begins_s, long ends_s)
{
    int ends[2];
    X509 *x = certificate_new(begins_s, ends_s);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    t->context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(t->context, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(t->context, key), 1);
    SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    X509_free(x);
    t->broker = SSL_new(t->context);
    t->fd = ends[1];
    SSL_set_fd(t->broker, t->fd);
    SSL_set_accept_state(t->broker);
    assert_int_equal(sluice_attach(t->s, ends[0]), SLUICE_OK);
}

static struct scene scene_new(void)
{
    struct scene t = {.s = sluice_new()};
    assert_non_null(t.s);
    set_pin(t.s, pin);
    connect_again(&t, -DAY_S, DAY_S);
    return t;
}

static void hang_up(struct scene *t)
{
    SSL_free(t->broker);
    SSL_CTX_free(t->context);
    if (t->fd >= 0)
        close(t->fd);
    ERR_clear_error();
}

static void scene_end(struct scene *t)
{
    sluice_free(t->s);
    hang_up(t);
}

/* Up to `room` bytes of the client's, 0 when there are none. */
static size_t broker_read(const struct scene *t, void *bytes, size_t room)
{
    size_t n = 0;
    ERR_clear_error();
    return SSL_read_ex(t->broker, bytes, room, &n) == 1 ? n : 0;
}

static struct pollfd handle_waits(const struct scene *t)
{
    return (struct pollfd){.fd = sluice_fd(t->s),
                           .events = sluice_events(t->s)};
}

/* As a program's loop does: calls only when poll(2) says so. */
static enum sluice_error handle_turn(const struct scene *t,
                                     struct sluice_bytes *message)
{
    struct pollfd waiting = handle_waits(t);
    if (poll(&waiting, 1, 0) == 0)
        return SLUICE_AGAIN;
    enum sluice_error error = sluice_receive(t->s, message, SLUICE_NO_WAIT);
    if (error == SLUICE_AGAIN &&
        sluice_flush(t->s, SLUICE_NO_WAIT) != SLUICE_OK)
        return SLUICE_AGAIN;
    return error;
}

static void assert_subscribed(const struct scene *t)
{
    struct sluice_bytes message;
    char got[16];
    size_t used = 0;
    for (int i = 0; i < TURNS_MAX && used < 12; i++) {
        used += broker_read(t, got + used, sizeof got - used);
        assert_int_equal(handle_turn(t, &message), SLUICE_AGAIN);
    }
    assert_int_equal(used, 12);
    assert_memory_equal(got, "\0\0\0\10/topic/a", 12);
}

static void subscribe(const struct scene *t)
{
    assert_int_equal(sluice_subscribe(t->s, sluice_text("/topic/a")),
                     SLUICE_OK);
    assert_subscribed(t);
}

/* --- the tests ----------------------------------------------------------- */

static void test_a_handle_in_a_loop_never_waits_for_what_is_there(void **state)
{
    (void)state;
    struct scene t = scene_new();
    assert_int_equal(sluice_subscribe(t.s, sluice_text("/topic/a")), SLUICE_OK);
    struct pollfd waiting = handle_waits(&t);
    assert_int_equal(waiting.events, POLLIN); /* the hello is out */
    assert_int_equal(poll(&waiting, 1, 0), 0);
    assert_subscribed(&t);
    waiting = handle_waits(&t);
    assert_int_equal(waiting.events, POLLIN);
    scene_end(&t);
}

/* One record has a thousand of them; the socket is silent after the first. */
static void test_messages_that_came_in_one_record_all_arrive(void **state)
{
    enum { MESSAGES = 1000, BYTES = 8 };
    (void)state;
    struct scene t = scene_new();
    struct sluice_bytes message;
    char record[MESSAGES * BYTES];
    subscribe(&t);
    for (int i = 0; i < MESSAGES; i++)
        memcpy(record + (size_t)i * BYTES, "\0\0\0\4abcd", BYTES);
    assert_int_equal(SSL_write(t.broker, record, sizeof record), sizeof record);
    for (int i = 0; i < MESSAGES; i++) {
        enum sluice_error error =
            i == 0 ? sluice_receive(t.s, &message, SLUICE_FOREVER)
                   : sluice_receive(t.s, &message, SLUICE_NO_WAIT);
        assert_int_equal(error, SLUICE_OK);
        assert_int_equal(message.length, 4);
    }
    assert_int_equal(sluice_receive(t.s, &message, SLUICE_NO_WAIT),
                     SLUICE_AGAIN);
    scene_end(&t);
}

/* More than any socket takes at once. */
static void test_a_long_message_is_whole(void **state)
{
    enum { BYTES = 3 << 20, HEADS = 9 + 12 + 4 };
    (void)state;
    struct scene t = scene_new();
    struct sluice_bytes message;
    unsigned char *body = malloc(BYTES), *got = malloc(BYTES + HEADS + 1);
    for (size_t i = 0; i < BYTES; i++)
        body[i] = (unsigned char)(i * 2654435761u >> 13);
    struct sluice_bytes sent = {body, BYTES};
    assert_int_equal(
        sluice_publish(t.s, sluice_text("/topic/a"), sent, SLUICE_NO_WAIT),
        SLUICE_OK);
    size_t used = 0;
    for (int i = 0; i < TURNS_MAX && used < BYTES + HEADS; i++) {
        used += broker_read(&t, got + used, BYTES + HEADS + 1 - used);
        assert_int_equal(handle_turn(&t, &message), SLUICE_AGAIN);
    }
    assert_int_equal(used, BYTES + HEADS);
    assert_memory_equal(got, "\0\0\0\5/null\0\0\0\10/topic/a", 21);
    assert_memory_equal(got + HEADS, body, BYTES);
    free(body);
    free(got);
    scene_end(&t);
}

static void test_an_orderly_end_is_one_and_a_cut_is_not(void **state)
{
    (void)state;
    struct scene t = scene_new();
    struct sluice_bytes message;
    subscribe(&t);
    (void)SSL_shutdown(t.broker);
    assert_int_equal(sluice_receive(t.s, &message, SLUICE_FOREVER),
                     SLUICE_CLOSED);
    hang_up(&t);
    connect_again(&t, -DAY_S, DAY_S);
    subscribe(&t);
    shutdown(t.fd, SHUT_WR);
    assert_int_equal(sluice_receive(t.s, &message, SLUICE_FOREVER),
                     SLUICE_BROKEN);
    assert_non_null(strstr(sluice_error_detail(t.s), "was cut"));
    scene_end(&t);
}

static void assert_untrusted(struct scene *t, const char *words)
{
    struct sluice_bytes message;
    char byte;
    enum sluice_error error = SLUICE_AGAIN;
    assert_int_equal(sluice_subscribe(t->s, sluice_text("/topic/a")),
                     SLUICE_OK);
    for (int i = 0; i < TURNS_MAX && error == SLUICE_AGAIN; i++) {
        assert_int_equal(broker_read(t, &byte, 1), 0);
        error = handle_turn(t, &message);
    }
    assert_int_equal(error, SLUICE_UNTRUSTED);
    assert_non_null(strstr(sluice_error_detail(t->s), words));
    assert_int_equal(broker_read(t, &byte, 1), 0);
}

static void test_nothing_is_sent_to_another_key_on_any_connection(void **state)
{
    (void)state;
    char other[PIN_BYTES];
    struct scene t = scene_new();
    subscribe(&t);
    hang_up(&t);
    memcpy(other, pin, sizeof other);
    other[10] = other[10] == '0' ? '1' : '0';
    sluice_free(t.s);
    t.s = sluice_new();
    set_pin(t.s, other);
    for (int i = 0; i < 3; i++) {
        connect_again(&t, -DAY_S, DAY_S);
        assert_untrusted(&t, "does not have the pinned key");
        hang_up(&t);
    }
    sluice_free(t.s);
}

static void test_a_pinned_key_does_not_excuse_the_dates(void **state)
{
    (void)state;
    struct scene t = scene_new();
    hang_up(&t);
    sluice_free(t.s);
    t.s = sluice_new();
    set_pin(t.s, pin);
    connect_again(&t, -2 * DAY_S, -DAY_S);
    assert_untrusted(&t, "has expired, on 2");
    hang_up(&t);
    connect_again(&t, DAY_S, 2 * DAY_S);
    assert_untrusted(&t, "is not valid yet, but from 2");
    scene_end(&t);
}

static void test_version_2_opens_under_tls(void **state)
{
    static const char info[] =
        "INFO suite/1 v=2 conn=1 run=a max=100000 hold=1 subs=9 reqs=9 ping=0s "
        "feat=core";
    (void)state;
    struct scene t = scene_new();
    const struct sluice_event *e;
    unsigned char unit[sizeof info + 7] = {0, 0, 0, sizeof info - 1};
    memcpy(unit + 4, info, sizeof info - 1);
    assert_int_equal(sluice_open(t.s, NULL, SLUICE_NO_WAIT), SLUICE_OK);
    enum sluice_error error = SLUICE_AGAIN;
    char opening[64];
    bool is_answered = false;
    for (int i = 0; i < TURNS_MAX && error == SLUICE_AGAIN; i++) {
        if (!is_answered && broker_read(&t, opening, sizeof opening) > 0) {
            assert_int_equal(SSL_write(t.broker, unit, sizeof unit),
                             sizeof unit);
            is_answered = true;
        }
        struct pollfd waiting = handle_waits(&t);
        if (poll(&waiting, 1, 0) > 0)
            error = sluice_next(t.s, &e, SLUICE_NO_WAIT);
    }
    assert_int_equal(error, SLUICE_OK);
    assert_int_equal(e->kind, SLUICE_EVENT_OPEN);
    scene_end(&t);
}

static void test_settings_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct sluice *s = sluice_new();
    struct sluice_tls rows[] = {
        {.size = 0},
        {.size = sizeof *rows, .pin = "sha256:12"},
        {.size = sizeof *rows, .pin = pin + 1},
        {.size = sizeof *rows, .certificate = "x.pem"},
        {.size = sizeof *rows, .key = "x.key"},
        {.size = sizeof *rows, .ca = "/nowhere/ca.pem"},
        {.size = sizeof *rows, .ca = "/dev/null"},
        {.size = sizeof *rows, .certificate = "/dev/null", .key = "/dev/null"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(sluice_set_tls(s, &rows[i]), SLUICE_BAD_OPTION);
    sluice_free(s);
}

/* Nothing says who is at the other end of a descriptor. */
static void test_a_descriptor_needs_a_name_or_a_pin(void **state)
{
    (void)state;
    int ends[2];
    struct sluice_tls how = {.size = sizeof how};
    struct sluice *s = sluice_new();
    assert_int_equal(sluice_set_tls(s, &how), SLUICE_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(sluice_attach(s, ends[0]), SLUICE_BAD_OPTION);
    assert_int_equal(sluice_fd(s), -1);
    close(ends[1]);
    sluice_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handle_in_a_loop_never_waits_for_what_is_there),
        cmocka_unit_test(test_messages_that_came_in_one_record_all_arrive),
        cmocka_unit_test(test_a_long_message_is_whole),
        cmocka_unit_test(test_an_orderly_end_is_one_and_a_cut_is_not),
        cmocka_unit_test(test_nothing_is_sent_to_another_key_on_any_connection),
        cmocka_unit_test(test_a_pinned_key_does_not_excuse_the_dates),
        cmocka_unit_test(test_version_2_opens_under_tls),
        cmocka_unit_test(test_settings_that_cannot_be_are_refused),
        cmocka_unit_test(test_a_descriptor_needs_a_name_or_a_pin),
    };
    make_key();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(key);
    return failed;
}

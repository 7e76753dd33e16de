/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_link.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "broker/base/budget.h"
#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/net/tls_context.h"
#include "broker/net/tls_records.h"

void tls_link_charge(struct tls_link *l)
{
    static const size_t inside[] = {
        [TLS_GREETING] = 0,
        [TLS_WAITING] = 0,
        [TLS_SHAKING] = TLS_SHAKING_BYTES,
        [TLS_OPEN] = TLS_OPEN_BYTES,
        [TLS_ENDED] = TLS_OPEN_BYTES,
        [TLS_FAILED] = 0,
    };
    size_t bytes = sizeof *l + inside[l->state] + l->in.capacity +
                   l->out.capacity + l->kept.capacity;
    struct budget *budget = l->shared->budget;
    if (bytes > l->charged)
        budget_charge(budget, bytes - l->charged);
    else
        budget_refund(budget, l->charged - bytes);
    l->charged = bytes;
}

struct tls_link *tls_link_new(struct tls_shared *shared,
                              struct tls_context *context,
                              const struct tls_client *client,
                              const uint8_t *bytes, size_t n)
{
    struct tls_link *l = calloc(1, sizeof *l);
    if (!l || !tls_bytes_add(&l->in, bytes, n)) {
        free(l);
        return NULL;
    }
    l->shared = shared;
    l->context = tls_context_ref(context);
    l->speech = (uint8_t)client->speech;
    l->host = client->host;
    l->mark = client->mark;
    l->is_exempt = client->is_exempt;
    l->begun_us = clock_now_us();
    list_init(&l->link);
    tls_link_charge(l);
    counter_add(shared->counters, COUNT_tls_connections, 1);
    return l;
}

static void link_drop(struct tls_link *l)
{
    SSL_free(l->ssl);
    l->ssl = NULL;
    tls_bytes_free(&l->in);
}

/* However it failed: a client that leaves in the middle of it, or is too slow,
 * has failed as one that is refused. */
static void link_count_failure(struct tls_link *l)
{
    if (!l->is_counted) {
        counter_add(l->shared->counters, COUNT_tls_failed, 1);
        tls_tally_fail(&l->shared->tally, (enum tls_fault)l->fault);
    }
    l->is_counted = true;
}

void tls_link_fail(struct tls_link *l, enum tls_fault fault)
{
    if (l->fault == TLS_SOUND)
        l->fault = (uint8_t)fault;
    link_count_failure(l);
    l->state = TLS_FAILED;
    link_drop(l);
    tls_link_charge(l);
}

void tls_link_free(struct tls_link *l)
{
    if (l->fault == TLS_SOUND)
        l->fault = TLS_UNFINISHED;
    link_count_failure(l);
    link_drop(l);
    tls_bytes_free(&l->out);
    tls_bytes_free(&l->kept);
    counter_add(l->shared->counters, COUNT_tls_connections, (uint64_t)-1);
    budget_refund(l->shared->budget, l->charged);
    tls_context_unref(l->context);
    free(l);
}

/* The handshake. */

/* Key updates, alerts, and what answers a renegotiation that is not allowed:
 * each costs the loop microseconds and its client 27 bytes, and OpenSSL bounds
 * none of them. Beyond the bound it finds nothing more to read. */
static void link_on_message(int writes, int version, int type,
                            const void *bytes, size_t n, SSL *ssl, void *arg)
{
    struct tls_link *l = arg;
    (void)writes;
    (void)version;
    (void)bytes;
    (void)n;
    (void)ssl;
    bool is_aside = type == SSL3_RT_HANDSHAKE || type == SSL3_RT_ALERT;
    if (l->state == TLS_OPEN && is_aside && ++l->asides > TLS_ASIDES_MAX)
        l->wires.in_bytes = 0;
}

bool tls_link_begin(struct tls_link *l)
{
    l->ssl = tls_context_connection(l->context, (enum tls_speech)l->speech);
    BIO *bio = l->ssl ? tls_bio_new(&l->wires) : NULL;
    if (!bio) {
        SSL_free(l->ssl);
        l->ssl = NULL;
        return false;
    }
    SSL_set_bio(l->ssl, bio, bio);
    SSL_set_accept_state(l->ssl);
    (void)SSL_set_options(l->ssl, SSL_OP_CLEANSE_PLAINTEXT);
    SSL_set_msg_callback(l->ssl, link_on_message);
    SSL_set_msg_callback_arg(l->ssl, l);
    l->state = TLS_SHAKING;
    return true;
}

static size_t flight_max(const struct tls_link *l)
{
    return l->context->asks_client ? TLS_FLIGHT_MAX + TLS_CHAIN_MAX
                                   : TLS_FLIGHT_MAX;
}

/* What OpenSSL has written is kept behind what is not sent yet. */
void tls_link_connect(struct tls_link *l, const uint8_t *in, size_t n)
{
    l->wires = (struct tls_bio){in, n, &l->out, TLS_KEPT_MAX};
}

void tls_link_step(struct tls_link *l)
{
    ssize_t whole = tls_records_whole(l->in.bytes, l->in.used);
    size_t given = whole < 0 ? l->in.used : (size_t)whole;
    ERR_clear_error();
    tls_link_connect(l, l->in.bytes, given);
    int done = SSL_do_handshake(l->ssl);
    int error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(l->ssl, done);
    size_t taken = given - l->wires.in_bytes;
    l->shaken += (uint32_t)taken;
    tls_bytes_remove(&l->in, taken);
    if (done == 1) {
        l->state = TLS_OPEN;
        l->is_counted = true;
        l->has_ticket = SSL_version(l->ssl) < TLS1_3_VERSION;
    } else if (l->shaken > flight_max(l)) {
        l->state = TLS_FAILED;
        l->fault = TLS_TOO_LARGE;
    } else if (error != SSL_ERROR_WANT_READ) {
        l->state = TLS_FAILED;
        l->fault = (uint8_t)tls_fault_take(SSL_get_verify_result(l->ssl), false,
                                           &l->alert);
    }
}

/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_transport.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "broker/net/tls_context.h"
#include "broker/net/tls_link.h"
#include "broker/net/tls_records.h"
#include "broker/net/tls_seal.h"
#include "broker/net/tls_shaking.h"

static const struct transport_ops link_ops;

struct tls_link *tls_transport_link(struct transport *t)
{
    while (t && t->ops != &link_ops)
        t = t->below;
    return (struct tls_link *)t;
}

struct transport *tls_transport_new(struct tls_shared *shared,
                                    struct tls_context *context,
                                    const struct tls_client *client,
                                    const uint8_t *bytes, size_t n)
{
    struct tls_link *l = tls_link_new(shared, context, client, bytes, n);
    if (!l)
        return NULL;
    l->transport.ops = &link_ops;
    return &l->transport;
}

/* The socket has taken so much of what is kept. */
static void link_pushed(struct tls_link *l, size_t put)
{
    uint32_t bytes = (uint32_t)tls_seal_written(&l->kept, put);
    tls_bytes_remove(&l->out, put);
    l->sealed -= bytes;
    l->settled += bytes;
}

/* Writes what is kept. AGAIN when the socket does not take it all: then it will
 * be written when it can be. */
static enum stream_status link_push(struct tls_link *l, int fd)
{
    struct iovec iov = {l->out.bytes, l->out.used};
    size_t put = 0;
    enum stream_status status = STREAM_OK;
    if (l->out.used > 0)
        status = transport_write(l->transport.below, fd, &iov, 1, &put);
    link_pushed(l, put);
    l->transport.wants_write =
        l->out.used > 0 && (status == STREAM_OK || status == STREAM_AGAIN);
    tls_link_charge(l);
    if (status != STREAM_OK)
        return status;
    return l->out.used > 0 ? STREAM_AGAIN : STREAM_OK;
}

static enum stream_status link_reset(struct tls_link *l, enum tls_fault fault)
{
    tls_link_fail(l, fault);
    return STREAM_RESET;
}

static enum stream_status link_break(struct tls_link *l, enum tls_fault fault)
{
    tls_shaking_leave(l->shared->shaking, l);
    return link_reset(l, fault);
}

/* Takes what the client says in the handshake, and has it computed when that
 * can bring it on. A client that sends octet by octet costs no more than a
 * silent one. */
static enum stream_status link_shake(struct tls_link *l, int fd)
{
    struct iovec iov = {l->shared->scratch, TLS_RECORD_MAX};
    struct tls_shaking *shaking = l->shared->shaking;
    size_t got = 0;
    enum stream_status status =
        transport_read(&l->transport.below, fd, &iov, 1, &got);
    if (status == STREAM_END || status == STREAM_RESET)
        return link_break(l, TLS_CUT);
    if (!tls_bytes_add(&l->in, l->shared->scratch, got))
        return link_break(l, TLS_NO_MEMORY);
    tls_link_charge(l);
    bool is_going_on = true;
    if (l->state == TLS_SHAKING)
        is_going_on = tls_records_whole(l->in.bytes, l->in.used) == 0 ||
                      tls_shaking_go_on(shaking, l);
    else if (tls_records_have_hello(l->in.bytes, l->in.used))
        is_going_on = tls_shaking_join(shaking, l);
    else if (l->in.used > TLS_FLIGHT_MAX)
        return link_break(l, TLS_TOO_LARGE);
    else
        tls_shaking_greet(shaking, l);
    return is_going_on ? STREAM_AGAIN : link_reset(l, TLS_NO_MEMORY);
}

/* Reading. */

/* Opens records until there is no room or no record. */
static enum stream_status link_open_into(struct tls_link *l,
                                         const struct iovec *iov, int iovs,
                                         size_t *got)
{
    for (int i = 0; i < iovs; i++) {
        size_t at = 0, n;
        while (at < iov[i].iov_len) {
            uint8_t *to = (uint8_t *)iov[i].iov_base + at;
            if (SSL_read_ex(l->ssl, to, iov[i].iov_len - at, &n) != 1)
                return SSL_get_error(l->ssl, 0) == SSL_ERROR_WANT_READ
                           ? STREAM_AGAIN
                           : STREAM_END;
            at += n;
            *got += n;
        }
    }
    return STREAM_OK;
}

/* OpenSSL opens no more of it: an end in order, or not. */
static void link_stop_reading(struct tls_link *l)
{
    l->is_end_due = true;
    if (SSL_get_shutdown(l->ssl) & SSL_RECEIVED_SHUTDOWN &&
        ERR_peek_error() == 0) {
        l->state = TLS_ENDED;
        return;
    }
    tls_link_fail(l, tls_fault_take(0, true, &l->alert));
}

/* Keeps what was not opened, exactly as long as it is. */
static bool link_keep(struct tls_link *l, const uint8_t *rest, size_t n)
{
    struct tls_bytes kept = {
        .bytes = n > 0 ? malloc(n) : NULL, .used = n, .capacity = n};
    if (n > 0 && !kept.bytes)
        return false;
    if (n > 0)
        memcpy(kept.bytes, rest, n);
    tls_bytes_free(&l->in);
    l->in = kept;
    l->is_whole = n > 0 && tls_records_whole(kept.bytes, n) != 0;
    return true;
}

/* A client that sends much data may say much beside it. */
static void link_forgive(struct tls_link *l, size_t data_bytes)
{
    size_t forgiven = data_bytes / TLS_ASIDE_BYTES;
    l->asides = (uint16_t)(forgiven < l->asides ? l->asides - forgiven : 0);
}

/* A secret comes with the opening, or with the one request of HTTP. Whoever has
 * sent more than these can have is not slowed down any more. */
static void link_count_wiped(struct tls_link *l, size_t data_bytes)
{
    if (l->wiped >= TLS_WIPED_BYTES)
        return;
    l->wiped += (uint32_t)data_bytes;
    if (l->wiped >= TLS_WIPED_BYTES)
        (void)SSL_clear_options(l->ssl, SSL_OP_CLEANSE_PLAINTEXT);
}

/* Opens what is in `bytes`; the rest is kept. */
static enum stream_status link_open(struct tls_link *l, const uint8_t *bytes,
                                    size_t n, const struct iovec *iov, int iovs,
                                    size_t *got)
{
    ssize_t whole = tls_records_whole(bytes, n);
    if (whole < 0)
        return link_reset(l, TLS_RECORDS);
    ERR_clear_error();
    tls_link_connect(l, bytes, (size_t)whole);
    bool is_over = link_open_into(l, iov, iovs, got) == STREAM_END;
    if (l->asides > TLS_ASIDES_MAX)
        return link_reset(l, TLS_FLOOD);
    link_forgive(l, *got);
    link_count_wiped(l, *got);
    size_t rest = l->wires.in_bytes + (n - (size_t)whole);
    if (is_over)
        link_stop_reading(l);
    else if (!link_keep(l, bytes + n - rest, rest))
        return link_reset(l, TLS_NO_MEMORY);
    tls_link_charge(l);
    return STREAM_OK;
}

/* What a read says that brought `got` bytes. */
static enum stream_status link_status(struct tls_link *l, size_t got)
{
    if (got > 0)
        return STREAM_OK;
    if (l->state < TLS_ENDED)
        return STREAM_AGAIN;
    l->is_end_due = false;
    return l->state == TLS_ENDED ? STREAM_END : STREAM_RESET;
}

/* How much is read. Records of an octet cost as much as large ones, and a
 * client may send ten thousand of them in the time in which another sends a
 * message. What is kept from the last read is opened with it and needs room,
 * too: a rest that found none would cost a turn, and every reader a record, for
 * a message or two. */
static size_t link_read_size(const struct tls_link *l, const struct iovec *iov,
                             int iovs)
{
    size_t room = 0;
    size_t most = l->is_dense ? TLS_OPENED_MAX : TLS_OPENED_LEAST;
    for (int i = 0; i < iovs; i++)
        room += iov[i].iov_len;
    size_t n = room < most ? room : most;
    return n > 2 * l->in.used ? n - l->in.used : n;
}

/* There is something to write that nobody has tried to write. */
static bool link_owes(const struct tls_link *l)
{
    return l->out.used > 0 && !l->transport.wants_write;
}

/* The ticket of TLS 1.3 goes before the first that a client is sent. One that
 * never reads, as many publishers, would leave it unread; that turns its end
 * into a reset, before which not all that it sent may be read (RFC 1122,
 * 4.2.2.13). Without memory there is none. */
static void link_give_ticket(struct tls_link *l)
{
    if (!l->has_ticket)
        (void)SSL_new_session_ticket(l->ssl);
    l->has_ticket = true;
}

static enum stream_status link_read_open(struct tls_link *l, int fd,
                                         const struct iovec *iov, int iovs,
                                         size_t *got)
{
    uint8_t *scratch = l->shared->scratch;
    size_t kept = l->in.used, came = 0;
    memcpy(scratch, kept > 0 ? l->in.bytes : scratch, kept);
    if (!l->is_whole && SSL_pending(l->ssl) == 0) {
        struct iovec in = {scratch + kept, link_read_size(l, iov, iovs)};
        enum stream_status status =
            transport_read(&l->transport.below, fd, &in, 1, &came);
        if (status == STREAM_END || status == STREAM_RESET)
            return link_reset(l, TLS_CUT);
        if (status != STREAM_OK)
            return status;
    }
    enum stream_status status =
        link_open(l, scratch, kept + came, iov, iovs, got);
    if (status != STREAM_OK)
        return status;
    if (came > 0)
        l->is_dense = *got >= came / 2;
    if (link_owes(l))
        (void)link_push(l, fd); /* what OpenSSL had to answer */
    return link_status(l, *got);
}

static enum stream_status link_read(struct transport *t, int fd,
                                    const struct iovec *iov, int iovs,
                                    size_t *got)
{
    struct tls_link *l = (struct tls_link *)t;
    *got = 0;
    if (t->is_away)
        return STREAM_AGAIN;
    if (link_owes(l))
        (void)link_push(l, fd);
    switch ((enum tls_state)l->state) {
    case TLS_GREETING:
    case TLS_WAITING:
    case TLS_SHAKING:
        return link_shake(l, fd);
    case TLS_OPEN:
        return link_read_open(l, fd, iov, iovs, got);
    default:
        return link_status(l, 0);
    }
}

/* Writing. */

/* Of the shared records the socket has not taken all: keeps the others. */
static bool link_keep_sealed(struct tls_link *l, size_t put, size_t bytes)
{
    const struct tls_shared *shared = l->shared;
    const struct tls_bytes *sealed = &shared->sealed;
    if (!tls_bytes_add(&l->kept, shared->records,
                       shared->record_count * sizeof *shared->records) ||
        !tls_bytes_add(&l->out, sealed->bytes + put, sealed->used - put))
        return false;
    size_t whole = tls_seal_written(&l->kept, put);
    l->settled += (uint32_t)whole;
    l->sealed = (uint32_t)(bytes - whole);
    return true;
}

/* Writes the shared buffer, of which the contents are so many bytes; what is
 * not taken is kept. */
static enum stream_status link_write_sealed(struct tls_link *l, int fd,
                                            size_t bytes)
{
    struct tls_bytes *sealed = &l->shared->sealed;
    struct iovec iov = {sealed->bytes, sealed->used};
    size_t put = 0;
    enum stream_status status =
        transport_write(l->transport.below, fd, &iov, 1, &put);
    if (status == STREAM_END || status == STREAM_RESET)
        return status;
    l->is_full = put < sealed->used;
    if (!l->is_full)
        l->settled += (uint32_t)bytes;
    else if (!link_keep_sealed(l, put, bytes))
        return link_reset(l, TLS_NO_MEMORY);
    l->transport.wants_write = l->is_full;
    tls_link_charge(l);
    return STREAM_OK;
}

/* Seals and writes some of what comes behind the first *taken bytes, to which
 * it adds them. */
static enum stream_status link_write_some(struct tls_link *l, int fd,
                                          const struct iovec *iov, int iovs,
                                          size_t *taken)
{
    size_t max = l->is_full ? TLS_SEAL_LEAST : TLS_SEAL_MAX, sealed = 0;
    ERR_clear_error();
    l->shared->sealed.used = 0;
    l->shared->record_count = 0;
    l->wires.out = &l->shared->sealed;
    l->wires.out_max = 2 * (size_t)TLS_SEAL_MAX;
    bool is_sealed = tls_seal(l, iov, iovs, *taken, max, &sealed);
    l->wires.out = &l->out;
    l->wires.out_max = TLS_KEPT_MAX;
    if (!is_sealed)
        return link_reset(l, TLS_NO_MEMORY);
    *taken += sealed;
    return link_write_sealed(l, fd, sealed);
}

static size_t link_pledged(const struct transport *t)
{
    const struct tls_link *l = (const struct tls_link *)t;
    return l->settled + l->sealed;
}

static size_t link_settle(struct transport *t)
{
    struct tls_link *l = (struct tls_link *)t;
    size_t bytes = l->settled;
    l->settled = 0;
    return bytes;
}

static void link_cut(struct transport *t)
{
    struct tls_link *l = (struct tls_link *)t;
    if (l->sealed == 0)
        return;
    tls_bytes_free(&l->out);
    tls_bytes_free(&l->kept);
    l->sealed = 0;
    l->is_cut = true;
    t->wants_write = false;
    tls_link_charge(l);
}

/* Stops only when all is written or the socket is full: whoever wrote less than
 * it had waits until the socket has room, and may hear of that just once. */
static enum stream_status link_write(struct transport *t, int fd,
                                     const struct iovec *iov, int iovs,
                                     size_t *put)
{
    size_t bytes = 0;
    for (int i = 0; i < iovs; i++)
        bytes += iov[i].iov_len;
    struct tls_link *l = (struct tls_link *)t;
    size_t taken = link_pledged(t);
    *put = 0;
    assert(bytes >= taken);
    if (l->state == TLS_FAILED || l->is_cut)
        return STREAM_RESET;
    if (t->is_away || l->state < TLS_OPEN)
        return STREAM_AGAIN;
    if (bytes > 0)
        link_give_ticket(l);
    enum stream_status status = link_push(l, fd);
    bool goes_on = status == STREAM_OK;
    while (goes_on && taken < bytes) {
        status = link_write_some(l, fd, iov, iovs, &taken);
        goes_on = status == STREAM_OK && !l->is_full;
    }
    if (status == STREAM_END || status == STREAM_RESET)
        return status;
    *put = link_settle(t);
    return *put > 0 ? STREAM_OK : STREAM_AGAIN;
}

/* The rest. */

static void link_shutdown(struct transport *t, int fd)
{
    struct tls_link *l = (struct tls_link *)t;
    if (t->is_away || l->is_cut ||
        (l->state != TLS_OPEN && l->state != TLS_ENDED))
        return;
    ERR_clear_error();
    (void)SSL_shutdown(l->ssl);
    ERR_clear_error();
    (void)link_push(l, fd);
}

static size_t link_held(const struct transport *t)
{
    const struct tls_link *l = (const struct tls_link *)t;
    if (t->is_away)
        return 0;
    if (l->is_end_due)
        return 1;
    return l->state == TLS_OPEN
               ? (size_t)SSL_pending(l->ssl) + (l->is_whole ? l->in.used : 0)
               : 0;
}

static size_t link_unconfirmed(const struct transport *t)
{
    const struct tls_link *l = (const struct tls_link *)t;
    return t->is_away ? 0 : l->out.used;
}

static void link_push_later(struct transport *t, int fd)
{
    (void)link_push((struct tls_link *)t, fd);
}

static void link_close(struct transport *t)
{
    struct tls_link *l = (struct tls_link *)t;
    tls_shaking_leave(l->shared->shaking, l);
    if (t->is_away)
        l->is_abandoned = true; /* freed when it is back */
    else
        tls_link_free(l);
}

static const struct transport_ops link_ops = {
    .read = link_read,
    .write = link_write,
    .pledged = link_pledged,
    .settle = link_settle,
    .cut = link_cut,
    .push = link_push_later,
    .shutdown = link_shutdown,
    .held = link_held,
    .unconfirmed = link_unconfirmed,
    .close = link_close,
};

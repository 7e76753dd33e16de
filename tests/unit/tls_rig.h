/* SPDX-License-Identifier: MIT
 *
 * tls_rig - the broker's side of TLS and an honest client, with a network of
 * memory between them and neither sockets nor threads. tls_rig.c takes the
 * place of tls_shaking.c: steps are computed at once.
 */
#ifndef SLUICE_TESTS_UNIT_TLS_RIG_H
#define SLUICE_TESTS_UNIT_TLS_RIG_H

#include "broker/base/budget.h"
#include "broker/base/counters.h"
#include "broker/net/tls_context.h"
#include "broker/net/tls_link.h"
#include "broker/net/tls_tickets.h"

struct tls_rig {
    struct budget budget;
    struct counters counters;
    struct tls_tickets tickets;
    struct tls_shared shared;
    struct tls_context *context;
    SSL_CTX *client_context;
    /* Of one connection. */
    struct transport wire; /* below the link; the first member it finds is
                              the rig's by its place */
    struct tls_bytes to_broker, from_broker;
    size_t room;           /* bytes that the broker's socket takes */
    uint64_t writes;       /* of the broker */
    bool has_ended;        /* the client's side of the network */
    struct transport *top; /* NULL: no connection */
    SSL *client;
};

/* Makes a key and a certificate; aborts when it cannot. */
void tls_rig_init(struct tls_rig *r);
void tls_rig_fini(struct tls_rig *r);

/* A connection whose first bytes are these, at the broker alone. */
void tls_rig_begin(struct tls_rig *r, const uint8_t *bytes, size_t n);

/* A connection whose client has shaken hands; `version` is TLS1_2_VERSION or
 * TLS1_3_VERSION. */
void tls_rig_connect(struct tls_rig *r, int version);

/* Ends it; everything that it was charged must be given back. */
void tls_rig_close(struct tls_rig *r);

/* The records that the client's OpenSSL has written: moves them to `out`. */
void tls_rig_take(struct tls_rig *r, struct tls_bytes *out);

/* What the broker has written reaches the client. */
void tls_rig_answer(struct tls_rig *r);

struct tls_link *tls_rig_link(const struct tls_rig *r);

/* As the transport's, with one piece. */
enum stream_status tls_rig_read(struct tls_rig *r, uint8_t *to, size_t n,
                                size_t *got);
enum stream_status tls_rig_write(struct tls_rig *r, const uint8_t *from,
                                 size_t n, size_t *put);

#endif

/* SPDX-License-Identifier: MIT
 *
 * tls_link - TLS with one client: its handshake, and what is kept for it.
 *
 *     GREETING  its first message, the ClientHello, is not complete: it costs
 *               the bytes that have come
 *     WAITING   for a place among the handshakes; nothing of it is computed
 *     SHAKING   the handshake is under way. While it is AWAY a thread computes
 *               a step of it, and nobody else touches it
 *     OPEN      bytes are sealed and opened, by the loop
 *     ENDED     the client has said that nothing more will come
 *     FAILED    for `fault`; reading it is a reset
 *
 * What has been sealed cannot be sealed again: what the socket does not take is
 * kept, within TLS_KEPT_MAX. Its contents count as written when the socket has
 * the last byte of their record, and are pledged until then:
 *
 *     offered   [ settled ][ sealed            ][ not sealed yet ]
 *     records   [ ][ ][ ]  [ | ][ ][ ][ ][ ]
 *                            ^ the socket has taken it up to here
 */
#ifndef SLUICE_NET_TLS_LINK_H
#define SLUICE_NET_TLS_LINK_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/list.h"
#include "broker/net/tls_bio.h"
#include "broker/net/tls_context.h"
#include "broker/net/tls_fault.h"
#include "broker/net/tls_tally.h"
#include "broker/net/transport.h"

struct budget;
struct counters;
struct tls_shaking;

enum {
    /* Bytes that one write seals: what one read brought, and the heads. */
    TLS_SEAL_MAX = (256 << 10) + (16 << 10),
    TLS_SEAL_LEAST = 64 << 10, /* the same when the socket was full */
    TLS_KEPT_MAX = TLS_SEAL_MAX + (16 << 10),
    TLS_SEALED_AT_ONCE = 16 << 10,
    TLS_RECORDS_MAX = TLS_SEAL_MAX / TLS_SEALED_AT_ONCE + 1,
    TLS_OPENED_MAX = 256 << 10,  /* bytes that one read takes; */
    TLS_OPENED_LEAST = 16 << 10, /* the same when the last were hardly data */
    TLS_WIPED_BYTES = 64 << 10,  /* of a client's first, among which are its
                                    secrets; OpenSSL leaves nothing of them */
    TLS_ASIDES_MAX = 32,         /* messages of TLS itself; one more is allowed
                                    for each of these bytes of data: */
    TLS_ASIDE_BYTES = 4 << 10,
    /* What one connection costs inside OpenSSL, measured: counted in the
     * budget as these. */
    TLS_SHAKING_BYTES = 60 << 10,
    TLS_OPEN_BYTES = 14 << 10,
};

/* One that was sealed, of which the socket does not have so many bytes; what
 * TLS itself says before it is part of it. */
struct tls_record {
    uint32_t wire_bytes;
    uint32_t bytes; /* of its contents */
};

/* What all links of a loop share. */
struct tls_shared {
    struct budget *budget;
    struct counters *counters;
    struct tls_shaking *shaking;
    uint8_t *scratch; /* records that came */
    uint8_t *plain;   /* the contents of one record */
    struct tls_tally tally;
    struct tls_bytes sealed;                    /* records to be written, */
    struct tls_record records[TLS_RECORDS_MAX]; /* and what they are */
    uint32_t record_count;
};

enum tls_state {
    TLS_GREETING,
    TLS_WAITING,
    TLS_SHAKING,
    TLS_OPEN,
    TLS_ENDED,
    TLS_FAILED,
};

/* Of whom TLS is begun with. */
struct tls_client {
    enum tls_speech speech;
    uint8_t host;   /* peer_host() */
    uint16_t mark;  /* peer_mark() */
    bool is_exempt; /* from being slowed down for its failures */
};

struct tls_link {
    struct transport transport;
    struct tls_shared *shared;
    struct tls_context *context; /* a reference */
    SSL *ssl;                    /* NULL before SHAKING, and FAILED */
    struct tls_bio wires;
    struct tls_bytes in;   /* records that are not complete, or not opened */
    struct tls_bytes out;  /* sealed, and not taken by the socket */
    struct tls_bytes kept; /* struct tls_record: of those in `out` that have
                              contents */
    uint32_t sealed;       /* bytes: the contents of these */
    uint32_t settled;      /* bytes written, and not reported yet */
    struct list link;      /* of the handshakes */
    uint64_t begun_us;     /* when its first bytes came */
    clock_ms since;    /* SHAKING: its client was first answered; 0: not yet */
    size_t charged;    /* to the budget */
    uint32_t shaken;   /* bytes of the client's side of the handshake */
    uint32_t wiped;    /* OPEN: bytes read, up to TLS_WIPED_BYTES */
    uint16_t asides;   /* OPEN: messages of TLS itself */
    uint16_t mark;     /* of the client, see peer_mark() */
    bool is_dense;     /* at least half of what was read last was data */
    uint32_t greeted;  /* GREETING: bytes counted by the handshakes */
    const char *alert; /* that the client sent; NULL: none */
    uint8_t state;     /* enum tls_state */
    uint8_t fault;     /* enum tls_fault */
    uint8_t host;      /* of the client, see peer_host() */
    uint8_t speech;    /* enum tls_speech */
    bool is_exempt;    /* from being slowed down for its failures */
    bool is_suspect;   /* when it began to wait, its host was one */
    bool is_waiting;   /* for a place */
    bool is_abandoned; /* its stream was closed while it was away */
    bool has_ticket;   /* OPEN: has been given one, or gets none */
    bool is_counted;   /* its handshake, as complete or as failed */
    bool is_whole;     /* `in` begins with a whole record, or none */
    bool is_full;      /* the socket did not take all of the last write */
    bool is_end_due;   /* ENDED or FAILED, and nobody was told yet */
    bool is_cut;       /* in the middle of a record: nothing can follow */
};

/* Begins as GREETING. `bytes` were read from the socket already. NULL without
 * memory. */
struct tls_link *tls_link_new(struct tls_shared *shared,
                              struct tls_context *context,
                              const struct tls_client *client,
                              const uint8_t *bytes, size_t n);

/* WAITING becomes SHAKING; false without memory. */
bool tls_link_begin(struct tls_link *l);

/* One step of the handshake, with the whole records in `in`; computed by any
 * thread. */
void tls_link_step(struct tls_link *l);

/* Counts its memory. */
void tls_link_charge(struct tls_link *l);

/* FAILED: what OpenSSL keeps for it is freed. */
void tls_link_fail(struct tls_link *l, enum tls_fault fault);

void tls_link_free(struct tls_link *l);

/* OpenSSL reads the `n` bytes at `in`, and writes to what is kept. */
void tls_link_connect(struct tls_link *l, const uint8_t *in, size_t n);

#endif

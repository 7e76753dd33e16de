/* SPDX-License-Identifier: MIT
 *
 * tls_context - a generation of certificates: all that a handshake needs, read
 * from files at once and never changed. A new one takes the place of the old,
 * which lives on with the connections that it began.
 */
#ifndef SLUICE_NET_TLS_CONTEXT_H
#define SLUICE_NET_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sentence.h"

struct tls_tickets;

/* What is spoken inside. A client that names protocols must name this one. */
enum tls_speech { TLS_SPEAKS_SLUICE, TLS_SPEAKS_HTTP, TLS_SPEECHES };

enum {
    TLS_CERTIFICATES_MAX = 16,
    TLS_FINGERPRINT = 32,      /* bytes, SHA-256 */
    TLS_NAMES_MAX = 256,       /* bytes, with the NUL */
    TLS_CHAIN_MAX = 32 << 10,  /* bytes of a client's certificates */
    TLS_FLIGHT_MAX = 16 << 10, /* bytes of any other flight */
};

struct tls_files {
    const char *const *certificates; /* chains in PEM, the own one first */
    const char *const *keys;         /* of each certificate */
    size_t count;                    /* 1 to TLS_CERTIFICATES_MAX */
    const char *ca;                  /* for clients; NULL: they need none */
    const char *crl;                 /* NULL: none */
    bool is_client_optional;         /* a client may show no certificate */
    bool is_13_only;
};

struct tls_context {
    uint32_t refs;
    size_t count;
    SSL_CTX *ssl[TLS_CERTIFICATES_MAX]; /* one for each certificate */
    bool asks_client;
    int64_t not_before;        /* seconds since 1970, the latest */
    int64_t not_after;         /* the earliest, */
    size_t ends_first;         /* and of which certificate that is */
    char names[TLS_NAMES_MAX]; /* of hosts, with commas; those that fit */
    size_t crls;               /* lists of revocations that end */
    int64_t crls_not_after;    /* the earliest of these; 0: none does */
    uint8_t fingerprint[TLS_FINGERPRINT]; /* of the first certificate */
    uint8_t ca_digest[TLS_FINGERPRINT]; /* of the files of CA and CRL; zeros */
};

/* Reads all of it, or NULL with the reason in *why. `tickets` is borrowed. */
struct tls_context *tls_context_load(const struct tls_files *files,
                                     struct tls_tickets *tickets,
                                     struct sentence *why);

/* One more reference, which tls_context_unref() gives back. */
static inline struct tls_context *tls_context_ref(struct tls_context *c)
{
    c->refs++;
    return c;
}

/* The last one frees it; NULL is allowed. */
void tls_context_unref(struct tls_context *c);

/* Whether each client that `before` took would be taken by this one: it has the
 * same authorities and lists of revocations, and demands no more. */
bool tls_context_trusts_as(const struct tls_context *c,
                           const struct tls_context *before);

/* Whether this one would take the certificate that the client of `ssl` showed
 * to another, or that it showed none. False without memory, too. */
bool tls_context_trusts(const struct tls_context *c, SSL *ssl);

/* A connection that has not begun; NULL without memory. Which certificate it
 * gets is decided by the name that its client asks for. */
SSL *tls_context_connection(struct tls_context *c, enum tls_speech speech);

#endif

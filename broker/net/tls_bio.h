/* SPDX-License-Identifier: MIT
 *
 * tls_bio - the memory that OpenSSL takes for the network: it reads from a
 * window of bytes that have come, and what it writes is appended to a buffer.
 * So one read of the socket brings many records, one write takes many, and a
 * handshake can be computed by a thread that has no socket.
 */
#ifndef SLUICE_NET_TLS_BIO_H
#define SLUICE_NET_TLS_BIO_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that are kept; all zeros: none, and no memory. */
struct tls_bytes {
    uint8_t *bytes;
    size_t used, capacity;
};

/* Appends; false, with nothing changed, without memory. */
bool tls_bytes_add(struct tls_bytes *b, const void *bytes, size_t n);
/* Removes from the front; memory is freed when nothing is left. */
void tls_bytes_remove(struct tls_bytes *b, size_t n);
void tls_bytes_free(struct tls_bytes *b);

struct tls_bio {
    const uint8_t *in; /* what has come and was not read */
    size_t in_bytes;
    struct tls_bytes *out; /* where what is written goes */
    size_t out_max;        /* writing more fails */
};

/* A BIO on `wires`, which must outlive it; NULL without memory. */
BIO *tls_bio_new(struct tls_bio *wires);

#endif

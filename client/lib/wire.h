/* SPDX-License-Identifier: MIT
 *
 * wire - the bytes of a connection: a socket, in clear or under TLS. Above it
 * nothing knows which, except for the sentence when TLS has failed.
 */
#ifndef SLUICE_CLIENT_LIB_WIRE_H
#define SLUICE_CLIENT_LIB_WIRE_H

#include "client/lib/failure.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct sluice_tls_link;
struct sluice_trust;

enum { SLUICE_WIRE_BINDING = 32 };

struct sluice_wire {
    int fd;                      /* -1: none */
    struct sluice_tls_link *tls; /* NULL: in clear */
};

/* Goes on under TLS, as the client: `address` is where the socket is connected
 * to, NULL if that is not known. Nothing is sent yet. On failure the socket
 * stays, and *why has a sentence. */
SLUICE_MUST_CHECK enum sluice_error
sluice_wire_secure(struct sluice_wire *w, struct sluice_trust *trust,
                   const char *address, struct sluice_failure *why);

/* A step of the handshake, which reading and writing do as well. SLUICE_OK: it
 * is complete, or there is none. SLUICE_AGAIN: wait for sluice_wire_events().
 * Else it has failed, and *why has a sentence. */
SLUICE_MUST_CHECK enum sluice_error
sluice_wire_shake(struct sluice_wire *w, struct sluice_failure *why);

/* Closes the socket, if there is one; under TLS with its orderly end. */
void sluice_wire_close(struct sluice_wire *w);

/* As read(2) and sendmsg(2) do, never interrupted, never SIGPIPE. With EPROTO,
 * sluice_wire_failure() says why. Bytes that could not be written under TLS
 * must be written next, at the same place in the stream. */
ssize_t sluice_wire_read(struct sluice_wire *w, void *bytes, size_t room);
ssize_t sluice_wire_write(struct sluice_wire *w, const struct iovec *parts,
                          int count);
ssize_t sluice_wire_send(struct sluice_wire *w, const void *bytes, size_t n);

/* What to wait for, of poll(2), to read, and to write if `has_output`. */
short sluice_wire_events(const struct sluice_wire *w, bool has_output);

/* Whether there may be something to read though the socket is silent. */
bool sluice_wire_has_more(const struct sluice_wire *w);

/* Bytes that both ends have in common, and nobody else: tls-exporter of RFC
 * 9266. How many: 0 without TLS. False when TLS has none: TLS 1.2 needs the
 * extended master secret of RFC 7627. */
bool sluice_wire_binding(const struct sluice_wire *w,
                         uint8_t out[SLUICE_WIRE_BINDING], size_t *n);

/* Why TLS has failed; NULL when it has not. */
const struct sluice_failure *sluice_wire_failure(const struct sluice_wire *w);

#endif

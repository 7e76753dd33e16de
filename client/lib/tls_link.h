/* SPDX-License-Identifier: MIT
 *
 * tls_link - TLS on one socket of a client, as wire.h needs it. OpenSSL reads
 * and writes the socket itself, but never raises SIGPIPE.
 */
#ifndef SLUICE_CLIENT_LIB_TLS_LINK_H
#define SLUICE_CLIENT_LIB_TLS_LINK_H

#include "client/lib/failure.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct sluice_tls_link;
struct sluice_trust;

/* A client's end on a socket, which is borrowed, as is `trust`: it must live as
 * long. The server is to show the name that `trust` has, or else the host of
 * `address`. On SLUICE_OK *out is the caller's; else *why has a sentence. */
SLUICE_MUST_CHECK enum sluice_error
sluice_tls_link_new(int fd, struct sluice_trust *trust, const char *address,
                    struct sluice_tls_link **out, struct sluice_failure *why);

/* Says the end that TLS demands, if the socket takes it at once, and frees. */
void sluice_tls_link_end(struct sluice_tls_link *l);

/* See wire.h. */
SLUICE_MUST_CHECK enum sluice_error
sluice_tls_link_shake(struct sluice_tls_link *l, struct sluice_failure *why);
ssize_t sluice_tls_link_read(struct sluice_tls_link *l, void *bytes,
                             size_t room);
ssize_t sluice_tls_link_write(struct sluice_tls_link *l,
                              const struct iovec *parts, int count);
short sluice_tls_link_events(const struct sluice_tls_link *l, bool has_output);
bool sluice_tls_link_has_more(const struct sluice_tls_link *l);
bool sluice_tls_link_export(const struct sluice_tls_link *l, uint8_t *out,
                            size_t n);
const struct sluice_failure *
sluice_tls_link_failure(const struct sluice_tls_link *l);

#endif

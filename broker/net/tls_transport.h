/* SPDX-License-Identifier: MIT
 *
 * tls_transport - a link of TLS as the transport of a stream.
 */
#ifndef SLUICE_NET_TLS_TRANSPORT_H
#define SLUICE_NET_TLS_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_context;
struct tls_link;
struct tls_shared;
struct transport;

/* A link for a client of `host` (peer_host()). `bytes` were read from the
 * socket already. NULL without memory; the stream owns the transport. */
struct transport *tls_transport_new(struct tls_shared *shared,
                                    struct tls_context *context, uint8_t host,
                                    bool is_exempt, const uint8_t *bytes,
                                    size_t n);

/* The link among the transport and those below it; NULL when there is none. */
struct tls_link *tls_transport_link(struct transport *t);

#endif

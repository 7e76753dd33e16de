/* SPDX-License-Identifier: MIT
 *
 * tls_transport - a link of TLS as the transport of a stream.
 */
#ifndef SLUICE_NET_TLS_TRANSPORT_H
#define SLUICE_NET_TLS_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

struct tls_client;
struct tls_context;
struct tls_link;
struct tls_shared;
struct transport;

/* A link with a client. `bytes` were read from the socket already. NULL without
 * memory; the stream owns the transport. */
struct transport *tls_transport_new(struct tls_shared *shared,
                                    struct tls_context *context,
                                    const struct tls_client *client,
                                    const uint8_t *bytes, size_t n);

/* The link among the transport and those below it; NULL when there is none. */
struct tls_link *tls_transport_link(struct transport *t);

#endif

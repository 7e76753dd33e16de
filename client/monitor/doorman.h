/* SPDX-License-Identifier: MIT
 *
 * doorman - decides who may report to the collector, when libzmq asks (ZeroMQ's
 * RFC 27): the owners of the keys in a file, which is read again when it has
 * changed. Until a peer is admitted, libzmq reads nothing from it but its
 * handshake.
 */
#ifndef SLUICE_CLIENT_MONITOR_DOORMAN_H
#define SLUICE_CLIENT_MONITOR_DOORMAN_H

struct doorman;
struct event_base;
struct sentence;

/* Sockets that ask it are bound in this domain of ZAP. */
#define DOORMAN_DOMAIN "sluice.reports"

/* `context` is that of the sockets; `path` is a file of public keys, borrowed.
 * Call it before a socket is bound. NULL, with the reason. */
struct doorman *doorman_open(struct event_base *base, void *context,
                             const char *path, struct sentence *why);
void doorman_close(struct doorman *d); /* may be NULL */

#endif

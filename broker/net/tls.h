/* SPDX-License-Identifier: MIT
 *
 * tls - TLS for the streams of one reactor: the certificates in use, the
 * handshakes, and what is known of a client that has completed one.
 */
#ifndef SLUICE_NET_TLS_H
#define SLUICE_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/net/peer.h"
#include "broker/net/tls_context.h"
#include "broker/net/tls_fault.h"
#include "common/sentence.h"

struct budget;
struct counters;
struct reactor;
struct stream;
struct tls;
struct tls_tally;

enum { TLS_FIRST_BYTE = 0x16 }; /* of a handshake: RFC 8446, 5.1 */

/* Without certificates. NULL when the system refuses. All pointers are
 * borrowed. */
struct tls *tls_new(struct reactor *reactor, struct budget *budget,
                    struct counters *counters, uint32_t threads);

/* The streams that it was started for must be closed; NULL is allowed. */
void tls_free(struct tls *t);

/* From now on handshakes begin with these files. False, with nothing changed,
 * when one of them is not good: *why says which. */
bool tls_load(struct tls *t, const struct tls_files *files,
              struct sentence *why);

/* Nothing can be started until files are loaded again; what was started goes
 * on. */
void tls_unload(struct tls *t);

/* Those in use; NULL: none, and nothing can be started. */
const struct tls_context *tls_current(const struct tls *t);

/* Another number whenever clients that were let in may have to go: --tls-ca or
 * --tls-crl have changed, or --tls-clients demands a certificate. */
uint64_t tls_trust(const struct tls *t);

/* Whether a client that has what this one showed would be let in now. A
 * handshake that is not complete is not trusted when it began with others. */
bool tls_is_trusted(const struct tls *t, const struct stream *stream);

/* What became of handshakes so far. */
const struct tls_tally *tls_tally(const struct tls *t);

/* Sets the gauges of handshakes, which are measured on request. */
void tls_measure(const struct tls *t);

/* The stream goes on with TLS, which begins with the `n` bytes that were read,
 * and inside which `speech` is spoken.
 * False when there is no memory. */
bool tls_start(struct tls *t, struct stream *stream, const struct peer *peer,
               enum tls_speech speech, const uint8_t *bytes, size_t n);

/* Whether TLS was started. */
bool tls_is_started(const struct stream *stream);

/* Whether the beginning of a record has come, without its end: its client is in
 * the middle of something, though nothing of that can be read. */
bool tls_has_part(const struct stream *stream);

/* Why it ended; TLS_SOUND when it has not, or was not started. *alert is what
 * the client said, or NULL. */
enum tls_fault tls_fault_of(const struct stream *stream, const char **alert);

/* What a handshake has agreed on: NULL before, and without TLS. */
const char *tls_version_of(const struct stream *stream);
const char *tls_cipher_of(const struct stream *stream);

enum { TLS_NAME_MAX = 255 };

/* The name in the client's certificate, verified: the first DNS name or URI
 * among its alternative names, or else the common name, as RFC 6125 asks for.
 * False when it showed none. */
bool tls_client_name(const struct stream *stream, char name[TLS_NAME_MAX + 1]);

enum { TLS_BINDING = 32 };

/* Bytes that are the same at both ends of this connection and nowhere else:
 * tls-exporter of RFC 9266. False without TLS, and where they might be
 * somewhere else: TLS 1.2 needs the extended master secret of RFC 7627. */
bool tls_binding(const struct stream *stream, uint8_t binding[TLS_BINDING]);

#endif

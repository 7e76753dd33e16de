/* SPDX-License-Identifier: MIT
 *
 * tls_fault - the ways in which TLS with a client ends before its time: one row
 * each.
 */
#ifndef SLUICE_NET_TLS_FAULT_H
#define SLUICE_NET_TLS_FAULT_H

#include <stdbool.h>

enum tls_fault {
    TLS_SOUND,
    TLS_VERSION,
    TLS_NO_SHARED,
    TLS_CLIENT_CERT_MISSING,
    TLS_CLIENT_CERT_EXPIRED,
    TLS_CLIENT_CERT_EARLY,
    TLS_CLIENT_CERT_REVOKED,
    TLS_CLIENT_CERT_PURPOSE,
    TLS_CLIENT_CERT_UNKNOWN_CA,
    TLS_CRL_EXPIRED,
    TLS_CRL_MISSING,
    TLS_CLIENT_REFUSED_US,
    TLS_RENEGOTIATION,
    TLS_ALPN,
    TLS_TOO_LARGE,
    TLS_RECORDS,
    TLS_FLOOD,
    TLS_CUT,
    TLS_CROWDED,
    TLS_UNFINISHED,
    TLS_NO_MEMORY,
    TLS_FAULTS
};

struct tls_fault_row {
    const char *name;     /* as the log calls it */
    const char *sentence; /* what happened */
    const char *hint;     /* what to do; NULL: nothing */
};

extern const struct tls_fault_row tls_fault_rows[TLS_FAULTS];

/* What OpenSSL's error queue of this thread says of a failed handshake, or of a
 * record if `is_open`; it is then empty. `verified` is X509_V_OK or what
 * SSL_get_verify_result() said. *alert becomes the name of the alert that the
 * client sent, or NULL. */
enum tls_fault tls_fault_take(long verified, bool is_open, const char **alert);

#endif

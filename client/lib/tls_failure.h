/* SPDX-License-Identifier: MIT
 *
 * tls_failure - the ways in which TLS with a broker fails, in words: a row for
 * each.
 */
#ifndef SLUICE_CLIENT_LIB_TLS_FAILURE_H
#define SLUICE_CLIENT_LIB_TLS_FAILURE_H

#include "client/lib/failure.h"

#include <openssl/types.h>

struct sluice_tls_fact {
    long verified;     /* what SSL_get_verify_result() says */
    const X509 *shown; /* the server's certificate; NULL: none came */
    const char *name;  /* of the server, for sentences */
};

/* Takes OpenSSL's error queue of this thread, which a call has filled, and says
 * what it means. Returns why->error. */
enum sluice_error sluice_tls_failure_take(const struct sluice_tls_fact *fact,
                                          struct sluice_failure *why);

#endif

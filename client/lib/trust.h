/* SPDX-License-Identifier: MIT
 *
 * trust - which brokers a client believes under TLS, and how it shows who it is
 * itself: the settings of sluice_set_tls(), and what OpenSSL makes of them.
 */
#ifndef SLUICE_CLIENT_LIB_TRUST_H
#define SLUICE_CLIENT_LIB_TRUST_H

#include "client/lib/failure.h"

#include <openssl/types.h>

struct sluice_trust;

/* Reads the files. On SLUICE_OK *out is the caller's; else *why has a
 * sentence. */
SLUICE_MUST_CHECK enum sluice_error
sluice_trust_new(const struct sluice_tls *settings, struct sluice_trust **out,
                 struct sluice_failure *why);

/* NULL is allowed. */
void sluice_trust_free(struct sluice_trust *t);

/* HTTP is spoken inside of the connections that follow, not sluice. */
void sluice_trust_speak_http(struct sluice_trust *t);

/* The name that the settings expect; NULL: that of the address. */
const char *sluice_trust_name(const struct sluice_trust *t);

/* A connection that has not begun, to a server that must prove to be `name`, a
 * host or an IP address; NULL is allowed if the settings have a pin. Files that
 * have changed are read again, since a certificate may have been renewed; if
 * they are not good, what was read last stays. *shown, which must be NULL
 * and outlive the connection, becomes the server's certificate, for the caller
 * to free. On SLUICE_OK *out is the caller's; else *why has a sentence. */
SLUICE_MUST_CHECK enum sluice_error
sluice_trust_connect(struct sluice_trust *t, const char *name, X509 **shown,
                     SSL **out, struct sluice_failure *why);

#endif

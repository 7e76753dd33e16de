/* SPDX-License-Identifier: MIT
 *
 * complain - one sentence on standard error, and the exit status that goes
 * with it.
 */
#ifndef SLUICE_CLIENT_COMPLAIN_H
#define SLUICE_CLIENT_COMPLAIN_H

#include "client/sluice.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What a broker that turns a client away at once may want. */
#define COMPLAIN_DEMANDS "it may demand TLS, see --tls, or a user, see --user"

/* Prints "sluice: ..." and returns `status`. */
int complain(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints the sentence of a failure that is none of --server, and what the user
 * can do; returns EXIT_FAILED. */
int complain_failed(enum sluice_error error, const char *sentence);

/* The same when an option is not good: that of a URL, or another one, which the
 * sentence names; returns EXIT_USAGE. */
int complain_misused_http(enum sluice_error error, const char *sentence);

/* Prints why sluice_connect() failed, and what the user can do. Returns
 * EXIT_USAGE when the address is not one, or an option or its file is not good,
 * else EXIT_FAILED. */
int complain_unconnected(const struct sluice *s, enum sluice_error error);

#endif

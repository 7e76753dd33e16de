/* SPDX-License-Identifier: MIT
 *
 * tls - TLS on the connections of a load, by their descriptors, so that the
 * dialects need not know. Certificates are not verified: what is measured is
 * the broker.
 */
#ifndef SLUICE_TESTS_BENCH_LOAD_TLS_H
#define SLUICE_TESTS_BENCH_LOAD_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The settings of all connections, made once; ends the program on failure. */
SSL_CTX *tls_settings(void);

/* From now on tls_secure() does something. */
void tls_begin(void);

/* The handshake, on a blocking connection; ends the program on failure. */
void tls_secure(int fd);

/* As recv(2) and send(2), on secured connections or others. */
ssize_t tls_read(int fd, void *bytes, size_t room);
ssize_t tls_write(int fd, const void *bytes, size_t n);

/* The same as tls_read() when there is something to read, also on a blocking
 * connection; else EAGAIN. */
ssize_t tls_read_now(int fd, void *bytes, size_t room);

/* Whether there may be something to read though the socket is silent. */
bool tls_has_more(int fd);

#endif

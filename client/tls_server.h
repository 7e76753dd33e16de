/* SPDX-License-Identifier: MIT
 *
 * tls_server - the server's end of TLS, for the page of the collector: one
 * certificate, read again when its files have changed. Handshakes are computed
 * where they are read, in the caller's loop.
 */
#ifndef SLUICE_CLIENT_TLS_SERVER_H
#define SLUICE_CLIENT_TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sentence;
struct tls_server;
struct tls_stream;

/* Reads the files, in PEM. NULL, with the reason. */
struct tls_server *tls_server_new(const char *certificate, const char *key,
                                  struct sentence *why);
void tls_server_free(struct tls_server *s); /* NULL is allowed */

/* The server's end on a socket that does not block; the socket is borrowed.
 * Nothing is read yet. NULL without memory. */
struct tls_stream *tls_server_accept(struct tls_server *s, int fd);

/* As read(2) and write(2) do, without SIGPIPE if that is ignored; both shake
 * hands first. With EPROTO TLS has failed. Bytes that could not be written must
 * be written next. */
ssize_t tls_stream_read(struct tls_stream *t, void *bytes, size_t room);
ssize_t tls_stream_write(struct tls_stream *t, const void *bytes, size_t n);

/* Whether reading waits until something can be written. */
bool tls_stream_wants_output(const struct tls_stream *t);

/* Says the end that TLS demands, if the socket takes it at once. */
void tls_stream_shutdown(struct tls_stream *t);
void tls_stream_free(struct tls_stream *t); /* NULL is allowed */

#endif

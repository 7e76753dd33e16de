/* SPDX-License-Identifier: MIT
 *
 * tls_seal - makes records of what is to be written, and knows which of them
 * the socket has whole.
 */
#ifndef SLUICE_NET_TLS_SEAL_H
#define SLUICE_NET_TLS_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct tls_bytes;
struct tls_link;

/* Seals at most `max` bytes of what comes behind the first `from` ones, into
 * the shared buffer of records, to which OpenSSL must write. Adds their number
 * to *sealed; false when OpenSSL fails. */
bool tls_seal(struct tls_link *l, const struct iovec *iov, int iovs,
              size_t from, size_t max, size_t *sealed);

/* Of these records (struct tls_record) the socket has got so many bytes more:
 * takes out those that it has whole. Returns the bytes of their contents. */
size_t tls_seal_written(struct tls_bytes *records, size_t wire_bytes);

#endif

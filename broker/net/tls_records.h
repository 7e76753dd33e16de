/* SPDX-License-Identifier: MIT
 *
 * tls_records - where the records of TLS end in bytes that have come. OpenSSL
 * is given whole records only: for the part of one it would keep a buffer of
 * 16 KiB. Knows neither OpenSSL nor what the records hold.
 */
#ifndef SLUICE_NET_TLS_RECORDS_H
#define SLUICE_NET_TLS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    TLS_RECORD_HEAD = 5,
    TLS_RECORD_MAX = (16 << 10) + 256, /* bytes behind its head; RFC 8446 */
};

/* How many of `n` bytes are whole records; -1 when they do not begin with a
 * record. */
ssize_t tls_records_whole(const uint8_t *bytes, size_t n);

/* Whether a ClientHello that begins these bytes, in one record or more, is
 * complete; also true when they begin with anything else, which waiting does
 * not mend. */
bool tls_records_have_hello(const uint8_t *bytes, size_t n);

#endif

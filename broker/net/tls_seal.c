/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_seal.h"

#include <openssl/ssl.h>
#include <string.h>

#include "broker/net/tls_link.h"

/* Appends a record to the shared buffer; false when OpenSSL fails. */
static bool seal(struct tls_link *l, const uint8_t *bytes, size_t n)
{
    struct tls_shared *shared = l->shared;
    size_t before = shared->sealed.used, put = 0;
    if (n == 0)
        return true;
    if (SSL_write_ex(l->ssl, bytes, n, &put) != 1)
        return false;
    shared->records[shared->record_count++] = (struct tls_record){
        (uint32_t)(shared->sealed.used - before), (uint32_t)n};
    return true;
}

/* Small pieces are gathered, since a record costs 22 bytes and a microsecond;
 * large ones are sealed where they lie. */
bool tls_seal(struct tls_link *l, const struct iovec *iov, int iovs,
              size_t from, size_t max, size_t *sealed)
{
    enum { RECORD = TLS_SEALED_AT_ONCE };
    uint8_t *plain = l->shared->plain;
    size_t held = 0;
    for (int i = 0; i < iovs && *sealed < max; i++) {
        size_t skipped = from < iov[i].iov_len ? from : iov[i].iov_len;
        from -= skipped;
        const uint8_t *p = (const uint8_t *)iov[i].iov_base + skipped;
        size_t left = iov[i].iov_len - skipped;
        if (left > max - *sealed)
            left = max - *sealed;
        *sealed += left;
        while (left > 0) {
            size_t n = left < RECORD - held ? left : RECORD - held;
            if (n == RECORD) {
                if (!seal(l, p, n))
                    return false;
            } else {
                memcpy(plain + held, p, n);
                held += n;
            }
            if (held == RECORD) {
                if (!seal(l, plain, held))
                    return false;
                held = 0;
            }
            p += n;
            left -= n;
        }
    }
    return seal(l, plain, held);
}

size_t tls_seal_written(struct tls_bytes *records, size_t wire_bytes)
{
    struct tls_record *r = (struct tls_record *)(void *)records->bytes;
    size_t count = records->used / sizeof *r, whole = 0, bytes = 0;
    while (whole < count && r[whole].wire_bytes <= wire_bytes) {
        wire_bytes -= r[whole].wire_bytes;
        bytes += r[whole++].bytes;
    }
    if (whole < count)
        r[whole].wire_bytes -= (uint32_t)wire_bytes;
    tls_bytes_remove(records, whole * sizeof *r);
    return bytes;
}

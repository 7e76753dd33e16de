/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_records.h"

enum { MAJOR_VERSION = 3 }; /* from SSL 3.0 to TLS 1.3 */

static size_t length_of(const uint8_t *head)
{
    return (size_t)head[3] << 8 | head[4];
}

ssize_t tls_records_whole(const uint8_t *bytes, size_t n)
{
    size_t at = 0;
    while (n - at >= TLS_RECORD_HEAD) {
        size_t length = length_of(bytes + at);
        if (length > TLS_RECORD_MAX || bytes[at + 1] != MAJOR_VERSION)
            return at > 0 ? (ssize_t)at : -1;
        if (n - at < TLS_RECORD_HEAD + length)
            break;
        at += TLS_RECORD_HEAD + length;
    }
    return (ssize_t)at;
}

/* A handshake message is a type, three octets of length, and as many more; its
 * head, too, may be cut by records. */
bool tls_records_have_hello(const uint8_t *bytes, size_t n)
{
    enum { HANDSHAKE = 0x16, CLIENT_HELLO = 1, HEAD = 4 };
    uint8_t head[HEAD];
    size_t at = 0, got = 0;
    while (n - at >= TLS_RECORD_HEAD) {
        size_t length = length_of(bytes + at);
        if (bytes[at] != HANDSHAKE || length == 0 || length > TLS_RECORD_MAX)
            return true;
        at += TLS_RECORD_HEAD;
        if (n - at < length)
            return false;
        for (size_t i = 0; i < length && got + i < HEAD; i++)
            head[got + i] = bytes[at + i];
        got += length;
        at += length;
        if (head[0] != CLIENT_HELLO)
            return true;
        if (got >= HEAD && got - HEAD >= ((size_t)head[1] << 16 |
                                          (size_t)head[2] << 8 | head[3]))
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
#include "client/lib/foreign.h"

#include <string.h>

enum { FOREIGN_BYTES = 4 };

struct foreign {
    const char *protocol;
    const char *bytes;
    size_t length;
    const char *hint; /* where sluiced itself speaks it; "" when nowhere */
};

static const char foreign_at_http[] = ", as sluiced does at its --http";
static const char foreign_at_feed[] = ", as sluiced does at its --monitor-bind";

static const char foreign_in_tls[] =
    "; a broker behind it is reached with tls: before the address";

static const struct foreign foreigners[] = {
    {"HTTP", "HTTP", 4, foreign_at_http},
    {"TLS", "\x15\x03", 2, foreign_in_tls},
    {"TLS", "\x16\x03", 2, foreign_in_tls},
    {"SSH", "SSH-", 4, ""},
    {"the protocol of NATS", "INFO", 4, ""},
    {"the protocol of Redis", "-ERR", 4, ""},
    {"the protocol of Redis", "-NOA", 4, ""}, /* -NOAUTH */
    {"the protocol of Redis", "-DEN", 4, ""}, /* -DENIED */
    {"ZeroMQ", "\xff\0\0\0", 4, foreign_at_feed},
    {"AMQP", "AMQP", 4, ""},
    {"the protocol of beanstalkd", "UNKN", 4, ""}, /* UNKNOWN_COMMAND */
    {"the protocol of beanstalkd", "BAD_", 4, ""}, /* BAD_FORMAT */
    {"the protocol of memcached", "ERRO", 4, ""},
    {"SMTP or FTP", "220 ", 4, ""},
    {"SMTP or FTP", "220-", 4, ""},
    {"IMAP", "* OK", 4, ""},
    {"POP3", "+OK ", 4, ""},
};

bool sluice_foreign_find(const uint8_t *bytes, size_t n,
                         struct sluice_failure *why)
{
    size_t count = sizeof foreigners / sizeof *foreigners;
    for (size_t i = 0; i < count && n >= FOREIGN_BYTES; i++) {
        const struct foreign *row = &foreigners[i];
        if (memcmp(bytes, row->bytes, row->length) != 0)
            continue;
        (void)sluice_failure_set(
            why, SLUICE_FOREIGN,
            "the server is not a sluice broker: it speaks %s%s", row->protocol,
            row->hint);
        return true;
    }
    return false;
}

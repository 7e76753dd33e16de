/* SPDX-License-Identifier: MIT
 *
 * Request and reply as clients of NATS do it: all replies come to one
 * subscription, and each request has a subject of its own below it.
 */
#include "tests/bench/load/asker.h"
#include "tests/bench/load/dialect.h"
#include "tests/bench/load/link.h"

#include <stdio.h>
#include <string.h>

#define CONNECT "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
#define SERVICE "svc.bench"
#define INBOX   "_INBOX.JmDVvUvzyXw4jWiGPAsTMR"

static void nats_open(struct asker_end *e, uint16_t port, const char *words)
{
    e->fd = link_connect(port);
    if (!dialect_hear(e->fd, "\r\n"))
        link_die("NATS does not greet");
    link_say(e->fd, words, strlen(words));
    if (!dialect_hear(e->fd, "PONG\r\n"))
        link_die("NATS does not answer");
}

void asker_open_nats(struct asker *a)
{
    nats_open(&a->client, a->port, CONNECT "SUB " INBOX ".* 1\r\nPING\r\n");
    nats_open(&a->other, a->port, CONNECT "SUB " SERVICE " 1\r\nPING\r\n");
}

/* Waits for a message with a body of a->size and leaves its line in `line`.
 * The server's own PING is ignored, which it bears for two minutes. */
static void nats_hear(const struct asker *a, struct asker_end *e, char *line,
                      size_t room)
{
    for (;;) {
        const uint8_t *at = e->bytes + e->taken;
        const uint8_t *end = memchr(at, '\n', e->used - e->taken);
        size_t n = end ? (size_t)(end - at) + 1 : 0;
        size_t body = end && *at == 'M' ? a->size + 2 : 0;
        if (!end || e->used - e->taken < n + body) {
            asker_hear(e);
            continue;
        }
        e->taken += n + body;
        if (body == 0)
            continue;
        snprintf(line, room, "%.*s", (int)n, (const char *)at);
        return;
    }
}

static void nats_say(const struct asker *a, const struct asker_end *e,
                     const char *head)
{
    uint8_t bytes[ASKER_BYTES];
    int n = snprintf((char *)bytes, sizeof bytes, "%s %u\r\n", head,
                     (unsigned)a->size);
    memset(bytes + n, 'x', a->size);
    memcpy(bytes + n + a->size, "\r\n", 2);
    link_say(e->fd, bytes, (size_t)n + a->size + 2);
}

/* MSG subject id reply size */
static void nats_reply(struct asker *a)
{
    char line[256], reply[128], head[160];
    nats_hear(a, &a->other, line, sizeof line);
    if (sscanf(line, "MSG %*s %*s %127s", reply) != 1)
        link_die("a request has no subject for the reply");
    snprintf(head, sizeof head, "PUB %s", reply);
    nats_say(a, &a->other, head);
}

void asker_request_nats(struct asker *a)
{
    char head[160], line[256];
    snprintf(head, sizeof head, "PUB " SERVICE " " INBOX ".%08u",
             (unsigned)(a->number++ % 100000000));
    nats_say(a, &a->client, head);
    nats_reply(a);
    nats_hear(a, &a->client, line, sizeof line);
}

/* SPDX-License-Identifier: MIT
 *
 * A worker of version 2 that acknowledges, or pings, beside a full queue or
 * beside nothing.
 */
#include "tests/bench/load/asker.h"
#include "tests/bench/load/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define FULL "/queue/full"
#define IDLE "/queue/idle"

static const char *work_queue(const struct asker *a)
{
    return a->is_beside ? FULL : IDLE;
}

/* In a process of its own: publishes until it is stopped. */
static _Noreturn void work_fill(const struct asker *a)
{
    uint8_t bytes[ASKER_BYTES];
    const uint8_t *end = unit_text_put(bytes, "PUB " FULL, a->size);
    int fd = link_connect(a->port);
    unit_text_open(fd);
    for (;;)
        link_say(fd, bytes, (size_t)(end - bytes));
}

static void work_start_fillers(struct asker *a)
{
    for (int i = 0; i < ASKER_FILLERS; i++) {
        a->fillers[i] = fork();
        if (a->fillers[i] < 0)
            link_die("fork");
        if (a->fillers[i] == 0)
            work_fill(a);
    }
}

/* Publishes until a publish of this client has to wait for room. */
static void work_await_full(struct asker *a)
{
    do
        asker_say_unit(&a->client, "PUB " FULL " rid=9", a->size);
    while (asker_hear_any(&a->client, "OK rid=9 ", "HOLD ").head[0] == 'O');
}

/* MSG channel number, and more when it comes again. */
static void work_take(struct asker *a)
{
    struct unit_text unit = asker_hear_unit(&a->client, "MSG ");
    char head[128];
    snprintf(head, sizeof head, "%.*s", (int)unit.head_length, unit.head);
    if (sscanf(head, "MSG %*s %" SCNu64, &a->number) != 1)
        link_die("a message has no number");
}

void asker_open_work(struct asker *a)
{
    char head[128];
    a->client.fd = link_connect(a->port);
    a->other.fd = link_connect(a->port);
    unit_text_open(a->client.fd);
    unit_text_open(a->other.fd);
    snprintf(head, sizeof head, "SUB %s ack=yes rid=1", work_queue(a));
    asker_say_unit(&a->client, head, 0);
    (void)asker_hear_unit(&a->client, "OK rid=1");
    if (!a->is_beside)
        return;
    work_start_fillers(a);
    work_take(a);
    work_await_full(a);
}

/* Beside a full queue the next message follows on each acknowledgement, and
 * the first one is held already. */
void asker_prepare_work(struct asker *a)
{
    if (!a->is_beside)
        asker_say_unit(&a->other, "PUB " IDLE, a->size);
    if (!a->is_beside || a->is_acknowledged)
        work_take(a);
}

void asker_acknowledge(struct asker *a)
{
    char head[128];
    snprintf(head, sizeof head, "ACK %s %" PRIu64 " rid=1", work_queue(a),
             a->number);
    asker_say_unit(&a->client, head, 0);
    (void)asker_hear_unit(&a->client, "OK rid=1");
    a->is_acknowledged = true;
}

void asker_ping(struct asker *a)
{
    asker_say_unit(&a->client, "PING", 0);
    (void)asker_hear_unit(&a->client, "PONG");
}

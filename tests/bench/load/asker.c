/* SPDX-License-Identifier: MIT */
#include "tests/bench/load/asker.h"

#include "tests/bench/load/link.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void asker_prepare_nothing(struct asker *a)
{
    (void)a;
}

static const struct asker_kind kinds[] = {
    {"request", asker_open_request, asker_prepare_nothing, asker_request},
    {"nats-request", asker_open_nats, asker_prepare_nothing,
     asker_request_nats},
    {"ack", asker_open_work, asker_prepare_work, asker_acknowledge},
    {"ping", asker_open_work, asker_prepare_nothing, asker_ping},
};

const struct asker_kind *asker_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

void asker_hear(struct asker_end *e)
{
    memmove(e->bytes, e->bytes + e->taken, e->used - e->taken);
    e->used -= e->taken;
    e->taken = 0;
    ssize_t n = recv(e->fd, e->bytes + e->used, sizeof e->bytes - e->used, 0);
    if (n <= 0)
        link_die("a connection was closed");
    e->used += (size_t)n;
}

static bool asker_begins(const struct unit_text *unit, const char *word)
{
    size_t n = strlen(word);
    return unit->head_length >= n && memcmp(unit->head, word, n) == 0;
}

struct unit_text asker_hear_any(struct asker_end *e, const char *expected,
                                const char *or_else)
{
    struct unit_text unit;
    for (;;) {
        while (!unit_text_read(&unit, e->bytes + e->taken, e->used - e->taken))
            asker_hear(e);
        e->taken += unit.bytes;
        errno = EPROTO;
        if (asker_begins(&unit, "ERR "))
            link_die(expected);
        if (asker_begins(&unit, expected) || asker_begins(&unit, or_else))
            return unit;
    }
}

struct unit_text asker_hear_unit(struct asker_end *e, const char *expected)
{
    return asker_hear_any(e, expected, expected);
}

void asker_say_unit(const struct asker_end *e, const char *head, uint32_t size)
{
    uint8_t bytes[ASKER_BYTES];
    link_say(e->fd, bytes, (size_t)(unit_text_put(bytes, head, size) - bytes));
}

void asker_close(const struct asker *a)
{
    for (int i = 0; i < ASKER_FILLERS && a->fillers[i] > 0; i++) {
        (void)kill(a->fillers[i], SIGKILL);
        (void)waitpid(a->fillers[i], NULL, 0);
    }
}

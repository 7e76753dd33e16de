/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/actor.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/units_sim/body.h"
#include "tests/unit/units_sim/census.h"
#include "tests/unit/units_sim/works.h"
#include "tests/unit/virtual_stream.h"

enum { ASKS_LEFT = 48, UNREAD_MAX = 200 << 10, CAPACITY = 6000 };

struct actor *actor_of_serial(struct sim *sim, uint32_t serial)
{
    for (int i = 0; i < ACTORS; i++)
        if (sim->actors[i].is_here && sim->actors[i].serial == serial)
            return &sim->actors[i];
    return NULL;
}

struct actor *actor_of_wire(struct sim *sim, int wire)
{
    for (int i = 0; i < ACTORS; i++)
        if (sim->actors[i].is_here && sim->actors[i].wire == wire)
            return &sim->actors[i];
    return NULL;
}

bool actor_may_say(const struct actor *a)
{
    return a->is_here && !a->is_leaving && !a->has_bye && !a->is_doomed &&
           virtual_is_open(a->wire) &&
           a->next_ask - a->first_ask < ASKS - ASKS_LEFT &&
           virtual_unread(a->wire) < UNREAD_MAX;
}

static void put_length(uint8_t *out, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(n >> (24 - 8 * i));
}

static void say_frame(struct actor *a, const void *bytes, uint32_t n)
{
    uint8_t length[4];
    put_length(length, n);
    virtual_send(a->wire, length, sizeof length);
    virtual_send(a->wire, bytes, n);
    a->sent += sizeof length + n;
}

/* Those in front that nothing more can happen to are forgotten. */
static void forget_asks(struct actor *a)
{
    while (a->first_ask != a->next_ask) {
        const struct ask *ask = actor_ask_at(a, a->first_ask);
        if (!ask->is_answered || !ask->was_read)
            return;
        a->first_ask++;
    }
}

static struct ask *new_ask(struct actor *a, enum ask_kind kind)
{
    forget_asks(a);
    struct ask *ask = actor_ask_at(a, a->next_ask++);
    *ask = (struct ask){.kind = (uint8_t)kind, .is_answered = true};
    return ask;
}

void actor_connect(struct sim *sim, struct actor *a, uint8_t version,
                   int channel)
{
    const struct sockaddr peer = {.sa_family = AF_UNIX};
    int wire = virtual_wire(500 + chance(sim, CAPACITY));
    *a = (struct actor){.is_here = true, .version = version, .wire = wire};
    a->serial = ++sim->serials;
    a->read_at = virtual_now();
    a->appetite = once_in(sim, 4) ? chance(sim, 300) : 100000;
    a->uses_wildcards = once_in(sim, 3);
    a->channel = channel;
    if (sim->mood.is_cut && once_in(sim, 2))
        virtual_cut(wire, 1 + chance(sim, once_in(sim, 2) ? 20 : 2000));
    if (once_in(sim, 3))
        virtual_seal(wire, 1 + chance(sim, once_in(sim, 2) ? 40 : 1000));
    clients_add(&sim->house.clients, wire, &peer, sizeof peer.sa_family,
                demands_none());
    if (version == 1) {
        const char *name = channel < 0 ? "/null" : names[channel].octets;
        say_frame(a, name, (uint32_t)strlen(name));
        a->hello_end = a->sent;
    } else {
        static const char *const openings[] = {
            "\0SLUICE/2", "\0SLUICE/2 name=sim", "\0SLUICE/2 ping=2s",
            "\0SLUICE/2 ping=0s ?new=1"};
        static const uint32_t periods[] = {PING_MS, PING_MS, 2000, 0};
        uint32_t which = chance(sim, 4);
        const char *opening = openings[which];
        a->ping_ms = periods[which];
        say_frame(a, opening, 1 + (uint32_t)strlen(opening + 1));
        say_frame(a, "", 0);
    }
    census_changed(sim);
}

struct ask *actor_say(struct sim *sim, struct actor *a, enum ask_kind kind,
                      bool has_rid, const char *head, const void *body,
                      uint32_t n)
{
    char text[1024];
    struct ask *ask = new_ask(a, kind);
    (void)sim;
    if (has_rid) {
        ask->rid = ++a->rids;
        ask->is_answered = false;
    }
    int length = has_rid ? snprintf(text, sizeof text, "%s rid=%u", head,
                                    (unsigned)ask->rid)
                         : snprintf(text, sizeof text, "%s", head);
    say_frame(a, text, (uint32_t)length);
    say_frame(a, body, n);
    ask->end = a->sent;
    return ask;
}

void actor_flood(struct actor *a, int times)
{
    static const char ping[] =
        "PING 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (int i = 0; i < times; i++) {
        say_frame(a, ping, sizeof ping - 1);
        say_frame(a, "", 0);
    }
    a->pongs_due += (uint32_t)times;
}

struct ask *actor_publish(struct sim *sim, struct actor *a, int channel,
                          uint32_t length, enum ask_kind kind, bool has_rid,
                          const char *options)
{
    static uint8_t body[MAX_FRAME];
    char head[600];
    struct ask *ask;
    uint32_t id = body_new(sim, a, channel, length, kind == ASK_REQ);
    body_write(sim, id, body);
    if (a->version == 1) {
        const char *name = names[channel].octets;
        say_frame(a, name, (uint32_t)strlen(name));
        say_frame(a, body, length);
        ask = new_ask(a, kind);
        ask->end = a->sent;
    } else {
        bool is_implicit = kind == ASK_PUB && names[channel].octets[0] == '/' &&
                           once_in(sim, 2);
        (void)snprintf(head, sizeof head, "%s%s%s",
                       kind == ASK_REQ ? "REQ "
                       : is_implicit   ? ""
                                       : "PUB ",
                       names[channel].spelled, options);
        ask = actor_say(sim, a, kind, has_rid, head, body, length);
    }
    ask->what = (uint8_t)channel;
    ask->message = id;
    sim->unsure[channel] += kind == ASK_REQ;
    census_begin(sim, ask);
    return ask;
}

void actor_end(struct sim *sim, struct actor *a, int how)
{
    virtual_end(a->wire, (enum virtual_end)how);
    a->is_leaving = true;
    a->is_broken |= how > VIRTUAL_HALF;
    census_changed(sim);
}

static void note_read(struct sim *sim, struct actor *a, struct ask *ask)
{
    ask->was_read = true;
    ask->read_at = virtual_now();
    ask->read_turn = sim->turns;
    if (ask->kind == ASK_PUB && a->version == 1)
        message_at(sim, ask->message)->was_taken = true;
    if (ask->kind == ASK_NAK || ask->kind == ASK_TOUCH)
        works_note_read(sim, a, ask);
}

void actor_note_reads(struct sim *sim)
{
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &sim->actors[i];
        if (!a->is_here)
            continue;
        uint64_t was_read = virtual_was_read(a->wire);
        if (was_read != a->was_read)
            a->read_at = virtual_now();
        a->was_read = was_read;
        for (; a->next_read != a->next_ask; a->next_read++) {
            struct ask *ask = actor_ask_at(a, a->next_read);
            if (ask->end > was_read)
                break;
            note_read(sim, a, ask);
        }
    }
}

struct ask *actor_find_ask(struct actor *a, uint32_t rid)
{
    for (uint32_t i = a->first_ask; i != a->next_ask; i++) {
        struct ask *ask = actor_ask_at(a, i);
        if (ask->rid == rid && rid > 0)
            return ask->is_answered ? NULL : ask;
    }
    return NULL;
}

void actor_each_ask(struct sim *sim, struct actor *a,
                    void (*visit)(struct sim *sim, struct actor *a,
                                  struct ask *ask))
{
    for (uint32_t i = a->first_ask; i != a->next_ask; i++)
        visit(sim, a, actor_ask_at(a, i));
}

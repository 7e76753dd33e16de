/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/session/state.h"
#include "tests/unit/unit.h"

enum { LENGTH = 4, PING_MS = 20000, PATIENCE_MS = 1000 };

static size_t length_at(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

static void put_length(uint8_t *p, size_t n)
{
    for (int i = 0; i < LENGTH; i++)
        p[i] = (uint8_t)(n >> (24 - 8 * i));
}

/* Hearing. */

static void hear_head(struct unit_ear *e, const uint8_t *head, size_t n)
{
    assert_true(e->text + n + 2 < UNIT_RIG_HEARD);
    memcpy(e->heads + e->text, head, n);
    e->text += n;
    e->heads[e->text++] = '|';
    e->heads[e->text] = '\0';
}

/* Bytes of the unit in front; 0: it is not complete. */
static size_t hear_one(struct unit_ear *e)
{
    if (e->bytes < LENGTH)
        return 0;
    size_t head = LENGTH + length_at(e->octets);
    if (e->bytes < head + LENGTH)
        return 0;
    size_t unit = head + LENGTH + length_at(e->octets + head);
    if (e->bytes < unit)
        return 0;
    hear_head(e, e->octets + LENGTH, head - LENGTH);
    return unit;
}

static void on_written(void *arg, int wire, const uint8_t *bytes, size_t n)
{
    struct unit_rig *r = arg;
    struct unit_ear *e = &r->ears[wire];
    size_t took;
    while (n > 0) { /* a piece at a time: there may be more than fits */
        size_t room = UNIT_RIG_MAX - e->bytes, part = n < room ? n : room;
        assert_true(part > 0);
        memcpy(e->octets + e->bytes, bytes, part);
        e->bytes += part;
        bytes += part;
        n -= part;
        while ((took = hear_one(e)) > 0) {
            e->bytes -= took;
            memmove(e->octets, e->octets + took, e->bytes);
        }
    }
}

static void on_closed(void *arg, int wire)
{
    struct unit_ear *e = &((struct unit_rig *)arg)->ears[wire];
    e->heads[e->text++] = '$';
    e->heads[e->text] = '\0';
}

const char *unit_rig_heard(struct unit_rig *r, int wire)
{
    static char text[UNIT_RIG_HEARD];
    struct unit_ear *e = &r->ears[wire];
    memcpy(text, e->heads, e->text + 1);
    e->text = 0;
    e->heads[0] = '\0';
    return text;
}

void unit_rig_check(struct unit_rig *r, int wire, const char *expected)
{
    assert_string_equal(unit_rig_heard(r, wire), expected);
}

/* The house. */

int unit_rig_open(void **state)
{
    struct unit_rig *r = calloc(1, sizeof *r);
    const struct virtual_watcher watcher = {on_written, on_closed, r};
    virtual_begin(UINT32_MAX - 5000, 1, &watcher); /* it wraps soon */
    r->log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!house_open(&r->house, r->log_fd))
        return -1;
    struct clients_config config = r->house.clients.config;
    config.ping_ms = PING_MS;
    config.patience_ms = PATIENCE_MS;
    clients_configure(&r->house.clients, &config);
    *state = r;
    return 0;
}

int unit_rig_close(void **state)
{
    struct unit_rig *r = *state;
    house_close(&r->house);
    int left = r->house.budget.used_bytes != 0;
    close(r->log_fd);
    free(r);
    return left;
}

void unit_rig_turns(struct unit_rig *r, int n)
{
    while (n-- > 0) {
        house_turn(&r->house);
        for (int i = 0; i < VIRTUAL_WIRES; i++)
            (void)virtual_take(i, r->appetite[i]);
    }
}

/* In steps, as far as the broker sleeps. */
void unit_rig_pass(struct unit_rig *r, uint32_t ms)
{
    do {
        uint32_t next = virtual_timer_ms(), part = next < ms ? next : ms;
        virtual_set_now(virtual_now() + part);
        ms -= part;
        unit_rig_turns(r, 1);
    } while (ms > 0);
}

/* Clients. */

static int new_wire(struct unit_rig *r, size_t capacity)
{
    const struct sockaddr peer = {.sa_family = AF_UNIX};
    int wire = virtual_wire(capacity);
    assert_true(wire >= 0);
    r->appetite[wire] = SIZE_MAX;
    r->ears[wire].bytes = r->ears[wire].text = 0;
    r->ears[wire].heads[0] = '\0';
    clients_add(&r->house.clients, wire, &peer, sizeof peer.sa_family,
                demands_none());
    return wire;
}

static void put_frame(int wire, const void *bytes, size_t n)
{
    uint8_t length[LENGTH];
    put_length(length, n);
    virtual_send(wire, length, LENGTH);
    virtual_send(wire, bytes, n);
}

void unit_rig_put(struct unit_rig *r, int wire, const char *head, size_t body)
{
    static const uint8_t octets[UNIT_RIG_MAX];
    (void)r;
    put_frame(wire, head, strlen(head));
    put_frame(wire, octets, body);
}

void unit_rig_say(struct unit_rig *r, int wire, const char *head, size_t body)
{
    unit_rig_put(r, wire, head, body);
    unit_rig_turns(r, 1);
}

int unit_rig_client(struct unit_rig *r, const char *options, size_t capacity)
{
    char opening[100] = "?SLUICE/2";
    int wire = new_wire(r, capacity);
    assert_true(strlen(options) < sizeof opening - 10);
    memcpy(opening + 9, options, strlen(options));
    opening[0] = '\0';
    put_frame(wire, opening, 9 + strlen(options));
    put_frame(wire, "", 0);
    unit_rig_turns(r, 2);
    while (virtual_is_full(wire))
        unit_rig_turns(r, 1);
    assert_memory_equal(unit_rig_heard(r, wire), "INFO ", 5);
    return wire;
}

int unit_rig_client_v1(struct unit_rig *r, const char *channel)
{
    int wire = new_wire(r, UNIT_RIG_MAX);
    put_frame(wire, channel, strlen(channel));
    unit_rig_turns(r, 2);
    return wire;
}

struct session *unit_rig_session(struct unit_rig *r, int wire)
{
    LIST_EACH (link, &r->house.clients.list) {
        struct session *s = LIST_OF(link, struct session, link);
        if (s->id == (uint64_t)wire + 1) /* no wire is used twice */
            return s;
    }
    return NULL;
}

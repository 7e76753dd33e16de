/* SPDX-License-Identifier: MIT */
#include "broker/session/units/requests.h"

#include <stdio.h>
#include <string.h>

#include "broker/base/siphash.h"
#include "broker/core/core.h"
#include "broker/core/queue_ended.h"
#include "broker/session/clients.h"
#include "broker/session/session.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/unit.h"

static struct span rid_of(const struct request *r)
{
    return (struct span){r->rid, r->rid_length};
}

bool requests_is_ended(struct clients *all, const uint8_t *text,
                       uint32_t length)
{
    enum { BEFORE = sizeof REQUESTS_TEXT - 1 };
    return length >= BEFORE + REQUESTS_ADDRESS_LENGTH &&
           memcmp(text, REQUESTS_TEXT, BEFORE) == 0 &&
           !map_find(&all->hub->requests, text + BEFORE,
                     REQUESTS_ADDRESS_LENGTH);
}

/* It may still wait in its queue. */
static void requests_give_up(struct request *r)
{
    bool is_routed = !r->parked;
    struct channel *ch = directory_find(&r->session->all->core->directory,
                                        r->name, r->name_length);
    requests_remove(r);
    if (is_routed && ch && channel_is_queue(ch))
        queue_note_ended(ch);
}

/* Nobody has answered in time. */
static void requests_on_alarm(struct hub_alarm *a)
{
    struct request *r = LIST_OF(a, struct request, alarm);
    struct session *s = r->session;
    bool is_answered =
        answer_error(s, UNIT_TIMEOUT, rid_of(r), (struct span){NULL, 0});
    requests_give_up(r);
    if (!is_answered)
        session_close(s, REASON_NO_MEMORY);
}

/* As many random bits as nobody can try. */
static void requests_make_address(char out[REQUESTS_ADDRESS_LENGTH])
{
    struct siphash_key random = siphash_key_random();
    char text[REQUESTS_ADDRESS_LENGTH + 1];
    (void)snprintf(text, sizeof text, "%016llx%016llx",
                   (unsigned long long)random.k0,
                   (unsigned long long)random.k1);
    memcpy(out, text, REQUESTS_ADDRESS_LENGTH);
}

static size_t requests_bytes(size_t name_length)
{
    return sizeof(struct request) + name_length;
}

struct request *requests_add(struct session *s, const struct unit *unit,
                             uint32_t timeout_ms)
{
    struct unit_hub *hub = units_hub(s);
    struct units *u = units_obtain(s);
    struct span rid = unit->head.rid;
    size_t bytes = requests_bytes(unit->name_length);
    struct request *r = u ? budget_zalloc(s->all->budget, bytes) : NULL;
    if (!r)
        return NULL;
    r->name_length = (uint8_t)unit->name_length;
    memcpy(r->name, unit->name, unit->name_length);
    requests_make_address(r->address);
    r->node.length = REQUESTS_ADDRESS_LENGTH;
    r->node.offset = offsetof(struct request, address);
    if (!map_insert(&hub->requests, &r->node)) {
        budget_free(s->all->budget, r, bytes);
        return NULL;
    }
    r->session = s;
    r->rid_length = (uint8_t)rid.length;
    memcpy(r->rid, rid.text, rid.length);
    list_insert(&u->requests, &r->link);
    u->request_count++;
    alarm_init(&r->alarm.alarm);
    r->alarm.ring = requests_on_alarm;
    hub_set_alarm(hub, &r->alarm, timeout_ms);
    return r;
}

struct request *requests_find(const struct session *s, struct span address)
{
    struct map_node *node =
        map_find(&units_hub(s)->requests, address.text + 1, address.length - 1);
    return node ? LIST_OF(node, struct request, node) : NULL;
}

uint32_t requests_count(const struct session *s)
{
    return s->units ? s->units->request_count : 0;
}

void requests_remove(struct request *r)
{
    struct session *s = r->session;
    if (r->parked)
        parked_remove(r->parked);
    if (r->reply)
        r->reply->end(r->reply);
    hub_cancel_alarm(units_hub(s), &r->alarm);
    map_remove(&units_hub(s)->requests, &r->node);
    list_remove(&r->link);
    s->units->request_count--;
    budget_free(s->all->budget, r, requests_bytes(r->name_length));
}

bool requests_end(struct session *s, bool is_answered)
{
    bool is_ok = true;
    struct list *link;
    while (s->units &&
           (link = s->units->requests.next) != &s->units->requests) {
        struct request *r = LIST_OF(link, struct request, link);
        if (is_answered && is_ok)
            is_ok =
                answer_error(s, UNIT_GONE, rid_of(r), (struct span){NULL, 0});
        requests_give_up(r);
    }
    return is_ok;
}

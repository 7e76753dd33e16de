/* SPDX-License-Identifier: MIT */
#include "broker/session/units/parked.h"

#include <string.h>

#include "broker/base/counters.h"
#include "broker/core/channel.h"
#include "broker/core/core.h"
#include "broker/net/reactor.h"
#include "broker/session/identity.h"
#include "broker/session/notice.h"
#include "broker/session/session.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/requests.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"

static size_t parked_unit_bytes(const struct parked_unit *p)
{
    return sizeof *p + unit_kept_bytes(&p->kept);
}

static uint64_t parked_bound(const struct session *s)
{
    uint64_t most = s->all->config.hold_bytes;
    return budget_is_short(s->all->budget) || identity_is_full(s)
               ? most / PARKED_SHORT_PART
               : most;
}

/* Holding. */

/* A client that leaves publishes nothing more. */
static bool parked_hold(struct parked *line)
{
    struct session *s = line->session;
    if (line->is_told || list_is_empty(&line->units) ||
        s->units->end != UNITS_GOES_ON)
        return true;
    line->is_told = true;
    hub_cancel_alarm(units_hub(s), &line->alarm);
    counter_add(s->all->counters, COUNT_holds, 1);
    notice_held(s, parked_name(line), line->name_length,
                s->units->parked_bytes);
    return answer_hold(s, parked_name(line), line->name_length);
}

static bool parked_hold_all(struct session *s)
{
    bool is_ok = true;
    LIST_EACH (link, &s->units->parked)
        is_ok &= parked_hold(LIST_OF(link, struct parked, link));
    return is_ok;
}

/* Those that were parked when the alarm was set may have been let through. */
static void parked_on_alarm(struct hub_alarm *a)
{
    struct parked *line = LIST_OF(a, struct parked, alarm);
    struct session *s = line->session;
    const struct parked_unit *first = parked_first(line);
    if (!first)
        return;
    uint32_t waited_ms =
        clock_elapsed_ms(reactor_now_ms(s->all->reactor), first->since);
    if (waited_ms < PARKED_HOLD_MS)
        hub_set_alarm(units_hub(s), a, PARKED_HOLD_MS - waited_ms);
    else if (!parked_hold(line))
        session_close(s, REASON_NO_MEMORY);
}

/* Lines. */

static uint16_t parked_make_key(uint8_t *key, const struct session *s,
                                const uint8_t *name, size_t length)
{
    memcpy(key, &s->id, PARKED_KEY_ID);
    memcpy(key + PARKED_KEY_ID, name, length);
    return (uint16_t)(PARKED_KEY_ID + length);
}

static struct parked *parked_new(struct session *s, const struct unit *u)
{
    struct parked *line = budget_zalloc(s->all->budget, sizeof *line);
    if (!line)
        return NULL;
    line->node.length = parked_make_key(line->key, s, u->name, u->name_length);
    line->node.offset = offsetof(struct parked, key);
    if (!map_insert(&units_hub(s)->parked, &line->node)) {
        budget_free(s->all->budget, line, sizeof *line);
        return NULL;
    }
    line->name_length = (uint8_t)u->name_length;
    line->session = s;
    publisher_init(&line->pub);
    line->pub.kind = s->kind;
    line->pub.is_line = true;
    list_init(&line->units);
    alarm_init(&line->alarm.alarm);
    line->alarm.ring = parked_on_alarm;
    list_insert(&s->units->parked, &line->link);
    return line;
}

/* NULL when there is none. */
static struct parked *parked_find(const struct session *s, const uint8_t *name,
                                  size_t length)
{
    uint8_t key[PARKED_KEY_ID + CHANNEL_NAME_MAX];
    uint16_t key_length = parked_make_key(key, s, name, length);
    struct map_node *node = map_find(&units_hub(s)->parked, key, key_length);
    return node ? LIST_OF(node, struct parked, node) : NULL;
}

static struct parked *parked_obtain(struct session *s, const struct unit *u)
{
    struct parked *line = parked_find(s, u->name, u->name_length);
    return line ? line : parked_new(s, u);
}

bool parked_is_told(const struct session *s, const uint8_t *name,
                    uint32_t length)
{
    const struct parked *line = parked_find(s, name, length);
    return line && line->is_told;
}

static void parked_free(struct parked *line)
{
    struct session *s = line->session;
    publisher_forget(&line->pub);
    hub_cancel_alarm(units_hub(s), &line->alarm);
    map_remove(&units_hub(s)->parked, &line->node);
    list_remove(&line->link);
    budget_free(s->all->budget, line, sizeof *line);
}

/* Units. */

static struct parked_unit *parked_unit_new(struct session *s,
                                           const struct unit *u)
{
    const struct parked_unit size = {.kept = unit_kept_of(u)};
    struct parked_unit *p =
        budget_alloc(s->all->budget, parked_unit_bytes(&size));
    if (!p)
        return NULL;
    *p = size;
    p->since = reactor_now_ms(s->all->reactor);
    unit_kept_copy(&p->kept, p->bytes, u, &units_hub(s)->account);
    return p;
}

bool parked_charge(struct session *s, uint64_t bytes)
{
    struct units *own = s->units;
    own->parked_bytes += bytes;
    counter_add(s->all->counters, COUNT_parked_bytes, bytes);
    own->is_held_back = own->parked_bytes > parked_bound(s);
    return !own->is_held_back || parked_hold_all(s);
}

void parked_refund(struct session *s, uint64_t bytes)
{
    struct units *own = s->units;
    own->parked_bytes -= bytes;
    counter_sub(s->all->counters, COUNT_parked_bytes, bytes);
    own->is_held_back =
        own->is_held_back && own->parked_bytes > parked_bound(s);
}

bool parked_add(struct session *s, const struct unit *u, struct channel *ch,
                struct request *r)
{
    struct units *own = units_obtain(s);
    struct parked *line = own ? parked_obtain(s, u) : NULL;
    struct parked_unit *p = line ? parked_unit_new(s, u) : NULL;
    if (!p)
        return false;
    p->line = line;
    p->request = r;
    if (r)
        r->parked = p;
    list_insert(&line->units, &p->link);
    line->pub.bytes_in += (uint32_t)unit_kept_size(&p->kept);
    own->parked_count++;
    counter_add(s->all->counters, COUNT_parked_messages, 1);
    publisher_wait(&line->pub, ch, false);
    if (!publisher_is_waiting(&line->pub)) {
        (void)parked_charge(s, unit_kept_size(&p->kept));
        return false;
    }
    if (!line->is_told && !alarm_is_set(&line->alarm.alarm))
        hub_set_alarm(units_hub(s), &line->alarm, PARKED_HOLD_MS);
    return parked_charge(s, unit_kept_size(&p->kept));
}

struct parked_unit *parked_first(const struct parked *line)
{
    return list_is_empty(&line->units)
               ? NULL
               : LIST_OF(line->units.next, struct parked_unit, link);
}

void parked_read(struct parked_unit *p, struct unit *out)
{
    const struct parked *line = p->line;
    unit_kept_read(&p->kept, p->bytes, out);
    out->parked = p;
    out->name_length = line->name_length;
    memcpy(out->name, parked_name(line), line->name_length);
}

static void parked_unit_free(struct parked_unit *p)
{
    struct session *s = p->line->session;
    s->units->parked_count--;
    p->line->pub.bytes_in -= (uint32_t)unit_kept_size(&p->kept);
    parked_refund(s, unit_kept_size(&p->kept));
    if (p->request)
        p->request->parked = NULL;
    list_remove(&p->link);
    size_t bytes = parked_unit_bytes(p);
    unit_kept_drop(&p->kept);
    budget_free(s->all->budget, p, bytes);
}

void parked_remove(struct parked_unit *p)
{
    struct parked *line = p->line;
    struct units *own = line->session->units;
    parked_unit_free(p);
    if (list_is_empty(&line->units) && !line->is_told && !line->is_passing)
        parked_free(line);
    units_write_later(own); /* it may be what an end waits for */
}

/* Being let through. */

struct channel *parked_channel(const struct parked *line)
{
    return directory_find(&line->session->all->core->directory,
                          parked_name(line), line->name_length);
}

/* Its units wait at a gate or nowhere: units that are read now would overtake
 * them. */
bool parked_wait(struct parked *line, bool is_first)
{
    struct channel *ch = directory_obtain(&line->session->all->core->directory,
                                          parked_name(line), line->name_length);
    line->is_passing = false;
    if (ch)
        publisher_wait(&line->pub, ch, is_first);
    return publisher_is_waiting(&line->pub);
}

bool parked_go(struct parked *line)
{
    struct session *s = line->session;
    bool is_ok = !line->is_told || s->units->end != UNITS_GOES_ON ||
                 answer_go(s, parked_name(line), line->name_length);
    parked_free(line);
    return is_ok;
}

/* Ends. */

static void parked_on_leave_timeout(struct hub_alarm *a)
{
    struct session *s = LIST_OF(a, struct parked, alarm)->session;
    if (!parked_refuse(s))
        session_close(s, REASON_NO_MEMORY);
}

void parked_leave(struct session *s)
{
    LIST_EACH_SAFE (link, &s->units->parked) {
        struct parked *line = LIST_OF(link, struct parked, link);
        line->is_told = false;
        line->alarm.ring = parked_on_leave_timeout;
        if (list_is_empty(&line->units))
            parked_free(line);
        else
            hub_set_alarm(units_hub(s), &line->alarm, s->all->config.leave_ms);
    }
}

static bool parked_refuse_unit(struct session *s, const struct parked_unit *p)
{
    struct head head;
    (void)head_parse(&head, p->bytes, p->kept.head_length);
    return head.rid.length == 0 ||
           answer_error(s, UNIT_DRAINING, head.rid, head.word);
}

/* The line is freed as well. */
static bool parked_drop_line(struct parked *line, bool is_answered)
{
    struct session *s = line->session;
    struct parked_unit *p;
    bool is_ok = true;
    while ((p = parked_first(line)) != NULL) {
        if (is_answered && is_ok)
            is_ok = parked_refuse_unit(s, p);
        counter_add(s->all->counters, COUNT_dropped_parked, 1);
        parked_unit_free(p);
    }
    parked_free(line);
    return is_ok;
}

static bool parked_drop(struct session *s, bool is_answered)
{
    bool is_ok = true;
    if (!s->units)
        return true;
    LIST_EACH_SAFE (link, &s->units->parked)
        is_ok &= parked_drop_line(LIST_OF(link, struct parked, link),
                                  is_answered && is_ok);
    return is_ok;
}

bool parked_refuse(struct session *s)
{
    units_write_later(s->units);
    return parked_drop(s, true);
}

static bool parked_refuse_synced_unit(struct parked_unit *p,
                                      enum unit_error error)
{
    struct session *s = p->line->session;
    struct head head;
    if (head_parse(&head, p->bytes, p->kept.head_length) != UNIT_OK ||
        !head_wants_sync(&head))
        return true;
    bool is_ok = answer_error(s, error, head.rid, head.word);
    if (error == UNIT_FULL)
        counter_add(s->all->counters, COUNT_journal_refused_messages, 1);
    parked_remove(p);
    return is_ok;
}

/* The line goes with its last unit. */
static bool parked_refuse_synced_line(struct parked *line,
                                      enum unit_error error)
{
    const struct core *core = line->session->all->core;
    bool is_ok = true, is_last = list_is_empty(&line->units);
    if (!core_is_durable(core, parked_name(line), line->name_length))
        return true;
    for (struct list *link = line->units.next, *next; !is_last; link = next) {
        next = link->next;
        is_last = next == &line->units;
        is_ok &= parked_refuse_synced_unit(
            LIST_OF(link, struct parked_unit, link), error);
    }
    return is_ok;
}

bool parked_refuse_synced(struct session *s, enum unit_error error)
{
    bool is_ok = true;
    LIST_EACH_SAFE (link, &s->units->parked)
        is_ok &= parked_refuse_synced_line(LIST_OF(link, struct parked, link),
                                           error);
    return is_ok;
}

void parked_end(struct session *s)
{
    (void)parked_drop(s, false);
}

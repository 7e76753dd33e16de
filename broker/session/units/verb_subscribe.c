/* SPDX-License-Identifier: MIT */
#include "broker/session/units/verb_subscribe.h"

#include <string.h>

#include "broker/core/name_class.h"
#include "broker/net/stream.h"
#include "broker/session/clients.h"
#include "broker/session/guest.h"
#include "broker/session/identity.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/sweep.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "broker/session/units/wildcards.h"

static struct verdict no_memory(void)
{
    return verdict_close(REASON_NO_MEMORY);
}

static struct verdict verdict_of(bool is_answered)
{
    return is_answered ? verdict(VERDICT_GO_ON) : no_memory();
}

static uint32_t subscriptions_of(const struct session *s)
{
    const struct units *u = s->units;
    return lanes_exact(s) + (u ? u->wildcard_count + u->reads_null : 0);
}

enum unit_error verb_subscribe_check(struct session *s, struct unit *u)
{
    const uint32_t work = UNIT_BIT(ack) | UNIT_BIT(credit) | UNIT_BIT(wait);
    uint64_t is_acked = 0;
    if (!pattern_read(&u->pattern, u->head.arguments[0]))
        return UNIT_BAD_CHANNEL;
    if ((u->head.options & work) != 0 && u->pattern.world != PATTERN_QUEUES)
        return UNIT_BAD_OPTION;
    if (head_has(&u->head, UNIT_OPTION_ack))
        (void)unit_option_read(UNIT_OPTION_ack, u->head.values[UNIT_OPTION_ack],
                               &is_acked);
    if (!is_acked && (u->head.options & (work & ~UNIT_BIT(ack))) != 0)
        return UNIT_BAD_OPTION;
    if (s->is_draining)
        return UNIT_DRAINING;
    if (!identity_may_subscribe(s, &u->pattern))
        return UNIT_DENIED;
    if (subscriptions_of(s) >= s->all->config.subscriptions_max)
        return UNIT_LIMIT;
    return UNIT_OK;
}

static uint32_t value_of(const struct unit *u, enum unit_option option,
                         uint32_t otherwise)
{
    uint64_t number = otherwise;
    if (head_has(&u->head, option))
        (void)unit_option_read(option, u->head.values[option], &number);
    return (uint32_t)number;
}

/* What is handed to it of a queue is held until it is acknowledged; NULL when
 * it is not. False without memory. */
static bool make_worker(struct session *s, const struct unit *u,
                        struct worker **worker)
{
    *worker = NULL;
    /* Bytes unsent in the kernel are held in advance, too. */
    if (u->pattern.world == PATTERN_QUEUES) {
        stream_limit_unsent(s->stream, core_prefetch_bytes(s->all->core));
        guest_settle(s);
    }
    if (!value_of(u, UNIT_OPTION_ack, 0))
        return true;
    *worker = lanes_new_worker(s, value_of(u, UNIT_OPTION_credit, 1),
                               value_of(u, UNIT_OPTION_wait, 0));
    return *worker != NULL;
}

static struct subscriber *
subscribe_lane(struct session *s, const struct unit *u, struct channel *ch)
{
    struct worker *worker;
    if (!make_worker(s, u, &worker))
        return NULL;
    struct subscriber *lane = lanes_join(s, ch, worker);
    lanes_drop_worker(s, worker);
    return lane;
}

/* It is a subscription like any other, but nothing ever comes. */
static struct verdict subscribe_null(struct session *s, struct unit *u)
{
    struct units *own = units_obtain(s);
    if (!own)
        return unit_refuse(s, &u->head, UNIT_LIMIT);
    if (own->reads_null)
        return unit_refuse(s, &u->head, UNIT_EXISTS);
    own->reads_null = true;
    return verdict_of(answer_ok_number(s, u->head.rid, 0));
}

static struct verdict subscribe_exact(struct session *s, struct unit *u)
{
    const struct pattern *p = &u->pattern;
    enum name_class name_class = name_class_of(p->octets, p->length);
    if (name_class == NAME_NULL)
        return subscribe_null(s, u);
    /* A new channel may get a lane of this session by a wildcard. */
    struct channel *ch =
        directory_obtain(&s->all->core->directory, p->octets, p->length);
    if (!ch)
        return unit_refuse(s, &u->head,
                           core_refusal(s->all->core) == REFUSAL_STORE_FAILED
                               ? UNIT_DISK
                               : UNIT_LIMIT);
    struct subscriber *lane = lanes_in(s, ch);
    if (lane && lane->is_exact)
        return unit_refuse(s, &u->head, UNIT_EXISTS);
    if (!lane)
        lane = subscribe_lane(s, u, ch);
    channel_touch(ch); /* it may be new, and for nobody */
    if (!lane)
        return unit_refuse(s, &u->head,
                           lanes_are_over(s) ? UNIT_OVERRUN : UNIT_LIMIT);
    lanes_set_exact(s, lane, true);
    return verdict_of(
        name_class == NAME_QUEUE
            ? answer_ok(s, u->head.rid)
            : answer_ok_number(s, u->head.rid, lanes_number(s, lane)));
}

/* The answer is given when nothing is left that it has to follow. */
static struct barrier *answer_later(struct session *s, const struct unit *u)
{
    struct units *own = units_obtain(s);
    if (!own)
        return NULL;
    own->barrier = (struct barrier){.is_set = true,
                                    .rid_length = (uint8_t)u->head.rid.length};
    if (u->head.rid.length > 0)
        memcpy(own->barrier.rid, u->head.rid.text, u->head.rid.length);
    units_write_later(own);
    return &own->barrier;
}

static struct verdict subscribe_wildcard(struct session *s, struct unit *u)
{
    struct worker *worker;
    if (wildcards_find(s, &u->pattern))
        return unit_refuse(s, &u->head, UNIT_EXISTS);
    if (!make_worker(s, u, &worker))
        return unit_refuse(s, &u->head, UNIT_LIMIT);
    if (!wildcards_add(s, &u->pattern, worker)) {
        lanes_drop_worker(s, worker);
        return unit_refuse(s, &u->head, UNIT_LIMIT);
    }
    sweep_begin(units_hub(s));
    if (!s->units->changing)
        return unit_done(s, &u->head);
    answer_later(s, u)->is_working = true;
    return verdict(VERDICT_GO_ON);
}

struct verdict verb_subscribe_run(struct session *s, struct unit *u)
{
    return u->pattern.is_exact ? subscribe_exact(s, u)
                               : subscribe_wildcard(s, u);
}

enum unit_error verb_unsubscribe_check(struct session *s, struct unit *u)
{
    (void)s;
    return pattern_read(&u->pattern, u->head.arguments[0]) ? UNIT_OK
                                                           : UNIT_BAD_CHANNEL;
}

static struct verdict unsubscribe_exact(struct session *s, struct unit *u,
                                        struct subscriber *lane)
{
    struct channel *ch = lane->channel;
    bool is_queue = channel_is_queue(ch), waits = false;
    lanes_set_exact(s, lane, false);
    channel_flush(ch);
    uint64_t number = channel_last_number(ch);
    if (lane->matches == 0) {
        if (!lanes_finish(s, lane, &waits))
            return no_memory();
    } else if (!is_queue) { /* it goes on for a wildcard */
        waits = lanes_mark(lane);
    }
    if (is_queue)
        return unit_done(s, &u->head);
    if (!waits)
        return verdict_of(answer_ok_number(s, u->head.rid, number));
    struct barrier *b = answer_later(s, u);
    if (!b)
        return no_memory();
    b->lanes = 1;
    b->sub = lane->matches > 0 ? lane : NULL; /* more may come until then */
    b->number = number;
    b->has_number = true;
    return verdict(VERDICT_GO_ON);
}

static struct verdict unsubscribe_wildcard(struct session *s, struct unit *u)
{
    struct wildcard *w = wildcards_find(s, &u->pattern);
    if (!w)
        return unit_refuse(s, &u->head, UNIT_GONE);
    struct barrier *b = answer_later(s, u);
    b->is_working = true;
    wildcards_remove(w);
    if (b->is_working || b->lanes > 0)
        return verdict(VERDICT_GO_ON);
    b->is_set = false;
    return unit_done(s, &u->head);
}

static struct verdict unsubscribe_null(struct session *s, struct unit *u)
{
    if (!s->units || !s->units->reads_null)
        return unit_refuse(s, &u->head, UNIT_GONE);
    s->units->reads_null = false;
    return verdict_of(answer_ok_number(s, u->head.rid, 0));
}

struct verdict verb_unsubscribe_run(struct session *s, struct unit *u)
{
    if (!u->pattern.is_exact)
        return unsubscribe_wildcard(s, u);
    const struct pattern *p = &u->pattern;
    if (name_class_of(p->octets, p->length) == NAME_NULL)
        return unsubscribe_null(s, u);
    struct subscriber *lane = lanes_find(s, p->octets, p->length);
    return lane && lane->is_exact ? unsubscribe_exact(s, u, lane)
                                  : unit_refuse(s, &u->head, UNIT_GONE);
}

/* SPDX-License-Identifier: MIT */
#include "broker/session/units/verb_subscribe.h"

#include <string.h>

#include "broker/core/name_class.h"
#include "broker/net/stream.h"
#include "broker/session/clients.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/lanes.h"
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

static void count_subscription(struct subscriber *lane, void *arg)
{
    uint32_t *count = arg;
    *count += lane->is_exact;
}

static uint32_t subscriptions_of(struct session *s)
{
    uint32_t count = 0;
    lanes_each(s, count_subscription, &count);
    return count + (s->units ? s->units->wildcard_count : 0);
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
    if (core_is_stopping(s->all->core))
        return UNIT_DRAINING;
    if (subscriptions_of(s) >= s->all->config.subscriptions_max)
        return UNIT_LIMIT;
    return UNIT_OK;
}

/* What the number of the first message will follow on. */
static uint64_t number_before(const struct session *s,
                              const struct subscriber *lane)
{
    const struct started *started = s->units ? &s->units->started : NULL;
    if (started && started->sub == lane)
        return started->number;
    return subscriber_number(lane);
}

static uint32_t value_of(const struct unit *u, enum unit_option option,
                         uint32_t otherwise)
{
    uint64_t number = otherwise;
    if (head_has(&u->head, option))
        (void)unit_option_read(option, u->head.values[option], &number);
    return (uint32_t)number;
}

/* A new lane, in the channel of the exact pattern. */
static struct subscriber *subscribe_lane(struct session *s,
                                         const struct unit *u)
{
    const struct pattern *p = &u->pattern;
    struct subscriber *lane = lanes_add(s);
    if (!lane)
        return NULL;
    /* Bytes unsent in the kernel are held in advance, too. */
    if (p->world == PATTERN_QUEUES)
        stream_limit_unsent(s->stream, core_prefetch_bytes(s->all->core));
    if (value_of(u, UNIT_OPTION_ack, 0) &&
        !lanes_work(s, lane, value_of(u, UNIT_OPTION_credit, 1),
                    value_of(u, UNIT_OPTION_wait, 0)))
        return NULL;
    return core_subscribe(s->all->core, lane, p->octets, p->length) ? lane
                                                                    : NULL;
}

static struct verdict subscribe_exact(struct session *s, struct unit *u)
{
    const struct pattern *p = &u->pattern;
    enum name_class name_class = name_class_of(p->octets, p->length);
    if (name_class == NAME_NULL)
        return verdict_of(answer_ok_number(s, u->head.rid, 0));
    /* A new channel may get a lane of this session by a wildcard. */
    if (!directory_obtain(&s->all->core->directory, p->octets, p->length))
        return no_memory();
    struct subscriber *lane = lanes_find(s, p->octets, p->length);
    if (lane && lane->is_exact)
        return unit_refuse(s, &u->head, UNIT_EXISTS);
    if (!lane)
        lane = subscribe_lane(s, u);
    if (!lane)
        return no_memory();
    lane->is_exact = true;
    return verdict_of(
        name_class == NAME_QUEUE
            ? answer_ok(s, u->head.rid)
            : answer_ok_number(s, u->head.rid, number_before(s, lane)));
}

static struct verdict subscribe_wildcard(struct session *s, struct unit *u)
{
    struct worker *worker = NULL;
    if (wildcards_find(s, &u->pattern))
        return unit_refuse(s, &u->head, UNIT_EXISTS);
    if (value_of(u, UNIT_OPTION_ack, 0)) {
        worker = lanes_new_worker(s, value_of(u, UNIT_OPTION_credit, 1),
                                  value_of(u, UNIT_OPTION_wait, 0));
        if (!worker)
            return no_memory();
    }
    if (u->pattern.world == PATTERN_QUEUES)
        stream_limit_unsent(s->stream, core_prefetch_bytes(s->all->core));
    return verdict_of(wildcards_add(s, &u->pattern, worker) &&
                      answer_ok(s, u->head.rid));
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

/* The answer waits for what the lane is owed: `waits` until it has ended, else
 * until it has been told everything up to now. */
static bool unsubscribe_later(struct session *s, const struct unit *u,
                              struct subscriber *lane, bool waits,
                              uint64_t number)
{
    struct units *own = units_obtain(s);
    if (!own)
        return false;
    struct barrier *b = &own->barrier;
    *b = (struct barrier){.is_set = true,
                          .lanes = waits,
                          .sub = waits ? NULL : lane,
                          .number = number,
                          .has_number = true,
                          .rid_length = (uint8_t)u->head.rid.length};
    if (u->head.rid.length > 0)
        memcpy(b->rid, u->head.rid.text, u->head.rid.length);
    units_write_later(own);
    return true;
}

static struct verdict unsubscribe_exact(struct session *s, struct unit *u,
                                        struct subscriber *lane)
{
    struct channel *ch = lane->channel;
    bool is_queue = channel_is_queue(ch), waits = false;
    lane->is_exact = false;
    channel_flush(ch);
    uint64_t number = channel_last_number(ch);
    bool is_other = lane->matches > 0; /* goes on for a wildcard */
    bool is_owed = lane->outbox != BACKLOG_NONE;
    if (!is_other && !lanes_finish(s, lane, &waits))
        return no_memory();
    if (is_queue)
        return verdict_of(answer_ok(s, u->head.rid));
    if (!waits && !(is_other && is_owed))
        return verdict_of(answer_ok_number(s, u->head.rid, number));
    return verdict_of(unsubscribe_later(s, u, lane, waits, number));
}

static struct verdict unsubscribe_wildcard(struct session *s, struct unit *u)
{
    struct wildcard *w = wildcards_find(s, &u->pattern);
    uint32_t waits;
    if (!w)
        return unit_refuse(s, &u->head, UNIT_GONE);
    if (!wildcards_remove(w, &waits))
        return no_memory();
    if (waits == 0)
        return verdict_of(answer_ok(s, u->head.rid));
    if (!unsubscribe_later(s, u, NULL, true, 0))
        return no_memory();
    s->units->barrier.lanes = waits;
    s->units->barrier.has_number = false;
    return verdict(VERDICT_GO_ON);
}

struct verdict verb_unsubscribe_run(struct session *s, struct unit *u)
{
    if (!u->pattern.is_exact)
        return unsubscribe_wildcard(s, u);
    const struct pattern *p = &u->pattern;
    struct subscriber *lane = lanes_find(s, p->octets, p->length);
    return lane && lane->is_exact ? unsubscribe_exact(s, u, lane)
                                  : unit_refuse(s, &u->head, UNIT_GONE);
}

/* SPDX-License-Identifier: MIT */
#include "broker/session/units/verb_work.h"

#include "broker/core/core.h"
#include "broker/core/queue_work.h"
#include "broker/session/clients.h"
#include "broker/session/units/acks.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "broker/session/units/wildcards.h"
#include "proto/spelling.h"

enum { CREDIT_MAX = 65535, NAK_DELAY_MS = 1000 };

enum unit_error verb_work_check(struct session *s, struct unit *u)
{
    (void)s;
    if (!spelling_read_channel(u->name, &u->name_length, u->head.arguments[0]))
        return UNIT_BAD_CHANNEL;
    (void)unit_number_read(u->head.arguments[1], &u->number);
    return UNIT_OK;
}

/* The queue that it is about; NULL when there is none. */
static struct channel *queue_of(const struct session *s, const struct unit *u)
{
    struct channel *ch = directory_find(&s->all->core->directory, u->name,
                                        (uint32_t)u->name_length);
    return ch && channel_is_queue(ch) ? ch : NULL;
}

/* Of a queue that there is not a worker holds nothing. What a session that is
 * closed held goes back, for which no memory is needed. */
static struct verdict answer(struct session *s, struct unit *u,
                             enum work_status status)
{
    switch (status) {
    case WORK_DONE:
        return unit_done(s, &u->head);
    case WORK_NO_MEMORY:
        return verdict_close(REASON_NO_MEMORY);
    case WORK_GONE:
        break;
    }
    return unit_refuse(s, &u->head, UNIT_GONE);
}

struct verdict verb_work_ack(struct session *s, struct unit *u)
{
    struct channel *ch = queue_of(s, u);
    enum work_status status = ch ? queue_work_ack(ch, s, u->number) : WORK_GONE;
    if (status == WORK_DONE)
        acks_remember(s, ch, u->head.arguments[0]);
    return answer(s, u, status);
}

struct verdict verb_work_nak(struct session *s, struct unit *u)
{
    struct channel *ch = queue_of(s, u);
    uint64_t delay_ms = NAK_DELAY_MS;
    if (head_has(&u->head, UNIT_OPTION_delay))
        (void)unit_option_read(UNIT_OPTION_delay,
                               u->head.values[UNIT_OPTION_delay], &delay_ms);
    return answer(s, u,
                  ch ? queue_work_nak(ch, s, u->number, (uint32_t)delay_ms)
                     : WORK_GONE);
}

struct verdict verb_work_touch(struct session *s, struct unit *u)
{
    struct channel *ch = queue_of(s, u);
    return answer(s, u, ch ? queue_work_touch(ch, s, u->number) : WORK_GONE);
}

enum unit_error verb_work_check_credit(struct session *s, struct unit *u)
{
    (void)s;
    (void)unit_number_read(u->head.arguments[1], &u->number);
    if (u->number > CREDIT_MAX)
        return UNIT_BAD_OPTION;
    return pattern_read(&u->pattern, u->head.arguments[0]) ? UNIT_OK
                                                           : UNIT_BAD_CHANNEL;
}

struct verdict verb_work_credit(struct session *s, struct unit *u)
{
    const struct pattern *p = &u->pattern;
    struct worker *worker = NULL;
    if (p->is_exact) {
        struct subscriber *lane = lanes_find(s, p->octets, p->length);
        if (!lane || !lane->is_exact)
            return unit_refuse(s, &u->head, UNIT_GONE);
        worker = channel_is_queue(lane->channel) ? lane->worker : NULL;
    } else {
        const struct wildcard *w = wildcards_find(s, p);
        if (!w)
            return unit_refuse(s, &u->head, UNIT_GONE);
        worker = w->worker;
    }
    if (!worker)
        return unit_refuse(s, &u->head, UNIT_BAD_OPTION);
    queue_work_set_credit(worker, (uint32_t)u->number);
    return unit_done(s, &u->head);
}

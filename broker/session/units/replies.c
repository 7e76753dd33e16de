/* SPDX-License-Identifier: MIT */
#include "broker/session/units/replies.h"

#include <string.h>

#include "broker/core/core.h"
#include "broker/session/clients.h"
#include "broker/session/session.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/requests.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"

/* The reply as the requester gets it. */
static bool reply_write(struct session *to, struct span rid,
                        const struct unit *u)
{
    struct head_writer w = answer_begin(to, "REP");
    answer_add_rid(&w, rid);
    for (unsigned i = 0; i < u->head.header_count; i++) {
        const struct head_pair *h = &u->head.headers[i];
        head_add_spelled(&w, (struct span){h->name.text, h->name.length + 1 +
                                                             h->value.length});
    }
    return answer_end_frame(to, &w, u->body - FRAME_HEAD_BYTES,
                            (uint32_t)frame_size(u->body_length));
}

/* Ends the request. False when there is no memory: the requester has to end. */
static bool reply_send(struct request *r, const struct unit *u)
{
    char text[UNITS_RID_MAX];
    struct session *to = r->session;
    struct span rid = {memcpy(text, r->rid, r->rid_length), r->rid_length};
    requests_remove(r);
    return reply_write(to, rid, u);
}

/* Waiting. */

static size_t reply_bytes(const struct reply *p)
{
    return sizeof *p + unit_kept_bytes(&p->kept);
}

static void reply_free(struct reply *p)
{
    struct session *s = p->replier;
    size_t bytes = reply_bytes(p);
    p->request->reply = NULL;
    hub_cancel_alarm(units_hub(s), &p->alarm);
    list_remove(&p->link);
    list_remove(&p->own);
    parked_refund(s, unit_kept_size(&p->kept));
    units_review_rest(s);
    unit_kept_drop(&p->kept);
    budget_free(s->all->budget, p, bytes);
}

/* Answers the replier and frees its reply. False when there is no memory. */
static bool reply_refuse(struct reply *p, enum unit_error error)
{
    struct unit unit;
    struct session *s = p->replier;
    unit_kept_read(&p->kept, p->bytes, &unit);
    bool is_ok = unit_refuse(s, &unit.head, error).what == VERDICT_GO_ON;
    reply_free(p);
    return is_ok;
}

/* The request ends, and needs nothing more. */
static void reply_on_too_late(struct request_reply *late)
{
    struct reply *p = LIST_OF(late, struct reply, late);
    struct session *s = p->replier, *to = p->request->session;
    if (!reply_refuse(p, UNIT_GONE) && s != to)
        session_close(s, REASON_NO_MEMORY);
}

static void reply_on_alarm(struct hub_alarm *a)
{
    struct reply *p = LIST_OF(a, struct reply, alarm);
    struct request *r = p->request;
    struct session *s = p->replier, *to = r->session;
    struct span rid = {r->rid, r->rid_length};
    bool is_ok = answer_error(to, UNIT_SLOW, rid, (struct span){NULL, 0});
    bool is_answered = reply_refuse(p, UNIT_SLOW);
    requests_remove(r);
    if (!is_ok)
        session_close(to, REASON_NO_MEMORY);
    if (!is_answered && s != to)
        session_close(s, REASON_NO_MEMORY);
}

static struct reply *reply_new(struct session *s, const struct unit *u)
{
    const struct reply size = {.kept = unit_kept_of(u)};
    struct reply *p = budget_alloc(s->all->budget, reply_bytes(&size));
    if (!p)
        return NULL;
    *p = size;
    unit_kept_copy(&p->kept, p->bytes, u, &units_hub(s)->account);
    return p;
}

static bool reply_wait(struct session *s, const struct unit *u,
                       struct request *r)
{
    struct units *own = units_obtain(s);
    struct reply *p = own ? reply_new(s, u) : NULL;
    if (!p)
        return false;
    p->replier = s;
    p->request = r;
    p->late.end = reply_on_too_late;
    r->reply = &p->late;
    list_insert(&r->session->units->replies, &p->link);
    list_insert(&own->own_replies, &p->own);
    alarm_init(&p->alarm.alarm);
    p->alarm.ring = reply_on_alarm;
    hub_set_alarm(units_hub(s), &p->alarm, s->all->config.patience_ms);
    return parked_charge(s, unit_kept_size(&p->kept));
}

/* There is room. False when there is no memory: the requester has to end. */
static bool reply_deliver(struct reply *p)
{
    struct unit unit;
    struct session *s = p->replier, *to = p->request->session;
    struct request *r = p->request;
    unit_kept_read(&p->kept, p->bytes, &unit);
    r->reply = NULL;
    bool is_ok = reply_write(to, (struct span){r->rid, r->rid_length}, &unit);
    bool is_answered = unit_done(s, &unit.head).what == VERDICT_GO_ON;
    reply_free(p);
    requests_remove(r);
    if (!is_answered && s != to)
        session_close(s, REASON_NO_MEMORY);
    return is_ok && (is_answered || s != to);
}

struct verdict replies_add(struct session *s, const struct unit *u,
                           struct request *r)
{
    struct session *to = r->session;
    const struct units *theirs = to->units;
    if (theirs->answers->bytes > UNITS_ANSWERS_MAX ||
        !list_is_empty(&theirs->replies))
        return reply_wait(s, u, r) ? verdict(VERDICT_GO_ON)
                                   : verdict_close(REASON_NO_MEMORY);
    bool is_sent = reply_send(r, u);
    if (!is_sent && to == s)
        return verdict_close(REASON_NO_MEMORY);
    if (!is_sent)
        session_close(to, REASON_NO_MEMORY);
    return is_sent ? unit_done(s, &u->head)
                   : unit_refuse(s, &u->head, UNIT_GONE);
}

bool replies_review(struct session *requester)
{
    const struct units *u = requester->units;
    while (!list_is_empty(&u->replies) &&
           u->answers->bytes <= UNITS_ANSWERS_MAX / 2)
        if (!reply_deliver(LIST_OF(u->replies.next, struct reply, link)))
            return false;
    return true;
}

bool replies_leave(struct session *s)
{
    const struct list *own = &s->units->own_replies;
    while (!list_is_empty(own)) {
        struct reply *p = LIST_OF(own->next, struct reply, own);
        struct session *to = p->request->session;
        bool is_ok = reply_deliver(p);
        if (!is_ok && to == s)
            return false;
        if (!is_ok)
            session_close(to, REASON_NO_MEMORY);
    }
    return true;
}

void replies_end(struct session *s)
{
    while (s->units && !list_is_empty(&s->units->own_replies))
        reply_free(LIST_OF(s->units->own_replies.next, struct reply, own));
}

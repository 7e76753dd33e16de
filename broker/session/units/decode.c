/* SPDX-License-Identifier: MIT */
#include "broker/session/units/decode.h"

#include "broker/session/partial.h"
#include "broker/session/units/acks.h"
#include "broker/session/units/burst.h"
#include "broker/session/units/pledges.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"

/* A unit as far as it has come. */
struct arrival {
    const uint8_t *text; /* of the head */
    uint32_t length;
    uint32_t body_length;
    const uint8_t *body; /* where it begins, whether it has come or not; NULL:
                            its length has not come */
};

static struct arrival arrival_at(const uint8_t *p, size_t n)
{
    struct arrival a = {.text = p + FRAME_HEAD_BYTES};
    if (n < FRAME_HEAD_BYTES)
        return a;
    a.length = frame_get_length(p);
    if (a.length > HEAD_MAX ||
        n - FRAME_HEAD_BYTES < frame_size(a.length)) /* with the next length */
        return a;
    a.body_length = frame_get_length(a.text + a.length);
    a.body = a.text + frame_size(a.length);
    return a;
}

static bool is_proto(size_t n, const struct arrival *a)
{
    return n >= FRAME_HEAD_BYTES && (a->length == 0 || a->length > HEAD_MAX);
}

/* The head is refused. Its body, unless that ends the session, is thrown away.
 */
static struct verdict decode_refuse(struct session *s, const struct head *head,
                                    enum unit_error error, uint32_t body_length)
{
    struct verdict v = unit_refuse(s, head, error);
    if (v.what != VERDICT_GO_ON || body_length == 0)
        return v;
    struct units *u = units_obtain(s);
    if (!u)
        return verdict_close(REASON_NO_MEMORY);
    u->discard_bytes = body_length;
    return v;
}

/* Takes the unit at *p, if it is complete or refused, and moves *p behind what
 * was taken. *is_taken: there may be another one. */
static struct verdict decode_next(struct session *s, const uint8_t **p,
                                  const uint8_t *end, struct decoded *out,
                                  bool *is_taken)
{
    struct unit unit;
    unit_begin(&unit, NULL);
    size_t n = (size_t)(end - *p);
    struct arrival a = arrival_at(*p, n);
    *is_taken = false;
    if (is_proto(n, &a))
        return unit_end(s, UNIT_PROTO, REASON_BAD_UNIT);
    if (!a.body)
        return verdict(VERDICT_GO_ON);
    enum unit_error error =
        unit_judge(s, &unit, a.text, a.length, a.body_length);
    if (error != UNIT_OK) {
        *p = a.body;
        *is_taken = true;
        return decode_refuse(s, &unit.head, error, a.body_length);
    }
    out->head_bytes = (uint32_t)frame_size(a.length);
    out->body_bytes = (uint32_t)frame_size(a.body_length);
    if ((size_t)(end - a.body) < a.body_length)
        return verdict(VERDICT_GO_ON);
    unit.body = a.body;
    *p = a.body + a.body_length;
    *is_taken = true;
    return unit_run(s, &unit);
}

struct verdict decode_units(struct session *s, const uint8_t *bytes, size_t n,
                            struct decoded *out)
{
    const uint8_t *p = bytes, *end = bytes + n;
    struct verdict v = verdict(VERDICT_GO_ON);
    bool is_taken = true;
    *out = (struct decoded){.taken = 0};
    if (s->units && s->units->pledges)
        pledges_settle(s); /* what it acknowledges has come to it */
    while (v.what == VERDICT_GO_ON && is_taken) {
        p += units_discard(s, (size_t)(end - p));
        out->head_bytes = out->body_bytes = 0;
        units_relieve(s);
        out->is_unread = p < end && units_must_rest(s);
        if (p == end || out->is_unread)
            break;
        acks_take(s, &p, end);
        const uint8_t *begin = p;
        v = burst_take(s, &p, end);
        /* What a burst had no room for may begin another one: parsed, it would
         * not be dressed, nor anything behind it in this turn. */
        if (v.what == VERDICT_GO_ON && p == begin)
            v = decode_next(s, &p, end, out, &is_taken);
    }
    out->taken = (size_t)(p - bytes);
    return v;
}

struct verdict decode_complete(struct session *s)
{
    const struct partial *p = s->partial;
    struct unit unit;
    unit_begin(&unit, p->body);
    uint32_t body_length = p->body_bytes - FRAME_HEAD_BYTES;
    enum unit_error error =
        unit_judge(s, &unit, p->head + FRAME_HEAD_BYTES,
                   p->head_bytes - FRAME_HEAD_BYTES, body_length);
    if (error != UNIT_OK)
        return unit_refuse(s, &unit.head, error);
    unit.body = p->body->bytes + FRAME_HEAD_BYTES;
    return unit_run(s, &unit);
}

/* SPDX-License-Identifier: MIT */
#include "broker/session/units/revoking.h"

#include <stdio.h>

#include "broker/core/channel.h"
#include "broker/net/stream.h"
#include "broker/net/tls.h"
#include "broker/session/identity.h"
#include "broker/session/state.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/burst.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "broker/session/units/wildcards.h"
#include "proto/spelling.h"
#include "proto/verb.h"

/* What a client loses. */
enum loss {
    LOSS_NONE,
    LOSS_SOME, /* subscriptions that can end by themselves */
    LOSS_ALL,
};

static enum loss worse(enum loss a, enum loss b)
{
    return a > b ? a : b;
}

static bool may_read(const struct session *s, const struct channel *ch)
{
    return identity_may_read(s, channel_name(ch), channel_name_length(ch));
}

/* Lanes that only wildcards lead to are as good as these. One that has retired
 * still has messages of a subscription that the client has ended. */
static enum loss loss_of_lane(const struct session *s,
                              const struct subscriber *sub)
{
    bool is_retired = sub->state == SUBSCRIBER_RETIRED;
    if (!sub->channel || !(is_retired || sub->is_exact) ||
        may_read(s, sub->channel))
        return LOSS_NONE;
    return is_retired ? LOSS_ALL : LOSS_SOME;
}

static enum loss loss_of(const struct session *s)
{
    const struct units *u = s->units;
    enum loss loss = loss_of_lane(s, &s->sub);
    if (!u)
        return loss;
    LIST_EACH (link, &u->lanes)
        loss = worse(loss,
                     loss_of_lane(s, &LIST_OF(link, struct lane, link)->sub));
    LIST_EACH (link, &u->wildcards) {
        const struct wildcard *w = LIST_OF(link, struct wildcard, link);
        if (!identity_may_subscribe(s, interest_pattern(&w->interest)))
            loss = worse(loss, u->changing ? LOSS_ALL : LOSS_SOME);
    }
    return loss;
}

/* Whether the client is in the middle of something that it may not have, or
 * may be: of what TLS has sealed, and of a lane that has gone, the channels are
 * not known any more. */
static bool is_amid(const struct session *s, bool is_known)
{
    const struct units *u = s->units;
    const struct subscriber *begun = u ? u->started.sub : NULL;
    if (tls_is_started(s->stream) && stream_wants_write(s->stream))
        return true;
    return u && (!backlog_is_empty(u->rest) ||
                 (begun && (!is_known || !may_read(s, begun->channel))));
}

static bool answer_revoked(struct session *s, const char *spelled, size_t n)
{
    char text[VERB_TEXT_MAX];
    struct head_writer w = answer_begin(s, "ERR");
    head_add_spelled(&w, span_of(unit_error_code(UNIT_DENIED)));
    int length = snprintf(text, sizeof text, "not allowed any more: %.*s",
                          (int)n, spelled);
    if (length < 0 || (size_t)length >= sizeof text)
        length = (int)sizeof text - 1;
    return answer_end(s, &w, (struct span){text, (uint32_t)length});
}

static bool revoke_wildcards(struct session *s)
{
    char text[PATTERN_TEXT_MAX];
    bool is_ok = true;
    LIST_EACH_SAFE (link, &s->units->wildcards) {
        struct wildcard *w = LIST_OF(link, struct wildcard, link);
        const struct pattern *p = interest_pattern(&w->interest);
        if (identity_may_subscribe(s, p))
            continue;
        size_t n = pattern_write(p, text);
        wildcards_revoke(w);
        is_ok &= answer_revoked(s, text, n);
    }
    return is_ok;
}

struct revoked {
    struct session *session;
    bool is_ok;
};

/* It goes on if an allowed wildcard leads there, which then covers it; but then
 * the channel is allowed as well. */
static void revoke_lane(struct subscriber *lane, void *arg)
{
    struct revoked *r = arg;
    struct session *s = r->session;
    char text[SPELLING_CHANNEL_MAX];
    if (loss_of_lane(s, lane) == LOSS_NONE)
        return;
    const struct channel *ch = lane->channel;
    size_t n =
        spelling_write_channel(text, channel_name(ch), channel_name_length(ch));
    r->is_ok &= lanes_close(s, lane) && answer_revoked(s, text, n);
}

static struct verdict revoke_some(struct session *s)
{
    struct revoked r = {s, true};
    if (s->units)
        r.is_ok &= revoke_wildcards(s);
    lanes_each(s, revoke_lane, &r);
    return r.is_ok ? verdict(VERDICT_GO_ON) : verdict_close(REASON_NO_MEMORY);
}

static struct verdict revoke_all(struct session *s, bool is_known)
{
    bool can_hear = s->state == SESSION_OPEN || s->state == SESSION_PAUSED;
    if (!can_hear || is_amid(s, is_known)) {
        stream_abort_on_close(s->stream);
        return verdict_close(REASON_RIGHTS_REVOKED);
    }
    wildcards_end(s);
    if (!lanes_leave(s))
        return verdict_close(REASON_NO_MEMORY);
    return unit_end(s, is_known ? UNIT_DENIED : UNIT_AUTH,
                    REASON_RIGHTS_REVOKED);
}

struct verdict revoking_judge(struct session *s, bool is_known)
{
    burst_forget(s);
    enum loss loss = is_known ? loss_of(s) : LOSS_ALL;
    if (loss == LOSS_NONE)
        return verdict(VERDICT_GO_ON);
    if (loss == LOSS_SOME && s->state <= SESSION_PAUSED &&
        !is_amid(s, is_known))
        return revoke_some(s);
    return revoke_all(s, is_known);
}

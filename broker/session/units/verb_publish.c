/* SPDX-License-Identifier: MIT */
#include "broker/session/units/verb_publish.h"

#include "broker/base/counters.h"
#include "broker/core/core.h"
#include "broker/core/queue_kept.h"
#include "broker/session/clients.h"
#include "broker/session/identity.h"
#include "broker/session/state.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/burst.h"
#include "broker/session/units/routed.h"
#include "broker/session/units/synced.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/verb_request.h"
#include "proto/frame.h"
#include "proto/spelling.h"

static bool is_address(struct span argument)
{
    return argument.length > 0 && argument.text[0] == '@';
}

enum unit_error verb_publish_check(struct session *s, struct unit *u)
{
    struct span channel = u->head.arguments[0];
    if (!is_address(channel))
        return routed_check(s, u);
    if (!spelling_is_address(channel))
        return UNIT_BAD_CHANNEL;
    return channel.length + u->head.header_octets > HEAD_ROUTED_MAX
               ? UNIT_BAD_HEAD
               : UNIT_OK;
}

static struct verdict verdict_of(bool is_answered)
{
    return is_answered ? verdict(VERDICT_GO_ON)
                       : verdict_close(REASON_NO_MEMORY);
}

static bool wants_sync(const struct session *s, const struct unit *u)
{
    return keeper_is_open(&s->all->core->keeper) && head_wants_sync(&u->head);
}

static uint64_t publish_bytes(const struct unit *u)
{
    return frame_size(u->body_length) + u->head.header_octets;
}

/* What may have changed since it came, and whether it can be confirmed: what
 * is refused leaves no trace. */
static enum unit_error publish_judge(const struct session *s,
                                     const struct unit *u)
{
    const struct core *core = s->all->core;
    if (u->parked && !identity_may_publish(s, u->name, u->name_length))
        return UNIT_DENIED;
    if (!wants_sync(s, u))
        return UNIT_OK;
    enum unit_error refusal = synced_refusal(s, publish_bytes(u));
    if (refusal == UNIT_OK ||
        !core_is_durable(core, u->name, (uint32_t)u->name_length))
        return UNIT_OK;
    if (refusal == UNIT_FULL)
        counter_add(s->all->counters, COUNT_journal_refused_messages, 1);
    return refusal;
}

/* In the order of the messages: one for which nothing has to be written waits
 * for those that came before. */
static bool publish_answer(struct session *s, const struct unit *u,
                           struct channel *ch)
{
    if (u->head.rid.length == 0)
        return true;
    struct receipt receipt = channel_receipt(ch);
    bool is_sync = wants_sync(s, u);
    return queue_is_durable(ch) && (is_sync || synced_is_waiting(s))
               ? synced_add(s, u->head.rid, &receipt, is_sync)
               : answer_receipt(s, u->head.rid, &receipt);
}

/* The queue could not be made. */
static struct verdict publish_refuse(struct session *s, const struct unit *u)
{
    switch (core_refusal(s->all->core)) {
    case REFUSAL_STORE_CROWDED:
        return unit_refuse(s, &u->head, UNIT_LIMIT);
    case REFUSAL_STORE_FAILED:
        return unit_refuse(s, &u->head, UNIT_DISK);
    default:
        return verdict_close(REASON_NO_MEMORY);
    }
}

/* For nobody. */
static struct verdict publish_nowhere(struct session *s, const struct unit *u,
                                      enum counter_id nowhere)
{
    static const struct receipt nobody = {.number = 0};
    burst_remember(s, NULL, u);
    counter_add(s->all->counters, nowhere, 1);
    return verdict_of(answer_receipt(s, u->head.rid, &nobody));
}

static struct verdict publish(struct session *s, const struct unit *u,
                              struct channel *ch)
{
    uint8_t text[ROUTED_TEXT_MAX];
    if (routed_must_wait(u, ch))
        return routed_wait(s, u, ch, NULL);
    burst_remember(s, ch, u);
    uint32_t n = routed_text(&u->head, (struct span){NULL, 0}, text);
    if (routed_publish(u, ch, text, n) == PUBLISH_NO_MEMORY)
        return verdict_close(REASON_NO_MEMORY);
    return verdict_of(publish_answer(s, u, ch));
}

/* One that was parked was counted then. */
struct verdict verb_publish_run(struct session *s, struct unit *u)
{
    enum counter_id nowhere;
    if (is_address(u->head.arguments[0]))
        return verb_request_reply(s, u);
    enum unit_error error = publish_judge(s, u);
    if (error != UNIT_OK)
        return unit_refuse(s, &u->head, error);
    struct channel *ch =
        core_route(s->all->core, u->name, (uint32_t)u->name_length, &nowhere);
    if (!ch && nowhere == COUNT_dropped_no_memory)
        return publish_refuse(s, u);
    struct verdict v = ch ? publish(s, u, ch) : publish_nowhere(s, u, nowhere);
    if (v.what == VERDICT_GO_ON && !u->parked) {
        s->pub.messages_in++;
        counter_add(s->all->counters, COUNT_messages_in, 1);
    }
    return v;
}

/* SPDX-License-Identifier: MIT */
#include "broker/session/v1.h"

#include <string.h>

#include "broker/base/bytes.h"
#include "broker/core/channel_views.h"
#include "broker/core/queue_kept.h"
#include "broker/net/stream.h"
#include "broker/session/clients.h"
#include "broker/session/closing.h"
#include "broker/session/guest.h"
#include "broker/session/identity.h"
#include "broker/session/partial.h"
#include "broker/session/session.h"
#include "broker/session/state.h"
#include "broker/session/v1_hello.h"
#include "broker/session/writer.h"
#include "proto/channel_name.h"
#include "proto/frame.h"

/* Pairs. */

/* Where the last name led: most publishers name the same channel again and
 * again, and then a comparison is all the lookup there is. */
struct target {
    const uint8_t *name; /* in the read buffer or in the channel */
    uint32_t name_length;
    struct channel *channel; /* NULL: nowhere, */
    enum counter_id nowhere; /* counted here */
};

/* Whether what is published there could never be confirmed. */
static inline bool v1_is_frozen(const struct session *s,
                                const struct channel *ch)
{
    return core_store_has_failed(s->all->core) && queue_is_durable(ch);
}

static struct target target_remembered(const struct session *s)
{
    struct channel *ch = channel_ref_get(&s->last, s->all->core);
    if (!ch || v1_is_frozen(s, ch))
        return (struct target){(const uint8_t *)"", UINT32_MAX, NULL,
                               COUNT_closed};
    return (struct target){channel_name(ch), channel_name_length(ch), ch,
                           COUNT_closed};
}

/* A goodbye then waits for the disk. Should the broker be killed before, that
 * must not look like the answer, also to one that has subscribed. */
static void v1_note_target(struct session *s, const struct target *t)
{
    if (s->pub.is_durable || !core_has_store(s->all->core) || !t->channel ||
        !queue_is_durable(t->channel))
        return;
    s->pub.is_durable = true;
    stream_abort_on_close(s->stream);
}

static bool target_find(struct target *t, struct core *core,
                        const uint8_t *name, uint32_t length)
{
    t->name = name;
    t->name_length = length;
    t->channel = core_route(core, name, length, &t->nowhere);
    return t->channel || t->nowhere != COUNT_dropped_no_memory;
}

/* Of a client that publishes to a durable queue after the store has failed, the
 * connection is all that can say so. */
static struct verdict v1_find(struct session *s, struct target *t,
                              const uint8_t *name, uint32_t length)
{
    if (!target_find(t, s->all->core, name, length))
        return v1_refuse_channel(s);
    if (t->channel && v1_is_frozen(s, t->channel))
        return v1_refuse(s, REASON_JOURNAL_FAILED);
    v1_note_target(s, t);
    return verdict(VERDICT_GO_ON);
}

static inline enum publish_status target_publish(struct session *s,
                                                 const struct target *t,
                                                 const uint8_t *message,
                                                 uint32_t size)
{
    if (!t->channel) {
        counter_add(s->all->counters, t->nowhere, 1);
        return PUBLISH_OK;
    }
    return channel_publish(t->channel, message, size);
}

static struct verdict v1_published(struct session *s, const struct target *t,
                                   enum publish_status status)
{
    if (status == PUBLISH_WAIT)
        publisher_wait(&s->pub, t->channel, false);
    return status == PUBLISH_NO_MEMORY ? v1_refuse(s, REASON_NO_MEMORY)
                                       : verdict(VERDICT_GO_ON);
}

/* Reads the name frame at `p` and finds the target. If name->body is NULL, the
 * frame is not complete. */
static struct verdict v1_name(struct session *s, struct target *t,
                              const uint8_t *p, size_t n, struct frame *name)
{
    enum frame_status status = frame_decode(p, n, CHANNEL_NAME_MAX, name);
    if (status == FRAME_TOO_LONG)
        return verdict_close(name->length > s->all->config.max_frame_bytes
                                 ? REASON_FRAME_TOO_LONG
                                 : REASON_NAME_TOO_LONG);
    if (status == FRAME_MORE)
        return verdict(VERDICT_GO_ON);
    if (name->length == 0)
        return verdict_goodbye(REASON_GOODBYE);
    if (!identity_may_publish(s, name->body, name->length))
        return v1_deny(s, "PUB", name->body, name->length);
    struct verdict v = v1_find(s, t, name->body, name->length);
    if (v.what != VERDICT_GO_ON)
        return v;
    return guest_must_go(s, t->channel) ? verdict_close(REASON_NO_PLACE)
                                        : verdict(VERDICT_GO_ON);
}

static inline bool is_same_name(const struct target *t, const uint8_t *p,
                                size_t n)
{
    return n >= FRAME_HEAD_BYTES && frame_get_length(p) == t->name_length &&
           n - FRAME_HEAD_BYTES >= t->name_length &&
           bytes_are_equal(p + FRAME_HEAD_BYTES, t->name, t->name_length);
}

/* The inner loop of the broker: copies whole messages as long as they go where
 * the last one went and there is room for them. Stops at anything else, and
 * returns that place for the caller to handle.
 *
 * A small message is copied together with the bytes behind it, which takes four
 * instructions instead of a call; so the loop stops a little before the end. */
static const uint8_t *v1_append(struct session *s, const struct target *t,
                                const uint8_t *p, const uint8_t *end)
{
    enum { SMALL_BYTES = 32 };
    const uint8_t *name = t->name;
    size_t name_length = t->name_length, name_size = frame_size(t->name_length);
    uint32_t limit = s->all->config.max_frame_bytes;
    uint32_t messages = 0, room_bytes;
    uint8_t *begin = channel_tail(t->channel, &room_bytes), *tail = begin;
    size_t room = room_bytes;
    while ((size_t)(end - p) >= name_size + SMALL_BYTES &&
           frame_get_length(p) == name_length &&
           bytes_are_equal(p + FRAME_HEAD_BYTES, name, name_length)) {
        const uint8_t *q = p + name_size;
        uint32_t length = frame_get_length(q);
        if (length > limit)
            break;
        size_t size = frame_size(length);
        size_t copied = size < SMALL_BYTES ? SMALL_BYTES : size;
        if (copied > (size_t)(end - q) || copied > room)
            break;
        if (copied == SMALL_BYTES)
            memcpy(tail, q, SMALL_BYTES);
        else
            memcpy(tail, q, size);
        tail += size;
        room -= size;
        messages++;
        p = q + size;
    }
    if (messages == 0)
        return p; /* there may be no block to append to */
    if (channel_appended(t->channel, (uint32_t)(tail - begin), messages) ==
        PUBLISH_WAIT)
        publisher_wait(&s->pub, t->channel, false);
    s->pub.messages_in += messages;
    counter_add(s->all->counters, COUNT_messages_in, messages);
    return p;
}

static struct verdict v1_decode(struct session *s, const uint8_t *bytes,
                                size_t n, struct decoded *out)
{
    const uint8_t *p = bytes, *end = bytes + n;
    struct target t = target_remembered(s);
    v1_note_target(s, &t);
    struct verdict v = verdict(VERDICT_GO_ON);
    struct frame name, message = {NULL, 0};
    uint64_t messages = 0;
    uint32_t limit = s->all->config.max_frame_bytes;
    const uint8_t *q; /* where the message frame begins, behind the name */
    for (;;) {
        if (t.channel)
            p = v1_append(s, &t, p, end);
        size_t left = (size_t)(end - p);
        if (is_same_name(&t, p, left)) {
            name.length = t.name_length;
        } else {
            q = p;
            v = v1_name(s, &t, p, left, &name);
            if (v.what != VERDICT_GO_ON || !name.body)
                break;
        }
        q = p + FRAME_HEAD_BYTES + name.length;
        enum frame_status have =
            frame_decode(q, (size_t)(end - q), limit, &message);
        if (have == FRAME_TOO_LONG)
            v = verdict_close(REASON_FRAME_TOO_LONG);
        if (have != FRAME_OK)
            break;
        uint32_t size = FRAME_HEAD_BYTES + message.length;
        v = v1_published(s, &t, target_publish(s, &t, q, size));
        if (v.what != VERDICT_GO_ON)
            break;
        messages++;
        p = q + size;
    }
    channel_ref_set(&s->last, s->all->core, t.channel);
    s->pub.messages_in += messages;
    counter_add(s->all->counters, COUNT_messages_in, messages);
    *out = (struct decoded){
        .taken = (size_t)(p - bytes),
        .head_bytes = (uint32_t)(q - p),
        .body_bytes = q > p ? (uint32_t)frame_size(message.length) : 0,
    };
    return v;
}

static struct verdict v1_complete(struct session *s)
{
    const struct partial *p = s->partial;
    struct target t;
    const uint8_t *name = p->head + FRAME_HEAD_BYTES;
    uint32_t length = p->head_bytes - FRAME_HEAD_BYTES;
    if (!identity_may_publish(s, name, length)) /* any more */
        return v1_deny(s, "PUB", name, length);
    struct verdict v = v1_find(s, &t, name, length);
    if (v.what != VERDICT_GO_ON)
        return v;
    if (!t.channel)
        counter_add(s->all->counters, t.nowhere, 1);
    else
        v = v1_published(s, &t, channel_publish_block(t.channel, p->body));
    channel_ref_set(&s->last, s->all->core, t.channel);
    s->pub.messages_in++;
    counter_add(s->all->counters, COUNT_messages_in, 1);
    return v;
}

/* The rest. */

static bool v1_must_rest(const struct session *s)
{
    (void)s;
    return false;
}

static struct verdict v1_judge(struct session *s, bool is_known)
{
    const struct channel *ch = s->sub.channel;
    if (s->state != SESSION_LEAVING) /* it is something else then */
        channel_ref_set(&s->last, s->all->core, NULL);
    bool is_allowed =
        !ch || identity_may_read(s, channel_name(ch), channel_name_length(ch));
    return is_known && is_allowed ? verdict(VERDICT_GO_ON)
                                  : v1_refuse(s, REASON_RIGHTS_REVOKED);
}

static struct channel *v1_target(const struct session *s)
{
    return channel_ref_get(&s->last, s->all->core);
}

static uint64_t v1_owed_bytes(const struct session *s)
{
    return s->sub.outbox->bytes;
}

static void v1_press(struct session *s)
{
    subscriber_press(&s->sub);
}

/* A client may take as long as it likes between frames. */
static void v1_await(struct session *s)
{
    waits_end(&s->waiting);
}

/* If the flush closed the session, the subscriber is NONE. */
static void v1_offer(struct session *s, struct subscriber *sub)
{
    session_flush(s);
    subscriber_flushed(sub);
}

static struct verdict v1_doom(struct session *s)
{
    (void)s;
    return verdict_close(REASON_SLOW_CONSUMER);
}

static struct verdict v1_end(struct session *s)
{
    (void)s;
    return verdict_close(REASON_EOF);
}

static bool v1_leave(struct session *s)
{
    subscriber_retire(&s->sub);
    return true;
}

static void v1_abandon(struct session *s)
{
    writer_end(s);
    subscriber_leave(&s->sub);
}

/* An orderly end would look like the answer to a goodbye. A goodbye may be on
 * its way, with messages that are not accepted any more; so a client that is
 * not subscribed, and thus is owed nothing, is reset. */
static struct verdict v1_stop(struct session *s)
{
    if (s->sub.state == SUBSCRIBER_NONE) {
        stream_abort_on_close(s->stream);
        return verdict_close(REASON_STOPPING);
    }
    return closing_hold(s);
}

/* Its gates will not open again. */
static struct verdict v1_freeze(struct session *s)
{
    return publisher_waits_for_such(&s->pub, queue_is_durable)
               ? v1_refuse(s, REASON_JOURNAL_FAILED)
               : verdict(VERDICT_GO_ON);
}

static struct verdict v1_time_out(struct session *s, enum wait_kind wait)
{
    static const enum reason reasons[WAIT_TOTAL] = {
        [WAIT_HELLO] = REASON_HELLO_TIMEOUT,
        [WAIT_FRAME] = REASON_FRAME_TIMEOUT,
        [WAIT_LEAVE] = REASON_LEAVE_TIMEOUT,
    };
    (void)s;
    return verdict_close(reasons[wait]);
}

static void v1_view(const struct session *s, clock_ms now, struct view *v)
{
    const struct subscriber *sub = &s->sub;
    if (sub->channel) {
        v->name = channel_name(sub->channel);
        v->name_length = channel_name_length(sub->channel);
    }
    v->number[VIEW_LANES] = sub->channel != NULL;
    v->number[VIEW_OUT] = sub->messages_out;
    v->number[VIEW_DROPPED] = sub->dropped;
    v->number[VIEW_DEPTH] = sub->outbox->messages;
    v->number[VIEW_BYTES] = sub->outbox->bytes;
    v->number[VIEW_AGE_MS] = backlog_age_ms(sub->outbox, now);
    channel_views_limits_of(v, sub);
}

const struct session_kind v1_kind = {
    .version = 1,
    .hello = v1_hello,
    .decode = v1_decode,
    .complete = v1_complete,
    .flush = writer_flush,
    .must_rest = v1_must_rest,
    .offer = v1_offer,
    .doom = v1_doom,
    .target = v1_target,
    .owed_bytes = v1_owed_bytes,
    .press = v1_press,
    .await = v1_await,
    .end = v1_end,
    .leave = v1_leave,
    .abandon = v1_abandon,
    .judge = v1_judge,
    .stop = v1_stop,
    .freeze = v1_freeze,
    .time_out = v1_time_out,
    .view = v1_view,
};

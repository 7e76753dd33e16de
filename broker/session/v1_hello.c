/* SPDX-License-Identifier: MIT */
#include "broker/session/v1_hello.h"

#include "broker/core/core.h"
#include "broker/core/name_class.h"
#include "broker/net/stream.h"
#include "broker/net/tls.h"
#include "broker/session/clients.h"
#include "broker/session/guest.h"
#include "broker/session/identity.h"
#include "broker/session/notice.h"
#include "broker/session/state.h"
#include "proto/channel_name.h"
#include "proto/frame.h"
#include "proto/greeting.h"
#include "proto/head.h"

/* Refuses a client that cannot become a session of version 1. The greeting of
 * another protocol is checked first: read as a length it is too long as well,
 * and the fifth byte of a TLS hello may be NUL. */
static struct verdict v1_judge_hello(const struct session *s,
                                     const uint8_t *bytes, size_t n,
                                     enum frame_status status, uint32_t length)
{
    const char *protocol =
        status == FRAME_TOO_LONG ? greeting_name(bytes) : NULL;
    if (protocol)
        return (struct verdict){VERDICT_CLOSE, REASON_FOREIGN_PROTOCOL,
                                protocol};
    bool may_be_later = n == FRAME_HEAD_BYTES && length <= HEAD_MAX;
    if (status != FRAME_TOO_LONG || may_be_later)
        return verdict(VERDICT_GO_ON);
    return verdict_close(length > s->all->config.max_frame_bytes
                             ? REASON_FRAME_TOO_LONG
                             : REASON_NAME_TOO_LONG);
}

/* A first frame that begins with NUL opts for a later version. */
static bool v1_is_later(const uint8_t *bytes, size_t n, uint32_t length)
{
    return n > FRAME_HEAD_BYTES && length > 0 && length <= HEAD_MAX &&
           bytes[FRAME_HEAD_BYTES] == '\0';
}

static bool v1_subscribe(struct session *s, const struct frame *name)
{
    struct core *core = s->all->core;
    enum name_class name_class =
        name->length == 0 ? NAME_NULL : name_class_of(name->body, name->length);
    if (name_class == NAME_NULL)
        return true;
    /* Bytes unsent in the kernel are held for the consumer in advance, too. */
    if (name_class == NAME_QUEUE) {
        stream_limit_unsent(s->stream, core_prefetch_bytes(core));
        guest_settle(s);
    }
    /* What the kernel still has of its messages outlives the broker. */
    stream_end_on_close(s->stream);
    return core_subscribe(core, &s->sub, name->body, name->length);
}

static bool v1_may_begin(const struct session *s, const struct frame *name)
{
    return identity_may_read(s, name->body, name->length);
}

/* Whether the client begins with TLS, and may. No name is so long that its
 * frame begins with that byte. */
static bool v1_is_tls(const struct session *s, const uint8_t *bytes, size_t n)
{
    const struct tls *tls = s->all->tls;
    return n > 0 && bytes[0] == TLS_FIRST_BYTE && tls && tls_current(tls) &&
           s->demands.may_use_tls && !tls_is_started(s->stream);
}

struct verdict v1_refuse(struct session *s, enum reason reason)
{
    stream_abort_on_close(s->stream);
    return verdict_close(reason);
}

struct verdict v1_deny(struct session *s, const char *what, const uint8_t *name,
                       size_t length)
{
    identity_note_denied(s, what, name, length);
    return v1_refuse(s, REASON_DENIED);
}

struct verdict v1_refuse_channel(struct session *s)
{
    static const enum reason reasons[] = {
        [REFUSAL_NO_MEMORY] = REASON_NO_MEMORY,
        [REFUSAL_STORE_CROWDED] = REASON_JOURNAL_CHANNELS,
        [REFUSAL_STORE_FAILED] = REASON_JOURNAL_FAILED,
    };
    return v1_refuse(s, reasons[core_refusal(s->all->core)]);
}

/* Refuses a client that its address, or the users file, does not admit. */
static struct verdict v1_admit(struct session *s)
{
    if (!s->demands.may_use_v1)
        return v1_refuse(s, REASON_VERSION);
    if (s->demands.must_use_tls && !tls_is_started(s->stream))
        return v1_refuse(s, REASON_TLS_REQUIRED);
    switch (identity_admit(s)) {
    case IDENTITY_UNKNOWN:
        return v1_refuse(s, REASON_AUTH_REQUIRED);
    case IDENTITY_CROWDED:
        return v1_refuse(s, REASON_USER_CONNECTIONS);
    default:
        return verdict(VERDICT_GO_ON);
    }
}

struct verdict v1_hello(struct session *s, const uint8_t *bytes, size_t n,
                        struct decoded *out)
{
    struct frame name;
    enum frame_status status = frame_decode(bytes, n, CHANNEL_NAME_MAX, &name);
    *out = (struct decoded){.taken = 0};
    if (v1_is_tls(s, bytes, n)) {
        out->taken = n;
        return tls_start(s->all->tls, s->stream, &s->peer, TLS_SPEAKS_SLUICE,
                         bytes, n)
                   ? verdict(VERDICT_GO_ON)
                   : verdict_close(REASON_NO_MEMORY);
    }
    if (v1_is_later(bytes, n, name.length)) {
        s->kind = SESSION_UNITS;
        return session_kind(s)->hello(s, bytes, n, out);
    }
    struct verdict v = v1_judge_hello(s, bytes, n, status, name.length);
    if (v.what != VERDICT_GO_ON || status != FRAME_OK)
        return v;
    v = v1_admit(s);
    if (v.what != VERDICT_GO_ON)
        return v;
    if (name.length > 0 && !v1_may_begin(s, &name))
        return v1_deny(s, "SUB", name.body, name.length);
    if (!v1_subscribe(s, &name))
        return v1_refuse_channel(s);
    out->taken = frame_size(name.length);
    waits_end(&s->waiting);
    state_set(s, SESSION_OPEN);
    notice_connected(s);
    return v;
}

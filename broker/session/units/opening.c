/* SPDX-License-Identifier: MIT */
#include "broker/session/units/opening.h"

#include <string.h>

#include "broker/net/tls.h"
#include "broker/session/identity.h"
#include "broker/session/notice.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/client_name.h"
#include "broker/session/units/keepalive.h"
#include "broker/session/units/login.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"
#include "proto/legality.h"

enum { SECRET_MAX = 4096, SIGNATURE_MAX = 64 };

static const char start[] = "\0SLUICE/";
enum { START_LENGTH = sizeof start - 1 };

bool opening_is_certain(const uint8_t *bytes, size_t n)
{
    return n >= FRAME_HEAD_BYTES + START_LENGTH &&
           head_is_opening(bytes + FRAME_HEAD_BYTES,
                           (uint32_t)(n - FRAME_HEAD_BYTES));
}

/* Whether a head of `length` octets, `n` of which are there, can be one. */
static bool opening_is_possible(const uint8_t *head, size_t n, uint32_t length)
{
    size_t compared = n < START_LENGTH ? n : START_LENGTH;
    return length > START_LENGTH && memcmp(head, start, compared) == 0;
}

static enum unit_error opening_judge(struct head *head, const uint8_t *text,
                                     uint32_t length, uint32_t body_length)
{
    enum unit_error error = head_parse_opening(head, text, length);
    if (error == UNIT_VERSION)
        return error;
    if (body_length > SECRET_MAX)
        return UNIT_TOO_BIG;
    return error != UNIT_OK ? error
                            : legality_of(head, &verb_opening, body_length);
}

static struct verdict opening_refuse(struct session *s, const struct head *head,
                                     enum unit_error error)
{
    struct verdict v = unit_refuse(s, head, error);
    return v.what == VERDICT_GO_ON ? verdict_goodbye(REASON_BAD_UNIT) : v;
}

static struct verdict opening_accept(struct session *s, const struct head *head)
{
    uint64_t ping_ms;
    if (head_has(head, UNIT_OPTION_ping) &&
        unit_option_read(UNIT_OPTION_ping, head->values[UNIT_OPTION_ping],
                         &ping_ms) &&
        !keepalive_set_period(s, (uint32_t)ping_ms))
        return verdict_close(REASON_NO_MEMORY);
    if (head_has(head, UNIT_OPTION_name) &&
        !client_name_set(s, head->values[UNIT_OPTION_name]))
        return verdict_close(REASON_NO_MEMORY);
    if (!answer_info(s))
        return verdict_close(REASON_NO_MEMORY);
    stream_end_on_close(s->stream); /* what is on disk is said in words */
    waits_end(&s->waiting);
    state_set(s, SESSION_OPEN);
    notice_connected(s);
    return verdict(VERDICT_GO_ON);
}

/* --- who it is ------------------------------------------------------------ */

static struct verdict opening_crowded(struct session *s)
{
    return unit_end(s, UNIT_BUSY, REASON_USER_CONNECTIONS);
}

static struct verdict opening_by_result(struct session *s,
                                        const struct head *head)
{
    switch (login_result(s)) {
    case LOGIN_RIGHT:
        return opening_accept(s, head);
    case LOGIN_WRONG:
        return opening_refuse(s, head, UNIT_AUTH);
    case LOGIN_BUSY:
        return opening_refuse(s, head, UNIT_BUSY);
    case LOGIN_CROWDED:
        return opening_crowded(s);
    default:
        return verdict_close(REASON_NO_MEMORY);
    }
}

static struct verdict opening_end_login(struct session *s)
{
    struct head head;
    login_head(s, &head);
    struct verdict v = opening_by_result(s, &head);
    login_end(s);
    return v;
}

/* By what its connection shows. */
static struct verdict opening_by_connection(struct session *s,
                                            const struct head *head)
{
    switch (identity_admit(s)) {
    case IDENTITY_ADMITTED:
        return opening_accept(s, head);
    case IDENTITY_CROWDED:
        return opening_crowded(s);
    default:
        return opening_refuse(s, head, UNIT_AUTH);
    }
}

/* A signature as far as it has come. */
struct arrival {
    bool is_wrong, is_whole;
    const uint8_t *body;
    uint32_t body_length;
    size_t size; /* of the unit */
};

static struct arrival signature_at(const uint8_t *p, size_t n)
{
    struct arrival a = {.is_wrong = false};
    struct head head;
    if (n < FRAME_HEAD_BYTES)
        return a;
    uint32_t length = frame_get_length(p);
    a.is_wrong = length == 0 || length > HEAD_MAX;
    if (a.is_wrong || n - FRAME_HEAD_BYTES < frame_size(length))
        return a;
    const char *text = (const char *)p + FRAME_HEAD_BYTES;
    a.body_length = frame_get_length(p + frame_size(length));
    a.body = p + frame_size(length) + FRAME_HEAD_BYTES;
    a.size = frame_size(length) + frame_size(a.body_length);
    a.is_wrong = head_parse(&head, text, length) != UNIT_OK ||
                 !span_is_text(head.word, "SIG") || head.argument_count > 0 ||
                 a.body_length > SIGNATURE_MAX;
    a.is_whole = n >= a.size;
    return a;
}

/* The client signs, and does nothing else before. */
static struct verdict opening_take_signature(struct session *s,
                                             const uint8_t *bytes, size_t n,
                                             struct decoded *out)
{
    struct arrival a = signature_at(bytes, n);
    if (!a.is_wrong && !a.is_whole)
        return verdict(VERDICT_GO_ON);
    login_judge_signature(s, a.body, a.is_wrong ? 0 : a.body_length);
    out->taken += a.is_wrong ? 0 : a.size;
    return opening_end_login(s);
}

static struct verdict opening_go_on(struct session *s, const uint8_t *bytes,
                                    size_t n, struct decoded *out)
{
    if (login_is_asked(s))
        return opening_take_signature(s, bytes, n, out);
    if (login_result(s) != LOGIN_PENDING)
        return opening_end_login(s);
    out->is_unread = n > 0;
    return verdict(VERDICT_GO_ON);
}

/* The opening is whole, and legal. */
static struct verdict opening_judge_client(struct session *s,
                                           const struct login_opening *o,
                                           const uint8_t *behind, size_t n,
                                           struct decoded *out)
{
    const struct head *head = o->head;
    bool shows =
        head_has(head, UNIT_OPTION_user) || head_has(head, UNIT_OPTION_mech);
    if (!s->all->identities || s->is_exempt)
        return opening_accept(s, head);
    if (!shows)
        return opening_by_connection(s, head);
    return login_begin(s, o) ? opening_go_on(s, behind, n, out)
                             : verdict_close(REASON_NO_MEMORY);
}

struct verdict opening_take(struct session *s, const uint8_t *bytes, size_t n,
                            struct decoded *out)
{
    struct head head;
    *out = (struct decoded){.taken = 0};
    if (login_exists(s))
        return opening_go_on(s, bytes, n, out);
    uint32_t length = frame_get_length(bytes);
    const uint8_t *text = bytes + FRAME_HEAD_BYTES;
    size_t left = n - FRAME_HEAD_BYTES;
    if (!opening_is_possible(text, left < length ? left : length, length))
        return verdict_close(REASON_VERSION_RESERVED);
    if (left < frame_size(length))
        return verdict(VERDICT_GO_ON);
    uint32_t body_length = frame_get_length(text + length);
    enum unit_error error = opening_judge(&head, text, length, body_length);
    if (error != UNIT_OK)
        return opening_refuse(s, &head, error);
    if (left - frame_size(length) < body_length)
        return verdict(VERDICT_GO_ON);
    if (s->demands.must_use_tls && !tls_is_started(s->stream))
        return unit_end(s, UNIT_AUTH, REASON_TLS_REQUIRED);
    struct login_opening opening = {.head = &head,
                                    .text = text,
                                    .length = length,
                                    .secret = text + frame_size(length),
                                    .secret_length = body_length};
    out->taken = frame_size(length) + frame_size(body_length);
    return opening_judge_client(s, &opening, bytes + out->taken, n - out->taken,
                                out);
}

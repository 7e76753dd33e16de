/* SPDX-License-Identifier: MIT */
#include "broker/session/units/opening.h"

#include <string.h>

#include "broker/net/tls.h"
#include "broker/session/identity.h"
#include "broker/session/notice.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/client_name.h"
#include "broker/session/units/keepalive.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"
#include "proto/legality.h"

enum { SECRET_MAX = 4096 };

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

/* Whether it is somebody. A password is not checked yet, and a signature is not
 * asked for: who has one of these alone is nobody. */
static bool opening_is_known(struct session *s, const struct head *head,
                             const uint8_t *secret, uint32_t length)
{
    bool has_user = head_has(head, UNIT_OPTION_user),
         has_mech = head_has(head, UNIT_OPTION_mech);
    struct span user = {NULL, 0};
    if (!s->all->identities || s->is_exempt)
        return true;
    if (!has_user && !has_mech)
        return identity_admit(s);
    if (has_user)
        user = head->values[UNIT_OPTION_user];
    return has_mech && span_is_text(head->values[UNIT_OPTION_mech], "token") &&
           identity_admit_token(s, user, secret, length);
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
    waits_end(&s->waiting);
    state_set(s, SESSION_OPEN);
    notice_connected(s);
    return verdict(VERDICT_GO_ON);
}

struct verdict opening_take(struct session *s, const uint8_t *bytes, size_t n,
                            struct decoded *out)
{
    struct head head;
    uint32_t length = frame_get_length(bytes);
    const uint8_t *text = bytes + FRAME_HEAD_BYTES;
    size_t left = n - FRAME_HEAD_BYTES;
    *out = (struct decoded){.taken = 0};
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
    if (!opening_is_known(s, &head, text + frame_size(length), body_length))
        return opening_refuse(s, &head, UNIT_AUTH);
    out->taken = frame_size(length) + frame_size(body_length);
    return opening_accept(s, &head);
}

/* SPDX-License-Identifier: MIT */
#include "broker/session/units/unit.h"

#include <stdio.h>

#include "broker/core/core.h"
#include "broker/session/clients.h"
#include "broker/session/identity.h"
#include "broker/session/state.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/verb_link.h"
#include "broker/session/units/verb_publish.h"
#include "broker/session/units/verb_request.h"
#include "broker/session/units/verb_subscribe.h"
#include "broker/session/units/verb_work.h"
#include "proto/legality.h"

enum { UNIT_WORD_ROOM = 16 }; /* of a verb */

/* NULL as `check`: there is nothing more to check. */
static const struct unit_row {
    /* Rules 11 to 14. */
    enum unit_error (*check)(struct session *s, struct unit *u);
    /* Rule 15, and the effect; answers. */
    struct verdict (*run)(struct session *s, struct unit *u);
} rows[VERB_CLIENT_COUNT] = {
    [VERB_BYE] = {NULL, verb_link_bye},
    [VERB_PING] = {NULL, verb_link_ping},
    [VERB_PONG] = {NULL, verb_link_pong},
    [VERB_PUB] = {verb_publish_check, verb_publish_run},
    [VERB_ACK] = {verb_work_check, verb_work_ack},
    [VERB_NAK] = {verb_work_check, verb_work_nak},
    [VERB_TOUCH] = {verb_work_check, verb_work_touch},
    [VERB_CREDIT] = {verb_work_check_credit, verb_work_credit},
    [VERB_REQ] = {verb_request_check, verb_request_run},
    [VERB_SUB] = {verb_subscribe_check, verb_subscribe_run},
    [VERB_UNSUB] = {verb_unsubscribe_check, verb_unsubscribe_run},
};

/* `confirm` is an option where something can be durable. */
static const struct verb *legality(const struct session *s,
                                   const struct head *head)
{
    return head->verb == VERB_PUB && keeper_is_open(&s->all->core->keeper)
               ? &verb_publish_durable
               : legality_row(head);
}

enum unit_error unit_judge(struct session *s, struct unit *u, const void *text,
                           uint32_t length, uint32_t body_length)
{
    enum unit_error error = head_parse(&u->head, text, length);
    if (body_length > s->all->config.max_frame_bytes)
        return UNIT_TOO_BIG;
    if (error != UNIT_OK)
        return error;
    error = legality_of(&u->head, legality(s, &u->head), body_length);
    if (error != UNIT_OK)
        return error;
    u->text = text;
    u->text_length = length;
    u->body_length = body_length;
    const struct unit_row *row = &rows[u->head.verb];
    if (!row->run)
        return UNIT_BAD_VERB;
    return row->check ? row->check(s, u) : UNIT_OK;
}

struct verdict unit_run(struct session *s, struct unit *u)
{
    return rows[u->head.verb].run(s, u);
}

/* Why the connection ends. */
static enum reason reason_of(enum unit_error error)
{
    switch (error) {
    case UNIT_TOO_BIG:
        return REASON_FRAME_TOO_LONG;
    case UNIT_VERSION:
        return REASON_VERSION;
    case UNIT_AUTH:
        return REASON_AUTH_REQUIRED;
    case UNIT_BUSY:
        return REASON_BUSY;
    case UNIT_IDLE:
        return REASON_IDLE;
    case UNIT_OVERRUN:
        return REASON_OVERRUN;
    default:
        return REASON_BAD_UNIT;
    }
}

static void unit_note_denied(struct session *s, const struct head *head)
{
    char what[UNIT_WORD_ROOM];
    const struct span *name = &head->arguments[0];
    snprintf(what, sizeof what, "%.*s", (int)head->word.length,
             head->word.text);
    if (head->argument_count > 0)
        identity_note_denied(s, what, name->text, name->length);
}

struct verdict unit_refuse(struct session *s, const struct head *head,
                           enum unit_error error)
{
    if (error == UNIT_DENIED)
        unit_note_denied(s, head);
    if (!answer_error(s, error, head->rid, head->word))
        return verdict_close(REASON_NO_MEMORY);
    return unit_error_is_fatal(error) ? verdict_goodbye(reason_of(error))
                                      : verdict(VERDICT_GO_ON);
}

struct verdict unit_end(struct session *s, enum unit_error error,
                        enum reason reason)
{
    struct span none = {NULL, 0};
    return answer_error(s, error, none, none) ? verdict_goodbye(reason)
                                              : verdict_close(REASON_NO_MEMORY);
}

struct verdict unit_done(struct session *s, const struct head *head)
{
    return answer_ok(s, head->rid) ? verdict(VERDICT_GO_ON)
                                   : verdict_close(REASON_NO_MEMORY);
}

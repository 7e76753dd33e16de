/* SPDX-License-Identifier: MIT */
#include "broker/session/units/verb_request.h"
#include "broker/session/identity.h"

#include "broker/core/core.h"
#include "broker/session/clients.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/replies.h"
#include "broker/session/units/requests.h"
#include "broker/session/units/routed.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"

enum { TIMEOUT_MS = 5000 };

enum unit_error verb_request_check(struct session *s, struct unit *u)
{
    enum unit_error error = routed_check(s, u);
    if (error == UNIT_OK && requests_count(s) >= s->all->config.requests_max)
        return UNIT_LIMIT;
    return error;
}

/* The channel, if it has a reader that can reply. One that only wildcards match
 * may not exist before its first message. */
static struct channel *responders(const struct session *s, const struct unit *u)
{
    enum counter_id nowhere;
    struct channel *ch =
        core_route(s->all->core, u->name, (uint32_t)u->name_length, &nowhere);
    return ch && channel_has_lanes(ch) ? ch : NULL;
}

static uint32_t timeout_of(const struct head *head)
{
    uint64_t timeout_ms = TIMEOUT_MS;
    if (head_has(head, UNIT_OPTION_timeout))
        (void)unit_option_read(UNIT_OPTION_timeout,
                               head->values[UNIT_OPTION_timeout], &timeout_ms);
    return (uint32_t)timeout_ms;
}

/* The unit that was parked is executed now: it does not end with its request.
 */
static struct request *unpark(struct request *r)
{
    if (r->parked)
        r->parked->request = NULL;
    r->parked = NULL;
    return r;
}

static struct verdict request_route(struct session *s, const struct unit *u,
                                    struct channel *ch, struct request *r)
{
    uint8_t text[ROUTED_TEXT_MAX];
    uint32_t n = routed_text(
        &u->head, (struct span){r->address, sizeof r->address}, text);
    counter_add(s->all->counters, COUNT_requests, 1);
    return routed_publish(u, ch, text, n) == PUBLISH_NO_MEMORY
               ? verdict_close(REASON_NO_MEMORY)
               : verdict(VERDICT_GO_ON);
}

struct verdict verb_request_run(struct session *s, struct unit *u)
{
    struct channel *ch = responders(s, u);
    struct request *r = u->parked ? u->parked->request : NULL;
    bool is_denied =
        u->parked && !identity_may_publish(s, u->name, u->name_length);
    if (!ch || is_denied) {
        if (r)
            requests_remove(unpark(r));
        return unit_refuse(s, &u->head,
                           is_denied ? UNIT_DENIED : UNIT_NO_RESPONDER);
    }
    if (!r)
        r = requests_add(s, u, timeout_of(&u->head));
    if (!r)
        return verdict_close(REASON_NO_MEMORY);
    return routed_must_wait(u, ch) ? routed_wait(s, u, ch, r)
                                   : request_route(s, u, ch, unpark(r));
}

struct verdict verb_request_reply(struct session *s, struct unit *u)
{
    struct request *r = requests_find(s, u->head.arguments[0]);
    return r && !r->reply ? replies_add(s, u, r)
                          : unit_refuse(s, &u->head, UNIT_GONE);
}

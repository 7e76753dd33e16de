/* SPDX-License-Identifier: MIT */
#include "broker/session/units/verb_link.h"

#include <string.h>

#include "broker/session/units/answer.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"

struct verdict verb_link_bye(struct session *s, struct unit *u)
{
    struct units *own = units_obtain(s);
    if (!own)
        return verdict_close(REASON_NO_MEMORY);
    own->bye_rid_length = (uint8_t)u->head.rid.length;
    if (u->head.rid.length > 0)
        memcpy(own->bye_rid, u->head.rid.text, u->head.rid.length);
    return verdict_goodbye(REASON_GOODBYE);
}

struct verdict verb_link_ping(struct session *s, struct unit *u)
{
    struct span token = {NULL, 0};
    if (u->head.argument_count > 0)
        token = u->head.arguments[0];
    return answer_pong(s, token, u->head.rid) ? verdict(VERDICT_GO_ON)
                                              : verdict_close(REASON_NO_MEMORY);
}

/* That something came was noticed when it was read. */
struct verdict verb_link_pong(struct session *s, struct unit *u)
{
    (void)s;
    (void)u;
    return verdict(VERDICT_GO_ON);
}

/* SPDX-License-Identifier: MIT */
#include "proto/verb.h"

#include "proto/unit_option.h"

#define RID          UNIT_BIT(rid)
#define WORK_OPTIONS (UNIT_BIT(ack) | UNIT_BIT(credit) | UNIT_BIT(wait))

/* name, arguments, last of them, body, headers, options, required */
const struct verb verbs[VERB_COUNT] = {
    [VERB_ACK] = {"ACK", 2, 2, VERB_NUMBER, VERB_EMPTY, false, RID, 0},
    [VERB_BYE] = {"BYE", 0, 0, VERB_NAME, VERB_EMPTY, false, RID, 0},
    [VERB_CREDIT] = {"CREDIT", 2, 2, VERB_NUMBER, VERB_EMPTY, false, RID, 0},
    [VERB_NAK] = {"NAK", 2, 2, VERB_NUMBER, VERB_TEXT, false,
                  RID | UNIT_BIT(delay), 0},
    [VERB_PING] = {"PING", 0, 1, VERB_TOKEN, VERB_EMPTY, false, RID, 0},
    [VERB_PONG] = {"PONG", 0, 1, VERB_TOKEN, VERB_EMPTY, false, 0, 0},
    [VERB_PUB] = {"PUB", 1, 1, VERB_NAME, VERB_PAYLOAD, true, RID, 0},
    [VERB_REQ] = {"REQ", 1, 1, VERB_NAME, VERB_PAYLOAD, true,
                  RID | UNIT_BIT(timeout), RID},
    [VERB_SUB] = {"SUB", 1, 1, VERB_NAME, VERB_EMPTY, false, RID | WORK_OPTIONS,
                  0},
    [VERB_TOUCH] = {"TOUCH", 2, 2, VERB_NUMBER, VERB_EMPTY, false, RID, 0},
    [VERB_UNSUB] = {"UNSUB", 1, 1, VERB_NAME, VERB_EMPTY, false, RID, 0},
    [VERB_CHAL] = {"CHAL", .least = 0},
    [VERB_ERR] = {"ERR", .least = 1},
    [VERB_GAP] = {"GAP", .least = 3},
    [VERB_GO] = {"GO", .least = 1},
    [VERB_HOLD] = {"HOLD", .least = 1},
    [VERB_INFO] = {"INFO", .least = 1},
    [VERB_MSG] = {"MSG", .least = 2},
    [VERB_OK] = {"OK", .least = 0},
    [VERB_REP] = {"REP", .least = 0},
};

const struct verb verb_publish_durable = {
    .name = "PUB",
    .least = 1,
    .most = 1,
    .body = VERB_PAYLOAD,
    .takes_headers = true,
    .options = RID | UNIT_BIT(confirm),
};

const struct verb verb_opening = {
    .body = VERB_PAYLOAD,
    .options =
        UNIT_BIT(name) | UNIT_BIT(ping) | UNIT_BIT(user) | UNIT_BIT(mech),
};

enum verb_id verb_find(struct span name)
{
    enum verb_id id = 0;
    while (id < VERB_COUNT && !span_is_text(name, verbs[id].name))
        id++;
    return id;
}

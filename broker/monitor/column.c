/* SPDX-License-Identifier: MIT */
#include "broker/monitor/column.h"

#define COUNTER COUNTER_KIND_COUNTER
#define GAUGE   COUNTER_KIND_GAUGE

const struct column columns[VIEW_NUMBERS] = {
    [VIEW_SUBSCRIBERS] = {"subscribers", "subscribers", GAUGE,
                          "clients subscribed to the channel", true},
    [VIEW_IN] = {"in", "messages_in_total", COUNTER,
                 "messages published to the channel", false},
    [VIEW_OUT] = {"out", "messages_out_total", COUNTER,
                  "messages handed to the kernel for its subscribers", false},
    [VIEW_DROPPED] = {"dropped", "dropped_total", COUNTER,
                      "messages dropped, once for each subscriber that missed "
                      "it",
                      false},
    [VIEW_DEPTH] = {"depth", "depth_messages", GAUGE,
                    "messages that wait, in the channel or for a subscriber",
                    false},
    [VIEW_BYTES] = {"bytes", "depth_bytes", GAUGE, "bytes that wait", false},
    [VIEW_HELD_BYTES] = {"held_bytes", "held_bytes", GAUGE,
                         "memory that its messages hold", true},
    [VIEW_PAUSED] = {"paused", "paused_publishers", GAUGE,
                     "publishers that wait for room in it", true},
    [VIEW_AGE_MS] = {"age_ms", "oldest_seconds", GAUGE,
                     "how long the oldest of its messages has waited", false},
    [VIEW_RECENT] = {"recent", NULL, GAUGE,
                     "messages in and out since the last document", false},
};

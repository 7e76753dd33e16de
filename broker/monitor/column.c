/* SPDX-License-Identifier: MIT */
#include "broker/monitor/column.h"

#define COUNTER COUNTER_KIND_COUNTER
#define GAUGE   COUNTER_KIND_GAUGE

const struct column columns[VIEW_NUMBERS] = {
    [VIEW_SUBSCRIBERS] = {"subscribers", "subscribers",
                          "clients subscribed to the channel", GAUGE, true},
    [VIEW_IN] = {"in", "messages_in_total", "messages published to the channel",
                 COUNTER, false},
    [VIEW_OUT] = {"out", "messages_out_total",
                  "messages handed to the kernel for its subscribers", COUNTER,
                  false},
    [VIEW_DROPPED] = {"dropped", "dropped_total",
                      "messages dropped, once for each subscriber that missed "
                      "it",
                      COUNTER, false},
    [VIEW_DEPTH] = {"depth", "depth_messages",
                    "messages that wait, in the channel or for a subscriber",
                    GAUGE, false},
    [VIEW_BYTES] = {"bytes", "depth_bytes", "bytes that wait", GAUGE, false},
    [VIEW_HELD_BYTES] = {"held_bytes", "held_bytes",
                         "memory that its messages hold", GAUGE, true},
    [VIEW_PAUSED] = {"paused", "paused_publishers",
                     "publishers that wait for room in it", GAUGE, true},
    [VIEW_PRESSED] = {"pressed", "pressed",
                      "1 while memory is short and the channel has to hold "
                      "back, 0 else",
                      GAUGE, true},
    [VIEW_LIMIT_BYTES] = {"limit_bytes", "limit_bytes",
                          "bytes at which publishers wait: in a queue, or "
                          "for one subscriber of a topic; 0: no limit",
                          GAUGE, false},
    [VIEW_LIMIT_MESSAGES] = {"limit_messages", "limit_messages",
                             "the same in messages; 0: no limit", GAUGE, false},
    [VIEW_AGE_MS] = {"age_ms", "oldest_seconds",
                     "how long the oldest of its messages has waited", GAUGE,
                     false},
    [VIEW_RECENT] = {"recent", NULL,
                     "messages in and out since the last document", GAUGE,
                     false},
};

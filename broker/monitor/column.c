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
                      "messages dropped, counted for each subscriber that "
                      "missed one",
                      COUNTER, false},
    [VIEW_DEPTH] = {"depth", "depth_messages",
                    "messages waiting, in the channel or for a subscriber",
                    GAUGE, false},
    [VIEW_BYTES] = {"bytes", "depth_bytes", "bytes waiting", GAUGE, false},
    [VIEW_HELD_BYTES] = {"held_bytes", "held_bytes",
                         "memory held by its messages", GAUGE, true},
    [VIEW_PAUSED] = {"paused", "paused_publishers",
                     "publishers waiting for room in it", GAUGE, true},
    [VIEW_PRESSED] = {"pressed", "pressed",
                      "1 while the channel is under pressure because memory "
                      "is short, else 0",
                      GAUGE, true},
    [VIEW_LIMIT_BYTES] = {"limit_bytes", "limit_bytes",
                          "bytes at which publishers wait: in a queue, or "
                          "for one subscriber of a topic; 0: no limit",
                          GAUGE, false},
    [VIEW_LIMIT_MESSAGES] = {"limit_messages", "limit_messages",
                             "the same in messages; 0: no limit", GAUGE, false},
    [VIEW_AGE_MS] = {"age_ms", "oldest_seconds",
                     "how long the oldest waiting message has waited", GAUGE,
                     false},
    [VIEW_RECENT] = {"recent", NULL,
                     "messages in and out since the last document", GAUGE,
                     false},
};

/* SPDX-License-Identifier: MIT
 *
 * hub - what the sessions of version 2 of one reactor share: who has something
 * to write, who may be read again, alarms, and the token of this run.
 */
#ifndef SLUICE_SESSION_UNITS_HUB_H
#define SLUICE_SESSION_UNITS_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/idmap.h"
#include "broker/base/list.h"
#include "broker/base/map.h"
#include "broker/base/wheel.h"
#include "broker/core/block.h"
#include "broker/core/interests.h"
#include "broker/core/store_ops.h"
#include "broker/session/units/acks.h"
#include "broker/session/units/burst.h"
#include "broker/session/units/errands.h"
#include "proto/frame.h"
#include "proto/head.h"

struct clients;
struct logins;
struct unit_render;

enum {
    HUB_RUN_DIGITS = 16,
    /* The longest answer but a reply: a head, and a sentence. */
    HUB_ANSWER_MAX =
        FRAME_HEAD_BYTES + HEAD_MAX + FRAME_HEAD_BYTES + VERB_TEXT_MAX,
};

/* An alarm that knows what to do. */
struct hub_alarm {
    struct alarm alarm;
    /* May close sessions, and set or cancel any alarm. */
    void (*ring)(struct hub_alarm *a);
};

struct unit_hub {
    struct clients *all;
    struct list writing;    /* struct units: something may be written */
    struct list rested;     /* struct units: their sessions may be read again */
    struct wheel wheel;     /* of hub_alarms */
    bool has_alarms;        /* false: the wheel need not be asked */
    struct account account; /* answers */
    char run[HUB_RUN_DIGITS + 1];   /* this start of the broker */
    uint8_t answer[HUB_ANSWER_MAX]; /* where one is put together */
    struct interests interests;     /* of struct wildcard */
    struct errands errands;         /* by which these find channels */
    struct errand sweep;            /* see sweep.h; */
    struct map_walk swept;          /* channels that it has come to, */
    struct hub_alarm sweep_alarm;   /* and when the next one is due */
    struct map requests;            /* unanswered, by address */
    struct idmap names;             /* of clients; see client_name.h */
    struct map parked;              /* struct parked, by session and channel */
    struct list synced;             /* struct synced_mark, the oldest first */
    enum store_state store_state;   /* that they know of */
    struct burst_place places[BURST_PLACES]; /* see burst.h */
    struct acks_place acks[ACKS_PLACES];     /* see acks.h */
    struct unit_render *render;              /* see unit_writer.c */
    struct logins *logins;                   /* NULL: there was none yet */
};

/* For session_kind. */
bool hub_open(struct clients *all);
void hub_close(struct clients *all);
void hub_write(struct clients *all);
bool hub_end_turn(struct clients *all);
void hub_tick(struct clients *all, clock_ms now);
uint32_t hub_wait_ms(const struct clients *all, clock_ms now);

/* Rings once, in `ms` from now, at most WHEEL_LONGEST_MS; set again if it was.
 */
void hub_set_alarm(struct unit_hub *hub, struct hub_alarm *a, uint32_t ms);

/* Harmless when it is not set. */
void hub_cancel_alarm(struct unit_hub *hub, struct hub_alarm *a);

#endif

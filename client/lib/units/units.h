/* SPDX-License-Identifier: MIT
 *
 * units - what a handle has in version 2 of the protocol, where everything sent
 * and received is a unit: a head, which is a line of text, and a body.
 *
 *     link      connects, opens, loses, comes back
 *     taker     a unit that arrived: what it changes, and the events it is
 *     pump      one step: takes, writes, reads or waits
 *     say       sends a unit, waiting for what it needs
 *
 * Above them are the calls of client/sluice.h: settings, open, next, subscribe,
 * publish_to, work. Events that a program is not there to take are kept
 * (kept.h) until it is.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_UNITS_H
#define SLUICE_CLIENT_LIB_UNITS_UNITS_H

#include "client/lib/approach.h"
#include "client/lib/handle.h"
#include "client/lib/units/calls.h"
#include "client/lib/units/held.h"
#include "client/lib/units/kept.h"
#include "client/lib/units/readers.h"
#include "client/lib/units/room.h"
#include "client/lib/units/topics.h"

enum sluice_link_state {
    SLUICE_LINK_ENDED,   /* for good, or not begun */
    SLUICE_LINK_PAUSING, /* until `due`, then DIALING */
    SLUICE_LINK_DIALING,
    SLUICE_LINK_OPENING, /* connected; INFO has not come yet */
    SLUICE_LINK_UP,
    SLUICE_LINK_LEAVING, /* BYE was sent */
};

struct sluice_link {
    enum sluice_link_state state;
    bool is_deaf;     /* the broker reads no more: nothing is sent */
    bool is_pinged;   /* PING was sent, and nothing came since */
    bool was_open;    /* once: `run` is known */
    bool is_new_run;  /* another one than on the connection before */
    bool is_left;     /* the program said goodbye */
    bool has_durable; /* the broker has durable queues */
    bool is_urgent;   /* the outbox has what the broker waits for */
    uint32_t number;  /* of the connection; 1 is the first */
    int pause_ms;     /* the next one's ceiling */
    int64_t opened;   /* CLOCK_MONOTONIC in milliseconds; 0: not yet */
    int64_t ping_ms;  /* period of keepalive; 0: none */
    uint64_t max;     /* octets of a body that the broker takes */
    int64_t heard;    /* CLOCK_MONOTONIC in milliseconds: something came */
    sluice_deadline due;
    struct sluice_approach approach;
    char run[128];
};

/* The events of what was taken last, which are made one by one. */
enum sluice_taken_kind {
    SLUICE_TAKEN_NOTHING,
    SLUICE_TAKEN_ONE,     /* `one`, with the headers of `head` */
    SLUICE_TAKEN_READERS, /* a MSG or GAP: one for each reader that matches */
    SLUICE_TAKEN_LOSS,    /* the connection: each unanswered call, then END */
};

struct sluice_taken {
    enum sluice_taken_kind kind;
    struct head head; /* its texts lie where the unit arrived */
    struct sluice_bytes body;
    struct sluice_bytes channel; /* decoded, in `name` */
    uint8_t name[SLUICE_CHANNEL_MAX];
    struct pattern_name cut;      /* the same; of READERS */
    struct sluice_reader *reader; /* the next one; NULL: none */
    uint64_t first, last;         /* numbers; of READERS */
    uint64_t due;                 /* the number that did not come; 0: none */
    bool is_bye;                  /* of LOSS */
    struct sluice_failure loss;   /* of LOSS: why */
    struct sluice_event one;      /* its texts are constants or in `head` */
    struct span reason, run;      /* of ONE */
};

struct sluice_settings {
    char *address; /* NULL: an attached socket */
    char *name, *user, *mech;
    char *proof; /* NULL when empty */
    uint32_t proof_length;
    int ping_ms; /* -1: the broker's */
    bool reconnects;
    uint32_t window;    /* calls */
    bool syncs;         /* receipts come when messages are on disk */
    bool syncs_durable; /* the same if the broker has durable queues */
};

struct sluice_units {
    struct sluice_settings settings;
    struct sluice_link link;
    struct sluice_calls calls;
    struct sluice_readers readers;
    struct sluice_topics topics;
    struct sluice_held held;
    struct sluice_kept kept;
    struct sluice_taken taken;
    struct sluice_room shown;     /* the event that the program has */
    struct sluice_room spare;     /* one that is about to be kept */
    struct sluice_failure failed; /* the first call since sluice_confirm() */
    char code[64];                /* of the last refusal; "" when none */
    uint64_t lost;                /* messages */
};

/* Those of the handle, made when they are needed first; NULL without memory,
 * which is the handle's failure then. */
struct sluice_units *sluice_units_of(struct sluice *s);

/* Receipts come when messages are on disk, if the broker has durable queues.
 * False without memory, which is the handle's failure then. */
bool sluice_units_sync_durable(struct sluice *s);

/* Forgets everything but the settings. */
void sluice_units_reset(struct sluice_units *u);

/* Puts a unit behind what is to be sent, whatever room there is: for what must
 * not wait. Without memory the connection is over. */
void sluice_units_append(struct sluice *s, struct span head,
                         struct sluice_bytes body);

/* A call has failed: the first is what sluice_confirm() returns. */
void sluice_units_note_failure(struct sluice_units *u, enum sluice_error error,
                               const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

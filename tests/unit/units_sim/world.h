/* SPDX-License-Identifier: MIT
 *
 * world - all that a simulation of sessions knows: the broker as it is built,
 * on virtual wires, and a model of each client. A model knows what its client
 * sent, and sees what the broker writes in the order in which it is written.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_WORLD_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/core/rule.h"
#include "tests/unit/chance.h"
#include "tests/unit/house.h"

enum {
    TOPICS = 5,
    QUEUES = 3,
    BUSY_ACTORS = 10,              /* the others only come in the end, */
    ACTORS = BUSY_ACTORS + QUEUES, /* to take what is left in queues */
    CHANNELS = TOPICS + QUEUES,
    WILDCARDS = 4,
    PATTERNS = CHANNELS + WILDCARDS,
    ASKS = 512,     /* a power of two */
    HOLDINGS = 128, /* messages of queues that one client has and not settled */
    DUTIES = 32,    /* requests that one client may reply to */
    SERIALS = 256,  /* publishers whose order a reader remembers */
    HEARD_ROOM = 160 << 10,
    MAX_FRAME = 100000,
    REQUESTS_MAX = 6,
    SUBSCRIPTIONS_MAX = 9,
    HOLD_BYTES = 8000,
    PING_MS = 20000,
    LEAVE_MS = 3000,
    PATIENCE_MS = 700,
};

/* A channel: as octets, and as it is written in heads. */
struct name {
    const char *octets, *spelled;
    const char *policy; /* NULL: a queue */
    uint32_t hold;
};

/* A pattern: the channels it matches, a bit each. The first ones are those of
 * the channels themselves. */
struct wild {
    const char *spelled;
    uint32_t matches;
};

extern const struct name names[CHANNELS];
extern const struct wild patterns[PATTERNS];

static inline bool is_queue(int channel)
{
    return channel >= TOPICS;
}

static inline bool is_exact(int pattern)
{
    return pattern < CHANNELS;
}

static inline bool is_matched(int pattern, int channel)
{
    return patterns[pattern].matches >> channel & 1;
}

static inline bool is_of_queues(int pattern)
{
    return patterns[pattern].matches >> TOPICS != 0;
}

enum fate {
    FATE_UNKNOWN, /* not seen yet */
    FATE_DONE,    /* of a queue: acknowledged, or taken by a plain consumer */
    FATE_MAYBE,   /* of a queue: the same, or returned */
    FATE_NEVER,   /* nobody may ever get it */
};

/* What was published; the body carries its place in the world's list. */
struct message {
    uint32_t serial; /* of its publisher */
    uint32_t length;
    uint32_t before;      /* the one before it, of the same publisher to the
                             same channel; 0: none */
    uint64_t number;      /* 0: not known */
    uint32_t holder;      /* serial of the worker that got it last; 0: nobody */
    uint32_t other;       /* of a request the reply that was accepted, of a
                             reply the request; 0: none */
    uint32_t sure, maybe; /* complete deliveries to workers */
    clock_ms came_at;     /* to that worker */
    uint64_t given_back;  /* where the NAK ends in what its holder sent, */
    uint64_t given_back_turn; /* when that was read, and */
    clock_ms not_before;      /* when the next may come, if is_delayed */
    uint8_t channel;
    uint8_t fate;
    bool was_taken; /* by the broker: it read all of it, or sent a receipt */
    bool is_request, is_delayed;
    bool is_ambiguous; /* it may be with another than `holder` */
    bool is_replied;   /* a reply was accepted */
};

enum ask_kind {
    ASK_SUB,
    ASK_UNSUB,
    ASK_PUB,
    ASK_REQ,
    ASK_ACK,
    ASK_NAK,
    ASK_TOUCH,
    ASK_CREDIT,
    ASK_PING,
    ASK_REPLY,
    ASK_BYE,
    ASK_BAD, /* something that is refused */
    ASK_KINDS
};

/* A unit, or a version 1 message, that was sent. */
struct ask {
    uint64_t end; /* of it, in the stream of what was sent */
    uint32_t rid; /* 0: none */
    uint8_t kind;
    uint8_t what;     /* a channel, a pattern, or a row of bad units */
    bool is_answered; /* or needs no answer */
    bool was_read;
    const char *expects; /* SUB, UNSUB, CREDIT, BAD: the code of the error;
                            NULL: it will be done */
    clock_ms read_at;
    uint64_t read_turn;
    uint32_t message; /* of PUB, REQ, ACK, NAK, TOUCH, REPLY; 0: none known */
    uint32_t ms;      /* REQ: timeout; NAK: delay */
    uint32_t wait_ms; /* ACK, NAK, TOUCH: of the holding, */
    clock_ms since;   /* and when its clock began */
    bool is_held;     /* the same: it was held when this was said */
    bool is_touched;  /* `since` is only the earliest time */
    uint32_t least, most; /* PUB, REQ: readers that the channel had meanwhile */
    uint32_t least_lanes; /* of them, of version 2 */
};

struct subscription {
    bool is_on;        /* as answered */
    bool will_be_on;   /* when all that was sent has been executed */
    uint8_t under_way; /* SUBs and UNSUBs without an answer */
    uint8_t ending;    /* UNSUBs among them */
    bool is_work;
    uint32_t credit; /* the most it ever was */
    uint32_t wait_ms;
};

/* What a client of version 2 knows of a topic. */
struct reader {
    bool is_known; /* something was received since it subscribed */
    bool must_be_new;
    uint64_t last;
};

/* A message of a queue that a worker has got completely. */
struct holding {
    uint32_t message;
    uint8_t pattern;
    bool is_doubtful; /* it may be settled already */
    bool is_touched;  /* `since` is only the earliest time */
    clock_ms since;   /* its clock began */
};

struct duty {
    char address[72];
    uint32_t message; /* the request */
};

struct actor {
    bool is_here;
    uint8_t version;
    int wire;
    uint32_t serial;    /* of this connection */
    uint32_t appetite;  /* bytes that it takes in a turn */
    uint64_t sent;      /* bytes */
    uint64_t was_read;  /* of them */
    clock_ms read_at;   /* the last of those */
    clock_ms rested_at; /* the last time that what was read was not executed */
    bool has_rested;
    uint64_t rested_turn;
    uint32_t held_back; /* channels that it was asked to hold, a bit each */
    uint32_t ping_ms;
    bool uses_wildcards; /* for queues */
    bool is_leaving;     /* sent a BYE, an end, or something fatal */
    bool is_broken;      /* closed or reset by itself */
    bool has_info, has_bye;
    bool is_doomed; /* was sent a fatal error */
    uint32_t rids;
    struct ask asks[ASKS];
    uint32_t first_ask, next_ask, next_read; /* modulo ASKS */
    struct subscription subs[PATTERNS];
    struct reader readers[CHANNELS];
    struct holding holdings[HOLDINGS];
    int held;
    struct duty duties[DUTIES];
    int duty_count;
    uint32_t requests;   /* without an answer */
    uint32_t errors_due; /* without a rid, */
    uint32_t pongs_due;  /* and these */
    uint32_t last_published[CHANNELS];
    /* Of version 1: */
    int channel; /* -1: none */
    uint64_t hello_end;
    struct {
        uint32_t serial, message;
    } order[SERIALS];
    uint32_t heard_bytes;
    uint8_t heard[HEARD_ROOM];
};

/* What a run allows for. */
struct mood {
    bool is_short;     /* memory is */
    bool is_faulty;    /* allocations fail */
    bool is_receipted; /* only version 2 publishes, always with a rid */
    bool may_change;   /* rules do */
    bool ends_by_drain;
    bool is_cut;   /* reads and writes are */
    bool may_leap; /* the machine stands still now and then */
};

struct report;

struct sim {
    struct house house;
    struct rule rules[CHANNELS + 1];
    struct mood mood;
    uint64_t random;
    struct report *report;
    int log_fd;
    uint32_t serials; /* connections, */
    uint64_t turns;   /* and turns so far */
    struct actor actors[ACTORS];
    struct message *messages; /* from 1 on */
    uint32_t message_count, message_room;
    uint32_t *by_number[CHANNELS]; /* messages; 0: not known */
    uint64_t number_room[CHANNELS];
    uint32_t unsure[CHANNELS]; /* messages without a receipt; requests are */
    bool is_calm;              /* nothing new is published */
    bool has_leapt;            /* time went past what a timer was set for */
    bool is_draining;
};

static inline uint32_t chance(struct sim *sim, uint32_t n)
{
    return chance_of(&sim->random, n);
}

/* True once in `n` times. */
static inline bool once_in(struct sim *sim, uint32_t n)
{
    return chance(sim, n) == 0;
}

static inline struct message *message_at(struct sim *sim, uint32_t id)
{
    return &sim->messages[id];
}

#endif

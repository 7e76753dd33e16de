/* SPDX-License-Identifier: MIT
 *
 * units - what a session of version 2 keeps beyond what all sessions have. It
 * exists only while there is something to keep, so that an idle session costs
 * as little as one of version 1.
 */
#ifndef SLUICE_SESSION_UNITS_UNITS_H
#define SLUICE_SESSION_UNITS_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/idmap.h"
#include "broker/base/list.h"
#include "broker/base/map.h"
#include "broker/core/backlog.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "broker/session/units/errands.h"
#include "broker/session/units/hub.h"
#include "broker/session/units/synced.h"

enum {
    UNITS_RID_MAX = 32,
    /* Unsent answers: at this bound the session rests until half is gone. */
    UNITS_ANSWERS_MAX = 64 << 10,
    /* From here on they are written at once, while one more receipt fits: a
     * message that finds no room for its receipt takes a longer way. */
    UNITS_ANSWERS_MANY = UNITS_ANSWERS_MAX - 256,
};

/* How far the end of a session has come. */
enum units_end {
    UNITS_GOES_ON,
    UNITS_ENDS,     /* BYE is due when all else has been written */
    UNITS_SAID_BYE, /* it is among the answers, or written */
};

struct pledges;
struct ration;

struct started {
    struct subscriber *sub; /* NULL: none was */
    uint64_t number;        /* of the message, or the last one of the gap */
    uint64_t gap_first;     /* 0: it is a message */
    uint32_t sent;          /* bytes */
    bool is_memory;         /* why there is the gap */
};

struct barrier {
    bool is_set;
    bool is_working; /* the units' errand has to be done first */
    bool has_number; /* the answer carries it */
    uint32_t lanes;  /* that must end, or be told what their marks say, first */
    struct subscriber *sub; /* the answer carries its number by then; NULL: this
                               one */
    uint64_t number;
    uint8_t rid_length;
    char rid[UNITS_RID_MAX];
};

struct units {
    struct session *session;
    struct list writing;     /* in the hub's list, */
    struct list rested;      /* or in this one, */
    struct backlog *answers; /* unsent; each is a message */
    struct block *room;      /* where the next one goes; NULL: in a new one */
    struct backlog *rest;    /* of a unit whose lane has gone */
    struct pledges *pledges; /* NULL: nothing of a queue is pledged */
    struct list lanes;       /* further ones; struct lane */
    struct idmap index;      /* these by channel; empty while they are few */
    struct list *walk;       /* the next one; see lanes_walk. NULL: none */
    bool walks_own;          /* the session's own subscriber is next */
    uint32_t exact_count;    /* of these: read by their own names */
    struct list fresh;       /* lanes that were offered something; dirty */
    struct list output;      /* lanes with more than the socket took */
    struct list early;       /* lanes that wait for the barrier; dirty */
    struct list wildcards;   /* struct wildcard */
    struct idmap patterns;   /* these by pattern; empty while they are few */
    uint32_t wildcard_count, lane_count;
    struct wildcard *changing; /* begins or ends; NULL: none does */
    struct errand errand;      /* which is then this */
    struct map_walk channels;  /* those that it has come to */
    bool is_overrun;           /* it would need a lane that cannot be made */
    struct list requests;      /* struct request, not answered yet */
    uint32_t request_count;
    struct list replies;     /* struct reply, for it, and */
    struct list own_replies; /* by it, that wait for room */
    struct synced synced;    /* receipts that wait for the disk */
    struct list parked;      /* struct parked: publishes without room */
    uint64_t parked_bytes;   /* of them, as they came */
    uint32_t parked_count;
    bool is_held_back;      /* and rests until there are fewer */
    struct ration *ration;  /* NULL: its user may send, or it was not told */
    bool reads_null;        /* it has subscribed to that name */
    struct started started; /* the unit that was written in part */
    struct barrier barrier; /* the answer that follows messages */
    uint64_t discard_bytes; /* of a refused body, which are still to come */
    struct hub_alarm ping;  /* unless the period is that of the broker */
    uint32_t ping_ms;       /* 0: none; UNITS_PING_DEFAULT */
    clock_ms pinged_at;     /* the last time */
    uint8_t end;            /* enum units_end */
    bool is_pinged;         /* and nothing has come since; see `ping` */
    bool has_hung_up;       /* its side is closed; that is not read yet */
    bool has_pledged;       /* the stream has, since it was last written */
    uint8_t
        bye_rid_length; /* 0: the client's BYE had none, or there was none */
    char bye_rid[UNITS_RID_MAX];
};

enum { UNITS_PING_DEFAULT = UINT32_MAX };

/* Those of the session, made if there are none yet; NULL without memory. */
struct units *units_obtain(struct session *s);

/* Where answers can be put one behind another: `n` bytes, more than 0, or more
 * (*room). NULL without memory. */
uint8_t *units_answer_room(struct session *s, uint32_t n, uint32_t *room);

/* So many bytes of answers were put there; they are written when the turn ends.
 * False without memory. */
bool units_answers_added(struct session *s, uint32_t n, uint32_t answers);

/* The same for answers that wait elsewhere until they are added: room for `n`
 * bytes behind the first `used` ones of *block, which may be NULL, or become
 * another. False without memory. */
bool units_make_room(struct session *s, struct block **block, uint32_t n);

/* Adds so many answers, which lie in a slice. False without memory. */
bool units_add_answers(struct session *s, const struct slice *slice);

/* Adds an answer, which is copied. False without memory. */
bool units_add_answer(struct session *s, const uint8_t *bytes, uint32_t n);

/* When many answers wait in the middle of a turn: writes what the socket takes
 * at once, so that a client that takes its answers is read on without a rest.
 * Does nothing where something else has to be written before. */
void units_relieve(struct session *s);

/* So many bytes of the answers were written. */
void units_answers_sent(struct session *s, size_t bytes);

/* Frees them if there is nothing left to keep. */
void units_tidy(struct session *s);

/* Frees them, with all that they keep. */
void units_free(struct session *s);

/* There is something to write: it is written when the turn ends. */
void units_write_later(struct units *u);

/* Whether the session has to rest before it is read on: it takes no answers, or
 * has too much parked. */
bool units_must_rest(const struct session *s);

/* Has the session read on, if it rests and need not any more. */
void units_review_rest(struct session *s);

/* How many of `n` bytes are of a refused body. */
size_t units_discard(struct session *s, size_t n);

static inline struct unit_hub *units_hub(const struct session *s)
{
    return s->all->hub;
}

#endif

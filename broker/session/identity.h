/* SPDX-License-Identifier: MIT
 *
 * identity - which user the client of a session is, and what it may. Without a
 * users file nobody is asked, and everybody may do everything. It is kept apart
 * from the session: those without users pay nothing for it, and it is asked for
 * only when a client names another channel than before.
 */
#ifndef SLUICE_SESSION_IDENTITY_H
#define SLUICE_SESSION_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/session/clients.h"
#include "broker/session/state.h"

struct credential;
struct network;
struct pattern;
struct user_limits;
struct users;

/* Takes an owner of `users`: from now on clients are asked. Sessions go on by
 * those of before, until each of them has been moved; see review.h. False
 * without memory, and then nothing is taken. */
bool identities_set(struct clients *all, struct users *users);

/* Those of before, NULL when there are none. */
const struct users *identities_old(const struct clients *all);

/* All sessions have been moved. */
void identities_forget_old(struct clients *all);

enum identity_change {
    IDENTITY_SAME,    /* it may do what it might */
    IDENTITY_CHANGED, /* it is who it was, with other rights */
    IDENTITY_NOBODY,  /* it is nobody any more */
};

/* Moves a session to the users of now. */
enum identity_change identity_move(struct session *s);

enum { IDENTITIES_SHOWN = 100 };

/* A user that has connections, or was denied something, as watchers see it. */
struct identity_view {
    const char *user; /* NULL: all beyond IDENTITIES_SHOWN */
    uint64_t users;   /* how many these are */
    uint64_t connections;
    uint64_t memory_bytes; /* that they hold, of those with a limit of that */
    uint64_t denied;       /* times */
    const struct user_limits *limits; /* NULL without `user` */
};

/* What a walk over users calls for each; `view` is valid until it returns. */
typedef void identity_view_fn(void *arg, const struct identity_view *view);

/* Calls `visit` for each. */
void identities_show(const struct clients *all, identity_view_fn *visit,
                     void *arg);

/* For the end: sessions are gone. */
void identities_fini(struct clients *all);

/* The session has begun on socket `fd`. False without memory. */
bool identity_begin(struct session *s, int fd);

/* Forgets who it was. */
void identity_end(struct session *s);

/* What the client has shown; NULL: nobody has asked it, or not yet. */
const struct credential *identity_shown(const struct session *s);

enum identity_answer {
    IDENTITY_ADMITTED,
    IDENTITY_UNKNOWN, /* it is nobody, or there is no memory */
    IDENTITY_CROWDED, /* its user has as many connections as it may have */
};

/* Whether the client is somebody by its connection. */
enum identity_answer identity_admit(struct session *s);

/* For the functions below: there is a users file. */

/* By whom clients are judged. */
struct users *identity_users(const struct session *s);

/* Grows when these change. */
uint64_t identity_generation(const struct session *s);

/* Where it comes from. False: a unix socket. */
bool identity_source(const struct session *s, struct network *source);

/* What the connection alone shows. NULL: nobody's, or of a user that may not
 * come from there. */
const struct credential *identity_connection(const struct session *s);

/* Admits the client, which has shown `c`, of these users. UNKNOWN also when
 * that user may not come from there, or the client's certificate is another
 * user's.
 */
enum identity_answer identity_admit_as(struct session *s,
                                       const struct credential *c);

/* So much was read from the client. */
void identity_charge(const struct session *s, uint64_t messages,
                     uint64_t bytes);
bool identity_judge_excess(const struct session *s);

/* Whether its user may send half of a second's worth at once. */
bool identity_has_room(const struct session *s);

/* For the inline functions below, if users have limits of memory. */
void identity_judge_weight(struct session *s);
bool identity_judge_fullness(const struct session *s);
void identities_judge_weights(struct clients *all);

/* Whether its user may publish to a channel, subscribe to one, or subscribe to
 * a pattern. */
bool identity_judge_publish(const struct session *s, const uint8_t *name,
                            size_t length);
bool identity_judge_read(const struct session *s, const uint8_t *name,
                         size_t length);
bool identity_judge_pattern(const struct session *s, const struct pattern *p);

/* The client has tried what its user may not, with that channel or pattern;
 * `what` is a word for it. Counts it, and logs one a second for each session
 * and channel, ten for each user. */
void identity_note_denied(struct session *s, const char *what, const void *name,
                          size_t length);

/* Whether it has to wait: its user has sent as much as it may for now, or it
 * has begun a message for which its user holds too much. */
static inline bool identity_is_over(const struct session *s)
{
    return s->all->identities && identity_judge_excess(s);
}

/* What the session holds may have changed. */
static inline void identity_weigh(struct session *s)
{
    if (s->all->weighs_users)
        identity_judge_weight(s);
}

/* Whether its user holds as much memory as it may. */
static inline bool identity_is_full(const struct session *s)
{
    return s->all->weighs_users && identity_judge_fullness(s);
}

/* Presses users that hold too much. Called in each turn. */
static inline void identities_press(struct clients *all)
{
    if (all->weighs_users)
        identities_judge_weights(all);
}

/* The same whether there is a users file or not: without one it may. */
static inline bool identity_may_publish(const struct session *s,
                                        const uint8_t *name, size_t length)
{
    return !s->all->identities || identity_judge_publish(s, name, length);
}

static inline bool identity_may_read(const struct session *s,
                                     const uint8_t *name, size_t length)
{
    return !s->all->identities || identity_judge_read(s, name, length);
}

static inline bool identity_may_subscribe(const struct session *s,
                                          const struct pattern *p)
{
    return !s->all->identities || identity_judge_pattern(s, p);
}

#endif

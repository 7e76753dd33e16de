/* SPDX-License-Identifier: MIT
 *
 * reactor - one event loop. It runs in turns: take a few steps of the chores
 * that are due, wait, call back for what happened, end the turn, free what was
 * deferred. Everything that belongs to a
 * reactor is used by the thread that runs it and by no other.
 */
#ifndef SLUICE_NET_REACTOR_H
#define SLUICE_NET_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/list.h"

struct reactor;

/* The first reactor must be made before any other call to libevent. NULL when
 * the system refuses, with the reason in errno. */
struct reactor *reactor_new(void);

/* Streams, listeners, timers and signals must be gone. */
void reactor_free(struct reactor *r);

/* Runs turns until reactor_stop. `end_turn` is called after the callbacks of
 * each turn; it returns true when there is more to do at once, and then the
 * next turn does not wait. */
void reactor_run(struct reactor *r, bool (*end_turn)(void *arg), void *arg);

/* Runs one turn. Returns true when there is more to do at once: `end_turn` said
 * so, or a chore is due. */
bool reactor_turn(struct reactor *r, bool may_wait, bool (*end_turn)(void *arg),
                  void *arg);

/* The loop ends after this turn. */
void reactor_stop(struct reactor *r);

/* The turn ends after the callback that is running. Callbacks that were also
 * due come first in the next turn, which does not wait. */
void reactor_yield(struct reactor *r);

/* The time of this turn. */
clock_ms reactor_now_ms(struct reactor *r);

enum { REACTOR_STEPS_MAX = 4 };

/* Work that comes in small steps and must not delay what is ready: before each
 * turn at most REACTOR_STEPS_MAX steps are taken, one of each chore in
 * rotation. A step, to accept a connection for example, takes as long as some
 * hundred messages, so all of them together delay what is ready by about as
 * much as a turn takes. */
struct chore {
    struct list link;
    /* Takes a step. True: there may be more to do. Must not free the chore. */
    bool (*step)(struct chore *c);
};

/* Not due yet. */
static inline void chore_init(struct chore *c, bool (*step)(struct chore *c))
{
    list_init(&c->link);
    c->step = step;
}

/* The chore is due from the next turn on; harmless if it is already. */
void reactor_add_chore(struct reactor *r, struct chore *c);

/* The chore is not due any more; harmless if it was not. */
static inline void reactor_remove_chore(struct chore *c)
{
    list_remove(&c->link);
}

/* An object to be freed once no callback can be running for it. */
struct deferred {
    struct deferred *next;
    void (*free)(struct deferred *d);
};

/* `d` is embedded in the object to be freed; d->free is called once, at the end
 * of the turn. */
void reactor_defer(struct reactor *r, struct deferred *d);

struct reactor_timer;

/* Calls `fire` once per start, from the loop; may be started again from it.
 * NULL when there is no memory. */
struct reactor_timer *reactor_timer_new(struct reactor *r,
                                        void (*fire)(void *arg), void *arg);
void reactor_timer_free(struct reactor_timer *t); /* NULL is allowed */

/* Starts or restarts the timer. False when there is no memory. */
bool reactor_timer_start(struct reactor_timer *t, uint32_t ms);
bool reactor_timer_is_running(const struct reactor_timer *t);

struct reactor_signal;

/* Calls `fire` from the loop, never from a signal handler. NULL when the
 * system refuses. */
struct reactor_signal *reactor_signal_new(struct reactor *r, int signo,
                                          void (*fire)(void *arg, int signo),
                                          void *arg);
void reactor_signal_free(struct reactor_signal *s); /* NULL is allowed */

struct reactor_file;

/* Calls `fire` from the loop while `fd`, which is borrowed, is readable. NULL
 * when the system refuses. */
struct reactor_file *reactor_file_new(struct reactor *r, int fd,
                                      void (*fire)(void *arg), void *arg);
void reactor_file_free(struct reactor_file *f); /* NULL is allowed */

/* For the other files of net/. */
struct event_base;
struct event_base *reactor_base(struct reactor *r);

/* What happens there is a chore. */
struct lobby;
const struct lobby *reactor_lobby(const struct reactor *r);

#endif

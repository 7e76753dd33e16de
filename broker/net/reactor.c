/* SPDX-License-Identifier: MIT */
#include "broker/net/reactor.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "broker/base/list.h"
#include "broker/net/event_pool.h"
#include "broker/net/lobby.h"

struct reactor {
    struct event_pool *pool;
    struct event_base *base;
    struct deferred *deferred;
    struct list chores; /* due, in rotation */
    struct lobby lobby;
    struct event *lobby_event; /* something has happened there */
    struct chore lobby_chore;  /* looking at it */
    clock_ms now;
    bool has_now; /* `now` is of this turn */
    bool is_stopped;
};

struct reactor_timer {
    struct event *event;
    void (*fire)(void *arg);
    void *arg;
};

struct reactor_file {
    struct event *event;
    void (*fire)(void *arg);
    void *arg;
};

struct reactor_signal {
    struct event *event;
    void (*fire)(void *arg, int signo);
    void *arg;
};

/* One thread owns the base, so it needs no locks. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static bool reactor_look_into_lobby(struct chore *c)
{
    return lobby_step(&LIST_OF(c, struct reactor, lobby_chore)->lobby);
}

static void on_lobby(evutil_socket_t fd, short what, void *arg)
{
    struct reactor *r = arg;
    (void)fd;
    (void)what;
    reactor_add_chore(r, &r->lobby_chore);
}

static bool reactor_open_lobby(struct reactor *r)
{
    chore_init(&r->lobby_chore, reactor_look_into_lobby);
    if (!lobby_open(&r->lobby))
        return false;
    r->lobby_event =
        event_new(r->base, r->lobby.fd, EV_READ | EV_PERSIST, on_lobby, r);
    return r->lobby_event && event_add(r->lobby_event, NULL) == 0;
}

static void reactor_close(struct reactor *r)
{
    if (r->lobby_event)
        event_free(r->lobby_event);
    if (r->lobby.fd >= 0)
        lobby_close(&r->lobby);
    if (r->base)
        event_base_free(r->base);
    event_pool_free(r->pool);
    free(r);
}

struct reactor *reactor_new(void)
{
    struct reactor *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    list_init(&r->chores);
    r->lobby.fd = -1;
    r->pool = event_pool_new();
    r->base = r->pool ? new_base() : NULL;
    if (r->base && reactor_open_lobby(r))
        return r;
    int err = errno;
    reactor_close(r);
    errno = err;
    return NULL;
}

static void reactor_free_deferred(struct reactor *r)
{
    while (r->deferred) {
        struct deferred *d = r->deferred;
        r->deferred = d->next;
        d->free(d);
    }
}

void reactor_free(struct reactor *r)
{
    reactor_free_deferred(r);
    reactor_close(r);
}

void reactor_add_chore(struct reactor *r, struct chore *c)
{
    if (list_is_empty(&c->link))
        list_insert(&r->chores, &c->link);
}

/* True if there were any. */
static bool reactor_do_chores(struct reactor *r)
{
    bool had_any = !list_is_empty(&r->chores);
    for (int i = 0; i < REACTOR_STEPS_MAX; i++) {
        struct list *link = list_pop(&r->chores);
        if (!link)
            break;
        struct chore *c = LIST_OF(link, struct chore, link);
        if (c->step(c))
            reactor_add_chore(r, c);
    }
    return had_any;
}

bool reactor_turn(struct reactor *r, bool may_wait, bool (*end_turn)(void *arg),
                  void *arg)
{
    event_pool_use(r->pool);
    r->has_now = false;
    if (reactor_do_chores(r))
        may_wait = false;
    event_base_loop(r->base,
                    may_wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
    bool again = end_turn(arg) || !list_is_empty(&r->chores);
    reactor_free_deferred(r);
    event_pool_use(NULL); /* another reactor's may be set up next */
    return again;
}

void reactor_run(struct reactor *r, bool (*end_turn)(void *arg), void *arg)
{
    bool again = false;
    r->is_stopped = false;
    while (!r->is_stopped)
        again = reactor_turn(r, !again, end_turn, arg);
}

void reactor_stop(struct reactor *r)
{
    r->is_stopped = true;
}

void reactor_yield(struct reactor *r)
{
    (void)event_base_loopbreak(r->base);
}

clock_ms reactor_now_ms(struct reactor *r)
{
    if (!r->has_now) {
        r->now = clock_now_ms();
        r->has_now = true;
    }
    return r->now;
}

void reactor_defer(struct reactor *r, struct deferred *d)
{
    d->next = r->deferred;
    r->deferred = d;
}

struct event_base *reactor_base(struct reactor *r)
{
    return r->base;
}

const struct lobby *reactor_lobby(const struct reactor *r)
{
    return &r->lobby;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct reactor_timer *t = arg;
    (void)fd;
    (void)what;
    t->fire(t->arg);
}

struct reactor_timer *reactor_timer_new(struct reactor *r,
                                        void (*fire)(void *arg), void *arg)
{
    struct reactor_timer *t = malloc(sizeof *t);
    if (!t)
        return NULL;
    *t = (struct reactor_timer){evtimer_new(r->base, on_timer, t), fire, arg};
    if (!t->event) {
        free(t);
        return NULL;
    }
    return t;
}

void reactor_timer_free(struct reactor_timer *t)
{
    if (!t)
        return;
    event_free(t->event);
    free(t);
}

bool reactor_timer_start(struct reactor_timer *t, uint32_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    return evtimer_add(t->event, &tv) == 0;
}

bool reactor_timer_is_running(const struct reactor_timer *t)
{
    return evtimer_pending(t->event, NULL);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
    struct reactor_signal *s = arg;
    (void)what;
    s->fire(s->arg, signo);
}

struct reactor_signal *reactor_signal_new(struct reactor *r, int signo,
                                          void (*fire)(void *arg, int signo),
                                          void *arg)
{
    struct reactor_signal *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (struct reactor_signal){evsignal_new(r->base, signo, on_signal, s),
                                 fire, arg};
    if (!s->event || evsignal_add(s->event, NULL) != 0) {
        if (s->event)
            event_free(s->event);
        free(s);
        return NULL;
    }
    return s;
}

void reactor_signal_free(struct reactor_signal *s)
{
    if (!s)
        return;
    event_free(s->event);
    free(s);
}

static void on_file(evutil_socket_t fd, short what, void *arg)
{
    struct reactor_file *f = arg;
    (void)fd;
    (void)what;
    f->fire(f->arg);
}

struct reactor_file *reactor_file_new(struct reactor *r, int fd,
                                      void (*fire)(void *arg), void *arg)
{
    struct reactor_file *f = malloc(sizeof *f);
    if (!f)
        return NULL;
    *f = (struct reactor_file){
        event_new(r->base, fd, EV_READ | EV_PERSIST, on_file, f), fire, arg};
    if (!f->event || event_add(f->event, NULL) != 0) {
        if (f->event)
            event_free(f->event);
        free(f);
        return NULL;
    }
    return f;
}

void reactor_file_free(struct reactor_file *f)
{
    if (!f)
        return;
    event_free(f->event);
    free(f);
}

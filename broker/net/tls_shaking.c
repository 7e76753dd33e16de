/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_shaking.h"

#include <assert.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/base/throttle.h"
#include "broker/net/peer.h"
#include "broker/net/reactor.h"
#include "broker/net/suspects.h"
#include "broker/net/tls_lines.h"
#include "broker/net/tls_link.h"

enum { LOOK_MS = 250, THREAD_NICE = 5 };

struct tls_shaking {
    struct reactor *reactor;
    struct counters *counters;
    struct event *event; /* of the bell */
    int bell;            /* eventfd, rung by threads when something is done */
    struct chore chore;  /* taking it back */
    struct reactor_timer *timer;
    /* Of the loop. */
    struct list greeting;     /* the one that began first at the front */
    uint64_t greeting_bytes;  /* of all these */
    struct tls_lines waiting; /* for a place */
    uint32_t crowd;           /* the most of them since there were none */
    struct list silent;       /* have a place and wait for their client, the one
                                 that was answered first at the front */
    uint32_t places;          /* taken */
    uint32_t away;            /* of these, with a thread */
    uint16_t host_places[PEER_HOSTS];
    struct suspects suspects;
    struct throttle failures[PEER_HOSTS];
    clock_ms blocked_until[PEER_HOSTS];
    bool is_blocked[PEER_HOSTS];
    /* Of the threads and the loop, under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct tls_lines going_on, beginning; /* ready for a thread */
    struct list done;
    bool is_ending;
    uint32_t threads_wanted, threads_running;
    pthread_t threads[TLS_THREADS_MAX];
};

/* The threads. */

/* The next to be computed; NULL if none. Under the lock. */
static struct tls_link *shaking_next(struct tls_shaking *s)
{
    struct tls_link *l = tls_lines_pop(&s->going_on, NULL, NULL);
    return l ? l : tls_lines_pop(&s->beginning, NULL, NULL);
}

static void *thread_run(void *arg)
{
    struct tls_shaking *s = arg;
    /* What goes on is dearer than what begins. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), THREAD_NICE);
    pthread_mutex_lock(&s->lock);
    while (!s->is_ending) {
        struct tls_link *l = shaking_next(s);
        if (!l) {
            pthread_cond_wait(&s->has_work, &s->lock);
            continue;
        }
        pthread_mutex_unlock(&s->lock);
        tls_link_step(l);
        pthread_mutex_lock(&s->lock);
        bool is_first = list_is_empty(&s->done);
        list_insert(&s->done, &l->link);
        if (is_first)
            (void)eventfd_write(s->bell, 1);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Signals are the loop's. */
static bool threads_start(struct tls_shaking *s)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (s->threads_running < s->threads_wanted &&
           pthread_create(&s->threads[s->threads_running], NULL, thread_run,
                          s) == 0)
        s->threads_running++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return s->threads_running > 0;
}

/* Gives it to a thread; false when there is none. */
static bool shaking_compute(struct tls_shaking *s, struct tls_lines *ready,
                            struct tls_link *l)
{
    if (!threads_start(s))
        return false;
    l->transport.is_away = true;
    s->away++;
    pthread_mutex_lock(&s->lock);
    tls_lines_push(ready, l);
    pthread_cond_signal(&s->has_work);
    pthread_mutex_unlock(&s->lock);
    return true;
}

/* Places. */

uint32_t tls_shaking_patience_ms(uint32_t crowd)
{
    uint32_t n = crowd < TLS_HALF_OPEN_MAX ? crowd : TLS_HALF_OPEN_MAX;
    return TLS_PEER_MS -
           (TLS_PEER_MS - TLS_PEER_LEAST_MS) * n / TLS_HALF_OPEN_MAX;
}

/* When the first of the silent ones may have to give way. */
static void shaking_look_later(struct tls_shaking *s, clock_ms now)
{
    uint32_t ms = LOOK_MS, quiet_ms = LOOK_MS;
    if (tls_lines_count(&s->waiting) == 0) {
        s->crowd = 0;
        return;
    }
    uint32_t patience_ms = tls_shaking_patience_ms(s->crowd);
    if (!list_is_empty(&s->silent))
        quiet_ms = clock_elapsed_ms(
            now, LIST_OF(s->silent.next, struct tls_link, link)->since);
    if (quiet_ms < patience_ms && patience_ms - quiet_ms < ms)
        ms = patience_ms - quiet_ms;
    (void)reactor_timer_start(s->timer, ms);
}

static void place_give_up(struct tls_shaking *s, const struct tls_link *l)
{
    assert(s->places > 0 && s->host_places[l->host] > 0);
    s->places--;
    s->host_places[l->host]--;
    counter_set(s->counters, COUNT_tls_half_open, s->places);
}

static bool host_may_begin(const void *arg, uint32_t host)
{
    const struct tls_shaking *s = arg;
    return s->host_places[host] < TLS_HALF_OPEN_HOST_MAX &&
           !s->is_blocked[host];
}

/* The client has kept its place so long that it gives way to others: of the
 * host if that has its share of places, of any when all are taken. */
static struct tls_link *shaking_silent_one(const struct tls_shaking *s,
                                           clock_ms now)
{
    bool is_full = s->places >= TLS_HALF_OPEN_MAX;
    uint32_t patience_ms = tls_shaking_patience_ms(s->crowd);
    LIST_EACH (link, &s->silent) {
        struct tls_link *l = LIST_OF(link, struct tls_link, link);
        if (clock_elapsed_ms(now, l->since) < patience_ms)
            return NULL;
        if (is_full || (s->host_places[l->host] >= TLS_HALF_OPEN_HOST_MAX &&
                        tls_lines_have(&s->waiting, l->host)))
            return l;
    }
    return NULL;
}

static void shaking_fail(struct tls_link *l, enum tls_fault fault)
{
    tls_link_fail(l, fault);
    l->is_end_due = true;
}

/* A host that fails often waits before its next handshake. */
static void shaking_note_failure(struct tls_shaking *s,
                                 const struct tls_link *l)
{
    static const struct throttle_rate rate = {TLS_FAILURES, 1, TLS_FAILURES_MS};
    clock_ms now = reactor_now_ms(s->reactor);
    suspects_note(&s->suspects, l->mark, now);
    if (l->is_exempt || throttle_pass(&s->failures[l->host], now, rate, 1) == 1)
        return;
    s->is_blocked[l->host] = true;
    s->blocked_until[l->host] = now + TLS_FAILURES_MS;
}

/* It has a place: its client gets an answer. */
static void shaking_begin(struct tls_shaking *s, struct tls_link *l)
{
    s->places++;
    s->host_places[l->host]++;
    counter_set(s->counters, COUNT_tls_half_open, s->places);
    l->transport.is_away = l->is_waiting = false;
    bool is_begun = tls_link_begin(l);
    tls_link_charge(l); /* before a thread has it */
    if (!is_begun || !shaking_compute(s, &s->beginning, l)) {
        place_give_up(s, l);
        shaking_fail(l, TLS_NO_MEMORY);
        stream_wake(l->transport.stream);
    }
}

/* The first of the silent ones that must give way does. */
static bool shaking_crowd_out(struct tls_shaking *s, clock_ms now)
{
    struct tls_link *l = shaking_silent_one(s, now);
    if (!l)
        return false;
    list_remove(&l->link);
    place_give_up(s, l);
    shaking_note_failure(s, l);
    shaking_fail(l, TLS_CROWDED);
    stream_wake(l->transport.stream);
    return true;
}

/* Gives the places that are free, or whose clients are silent, to those that
 * wait. */
static void shaking_give_places(struct tls_shaking *s)
{
    clock_ms now = reactor_now_ms(s->reactor);
    for (uint32_t i = 0; i < PEER_HOSTS; i++)
        if (s->is_blocked[i] &&
            (int32_t)(uint32_t)(now - s->blocked_until[i]) >= 0)
            s->is_blocked[i] = false;
    if (tls_lines_count(&s->waiting) > s->crowd)
        s->crowd = tls_lines_count(&s->waiting);
    while (tls_lines_count(&s->waiting) > 0) {
        struct tls_link *l = s->places < TLS_HALF_OPEN_MAX
                                 ? tls_lines_pop(&s->waiting, host_may_begin, s)
                                 : NULL;
        if (l)
            shaking_begin(s, l);
        else if (!shaking_crowd_out(s, now))
            break;
    }
    shaking_look_later(s, now);
}

static void shaking_on_timer(void *arg)
{
    shaking_give_places(arg);
}

/* Its client has been answered, and is waited for. */
static void shaking_rest(struct tls_shaking *s, struct tls_link *l)
{
    struct list *at = s->silent.prev;
    if (l->since == 0)
        l->since = reactor_now_ms(s->reactor);
    while (at != &s->silent &&
           (int32_t)(uint32_t)(LIST_OF(at, struct tls_link, link)->since -
                               l->since) > 0)
        at = at->prev;
    list_insert(at->next, &l->link);
}

/* A step was computed. */
static void shaking_take_back(struct tls_shaking *s, struct tls_link *l)
{
    l->transport.is_away = false;
    s->away--;
    if (l->is_abandoned) {
        place_give_up(s, l);
        tls_link_free(l);
        return;
    }
    if (l->state == TLS_FAILED) {
        place_give_up(s, l);
        shaking_note_failure(s, l);
        shaking_fail(l, (enum tls_fault)l->fault);
    } else if (l->state == TLS_OPEN) {
        place_give_up(s, l);
        l->is_whole = l->in.used > 0;
        tls_tally_complete(&l->shared->tally, reactor_now_ms(s->reactor),
                           clock_now_us() - l->begun_us);
        counter_add(s->counters, COUNT_tls_handshakes, 1);
        if (SSL_session_reused(l->ssl))
            counter_add(s->counters, COUNT_tls_resumed, 1);
    } else {
        shaking_rest(s, l);
    }
    tls_link_charge(l);
    stream_wake(l->transport.stream);
}

/* One of those that threads have computed. To send an answer takes longer than
 * to deliver a message, and the threads go on while the loop is busy. */
static bool shaking_step(struct chore *c)
{
    struct tls_shaking *s = LIST_OF(c, struct tls_shaking, chore);
    pthread_mutex_lock(&s->lock);
    struct list *link = list_pop(&s->done);
    bool are_more = !list_is_empty(&s->done);
    pthread_mutex_unlock(&s->lock);
    if (link)
        shaking_take_back(s, LIST_OF(link, struct tls_link, link));
    shaking_give_places(s);
    return are_more;
}

static void shaking_on_bell(evutil_socket_t fd, short what, void *arg)
{
    struct tls_shaking *s = arg;
    eventfd_t rings;
    (void)what;
    (void)eventfd_read((int)fd, &rings);
    reactor_add_chore(s->reactor, &s->chore);
}

uint32_t tls_shaking_waiting(const struct tls_shaking *s)
{
    return tls_lines_count(&s->waiting);
}

/* What the links call. */

static void shaking_ungreet(struct tls_shaking *s, struct tls_link *l)
{
    list_remove(&l->link);
    s->greeting_bytes -= l->greeted;
    l->greeted = 0;
}

void tls_shaking_greet(struct tls_shaking *s, struct tls_link *l)
{
    if (list_is_empty(&l->link))
        list_insert(&s->greeting, &l->link);
    s->greeting_bytes += l->in.used - l->greeted;
    l->greeted = (uint32_t)l->in.used;
    while (s->greeting_bytes > TLS_GREETING_MAX) {
        l = LIST_OF(s->greeting.next, struct tls_link, link);
        shaking_ungreet(s, l);
        shaking_fail(l, TLS_CROWDED);
        stream_wake(l->transport.stream);
    }
}

bool tls_shaking_join(struct tls_shaking *s, struct tls_link *l)
{
    shaking_ungreet(s, l);
    l->state = TLS_WAITING;
    l->is_suspect =
        suspects_have(&s->suspects, l->mark, reactor_now_ms(s->reactor));
    l->transport.is_away = l->is_waiting = true;
    tls_lines_push(&s->waiting, l);
    shaking_give_places(s);
    return !l->is_end_due; /* a thread may have it: its state is not ours */
}

bool tls_shaking_go_on(struct tls_shaking *s, struct tls_link *l)
{
    list_remove(&l->link); /* not silent any more */
    if (shaking_compute(s, &s->going_on, l))
        return true;
    place_give_up(s, l);
    return false;
}

void tls_shaking_leave(struct tls_shaking *s, struct tls_link *l)
{
    if (l->is_waiting) {
        tls_lines_remove(&s->waiting, l);
        l->is_waiting = l->transport.is_away = false;
    } else if (l->transport.is_away) {
        return; /* a thread has it */
    } else if (l->state == TLS_GREETING) {
        shaking_ungreet(s, l);
    } else if (l->state == TLS_SHAKING) {
        list_remove(&l->link);
        place_give_up(s, l);
        shaking_note_failure(s, l);
    }
}

/* Beginning and end. */

static bool shaking_open(struct tls_shaking *s)
{
    s->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->bell < 0)
        return false;
    s->timer = reactor_timer_new(s->reactor, shaking_on_timer, s);
    s->event = event_new(reactor_base(s->reactor), s->bell,
                         EV_READ | EV_PERSIST, shaking_on_bell, s);
    return s->timer && s->event && event_add(s->event, NULL) == 0;
}

struct tls_shaking *tls_shaking_new(struct reactor *r,
                                    struct counters *counters, uint32_t threads)
{
    struct tls_shaking *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->reactor = r;
    s->counters = counters;
    s->threads_wanted = threads;
    chore_init(&s->chore, shaking_step);
    tls_lines_init(&s->waiting);
    tls_lines_init(&s->going_on);
    tls_lines_init(&s->beginning);
    list_init(&s->greeting);
    list_init(&s->silent);
    list_init(&s->done);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->has_work, NULL);
    if (shaking_open(s))
        return s;
    tls_shaking_free(s);
    return NULL;
}

/* Links of streams that were closed while these were away. */
static void shaking_free_abandoned(struct tls_shaking *s)
{
    struct list *link;
    while ((link = list_pop(&s->done)) != NULL)
        shaking_take_back(s, LIST_OF(link, struct tls_link, link));
    struct tls_link *l;
    while ((l = shaking_next(s)) != NULL)
        shaking_take_back(s, l);
    assert(s->away == 0 && s->places == 0 && tls_lines_count(&s->waiting) == 0);
}

void tls_shaking_free(struct tls_shaking *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->is_ending = true;
    pthread_cond_broadcast(&s->has_work);
    pthread_mutex_unlock(&s->lock);
    for (uint32_t i = 0; i < s->threads_running; i++)
        pthread_join(s->threads[i], NULL);
    reactor_remove_chore(&s->chore);
    shaking_free_abandoned(s);
    reactor_timer_free(s->timer);
    if (s->event)
        event_free(s->event);
    if (s->bell >= 0)
        close(s->bell);
    pthread_cond_destroy(&s->has_work);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

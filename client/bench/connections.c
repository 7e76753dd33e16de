/* SPDX-License-Identifier: MIT */
#include "client/bench/connections.h"

#include "client/bench/ledger.h"
#include "client/lib/foreign.h"
#include "client/lib/handle.h"
#include "client/stop_signal.h"
#include "proto/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    CONNECTIONS_SCRATCH_BYTES = 256 << 10,
    CONNECTIONS_EVENTS = 256,
    CONNECTIONS_DIAL_MS = 5000,
};

/* The owner of an event: a subscriber's index, a publisher's after them, or
 * this. */
#define CONNECTIONS_STOP_SIGNAL UINT32_MAX

static bool connections_fail(struct connections *c, enum sluice_error error,
                             const char *sentence)
{
    (void)sluice_failure_set(&c->failure, error, "%s", sentence);
    return false;
}

static bool connections_fail_with_errno(struct connections *c, const char *what)
{
    (void)sluice_failure_set(&c->failure, SLUICE_BROKEN, "%s: %s", what,
                             strerror(errno));
    return false;
}

/* TLS has words of its own. */
static bool connections_broke(struct connections *c, const struct sluice *link,
                              const char *whose)
{
    const struct sluice_failure *tls = sluice_wire_failure(&link->wire);
    if (tls)
        c->failure = *tls;
    else
        (void)sluice_failure_set(&c->failure, SLUICE_BROKEN, "%s broke: %s",
                                 whose, strerror(errno));
    return false;
}

/* --- opening ------------------------------------------------------------- */

/* Nobody is asked for a sign of life: a benchmark may last, and its subscribers
 * say nothing. */
static enum sluice_error connections_begin(const struct plan *plan,
                                           struct sluice *s)
{
    if (!plan->speech.has_units)
        return target_connect(plan->target, s, CONNECTIONS_DIAL_MS);
    enum sluice_error error = sluice_set_ping(s, 0);
    return error == SLUICE_OK
               ? target_open(plan->target, s, CONNECTIONS_DIAL_MS)
               : error;
}

/* A handle of the library is the connection, but once that is open its bytes
 * are ours: the broker says nothing more until it is asked. */
static struct sluice *connections_dial(struct connections *c)
{
    struct sluice *s = sluice_new();
    if (s && connections_begin(c->plan, s) == SLUICE_OK)
        return s;
    if (s)
        c->failure = s->failure;
    else
        (void)connections_fail(c, SLUICE_NO_MEMORY, "out of memory");
    sluice_free(s);
    return NULL;
}

static bool connections_watch(struct connections *c, int fd, uint32_t events,
                              uint32_t who)
{
    struct epoll_event event = {.events = events, .data.u32 = who};
    if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return true;
    return connections_fail_with_errno(c, "cannot wait for a connection");
}

static struct ledger *connections_ledgers_of(struct connections *c,
                                             uint32_t subscriber)
{
    size_t skip = c->plan->is_queue ? 0 : c->plan->publishers;
    return c->ledgers + subscriber * skip;
}

static bool connections_add_subscriber(struct connections *c, uint32_t index)
{
    struct bench_subscriber *s = &c->subscribers[index];
    struct sluice *link = connections_dial(c);
    if (!link)
        return false;
    if (!bench_subscriber_init(s, link, c->plan, &c->tally,
                               connections_ledgers_of(c, index)))
        return connections_fail(c, SLUICE_NO_MEMORY, "out of memory");
    if (!bench_subscriber_hello(s))
        return connections_fail_with_errno(c, "cannot subscribe");
    return connections_watch(c, sluice_fd(link), EPOLLIN, index);
}

static uint64_t connections_share(const struct plan *plan, uint32_t publisher)
{
    if (plan->count == 0)
        return UINT64_MAX;
    return plan->count / plan->publishers +
           (publisher < plan->count % plan->publishers);
}

static bool connections_add_publisher(struct connections *c, uint32_t index)
{
    struct bench_publisher *p = &c->publishers[index];
    struct sluice *link = connections_dial(c);
    if (!link)
        return false;
    if (!bench_publisher_init(p, link, &c->plan->speech, c->plan->size))
        return connections_fail(c, SLUICE_NO_MEMORY, "out of memory");
    p->share = connections_share(c->plan, index);
    /* Edge-triggered: to ask for room only while there is none would cost two
     * system calls each time. */
    return connections_watch(c, sluice_fd(link), EPOLLIN | EPOLLOUT | EPOLLET,
                             c->plan->subscribers + index);
}

static bool connections_alloc(struct connections *c)
{
    const struct plan *plan = c->plan;
    size_t rows = plan->is_queue ? 1 : plan->subscribers;
    c->ledgers = calloc(rows * plan->publishers, sizeof *c->ledgers);
    c->publishers = calloc(plan->publishers, sizeof *c->publishers);
    c->subscribers = calloc(plan->subscribers, sizeof *c->subscribers);
    c->scratch = malloc(CONNECTIONS_SCRATCH_BYTES);
    if (!c->ledgers || !c->publishers || !c->subscribers || !c->scratch)
        return false;
    for (uint32_t i = 0; i < plan->publishers; i++)
        c->publishers[i].link = NULL;
    for (uint32_t i = 0; i < plan->subscribers; i++)
        c->subscribers[i].link = NULL;
    return batch_init(&c->probes, plan->speech.head, sizeof(struct stamp),
                      plan->subscribers);
}

bool connections_open(struct connections *c, const struct plan *plan)
{
    *c = (struct connections){.plan = plan, .epoll = -1};
    if (!connections_alloc(c))
        return connections_fail(c, SLUICE_NO_MEMORY, "out of memory");
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->epoll < 0)
        return connections_fail_with_errno(c, "cannot wait for connections");
    /* It stays readable, so it must be reported once only. */
    if (!connections_watch(c, stop_signal_fd(), EPOLLIN | EPOLLONESHOT,
                           CONNECTIONS_STOP_SIGNAL))
        return false;
    for (uint32_t i = 0; i < plan->subscribers; i++)
        if (!connections_add_subscriber(c, i))
            return false;
    for (uint32_t i = 0; i < plan->publishers; i++)
        if (!connections_add_publisher(c, i))
            return false;
    c->heard_ns = stamp_clock_ns();
    return true;
}

static void connections_close_ledgers(struct connections *c)
{
    size_t rows = c->plan->is_queue ? 1 : c->plan->subscribers;
    for (size_t i = 0; i < rows * c->plan->publishers; i++)
        ledger_fini(&c->ledgers[i]);
    free(c->ledgers);
}

void connections_close(struct connections *c)
{
    for (uint32_t i = 0; c->publishers && i < c->plan->publishers; i++)
        bench_publisher_fini(&c->publishers[i]);
    for (uint32_t i = 0; c->subscribers && i < c->plan->subscribers; i++)
        bench_subscriber_fini(&c->subscribers[i]);
    if (c->ledgers)
        connections_close_ledgers(c);
    batch_fini(&c->probes);
    free(c->publishers);
    free(c->subscribers);
    free(c->scratch);
    if (c->epoll >= 0)
        close(c->epoll);
}

/* --- running ------------------------------------------------------------- */

static bool connections_refused(struct connections *c, const char *head)
{
    (void)sluice_failure_set(&c->failure, SLUICE_REFUSED, "the broker says %s",
                             head);
    return false;
}

static bool connections_read_subscriber(struct connections *c,
                                        struct bench_subscriber *s)
{
    ssize_t n =
        sluice_wire_read(&s->link->wire, c->scratch, CONNECTIONS_SCRATCH_BYTES);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n < 0)
        return connections_broke(c, s->link, "the connection of a subscriber");
    if (s->refusal[0] != '\0')
        return connections_refused(c, s->refusal);
    if (n == 0)
        return connections_fail(
            c, SLUICE_CLOSED,
            "the broker closed the connection of a subscriber");
    if (!s->has_heard &&
        sluice_foreign_find(c->scratch, (size_t)n, &c->failure))
        return false;
    s->has_heard = true;
    c->heard_ns = stamp_clock_ns();
    bench_subscriber_take(s, c->scratch, (size_t)n, c->heard_ns);
    if (c->tally.is_out_of_memory)
        return connections_fail(c, SLUICE_NO_MEMORY, "out of memory");
    return bench_subscriber_flush(s) ||
           connections_broke(c, s->link, "the connection of a subscriber");
}

/* What TLS has opened already is not shown by the socket. */
static bool connections_on_subscriber(struct connections *c,
                                      struct bench_subscriber *s)
{
    bool is_sound;
    do
        is_sound = connections_read_subscriber(c, s);
    while (is_sound && sluice_wire_has_more(&s->link->wire));
    return is_sound;
}

/* In version 1 nothing is sent to a publisher: all it can read is the end. */
static bool connections_publisher_heard(struct connections *c,
                                        struct bench_publisher *p, size_t n)
{
    if (!p->has_heard && sluice_foreign_find(c->scratch, n, &c->failure))
        return false;
    p->has_heard = true;
    if (!c->plan->speech.has_units)
        return connections_fail(
            c, SLUICE_FOREIGN,
            "the server is not a sluice broker: it answers a publisher");
    c->heard_ns = stamp_clock_ns();
    bench_publisher_read(p, c->scratch, n);
    return p->refusal[0] == '\0' || connections_refused(c, p->refusal);
}

static bool connections_on_publisher_end(struct connections *c,
                                         struct bench_publisher *p)
{
    if (!p->is_leaving)
        return connections_fail(
            c, SLUICE_CLOSED,
            "the broker closed the connection of a publisher");
    sluice_free(p->link);
    p->link = NULL;
    c->heard_ns = stamp_clock_ns();
    return true;
}

/* Edge-triggered: reads all that is there. */
static bool connections_on_publisher(struct connections *c,
                                     struct bench_publisher *p, uint32_t events)
{
    if (events & EPOLLOUT)
        p->is_full = false;
    for (;;) {
        ssize_t n = sluice_wire_read(&p->link->wire, c->scratch,
                                     CONNECTIONS_SCRATCH_BYTES);
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0)
            return connections_broke(c, p->link,
                                     "the connection of a publisher");
        if (n == 0)
            return connections_on_publisher_end(c, p);
        if (!connections_publisher_heard(c, p, (size_t)n))
            return false;
    }
}

static bool connections_on_event(struct connections *c, uint32_t who,
                                 uint32_t events)
{
    if (who == CONNECTIONS_STOP_SIGNAL)
        return true;
    if (who < c->plan->subscribers)
        return connections_on_subscriber(c, &c->subscribers[who]);
    return connections_on_publisher(
        c, &c->publishers[who - c->plan->subscribers], events);
}

bool connections_wait(struct connections *c, int timeout_ms)
{
    struct epoll_event events[CONNECTIONS_EVENTS];
    int n = epoll_wait(c->epoll, events, CONNECTIONS_EVENTS, timeout_ms);
    if (n < 0 && errno != EINTR)
        return connections_fail_with_errno(c, "cannot wait for connections");
    for (int i = 0; i < n; i++)
        if (!connections_on_event(c, events[i].data.u32, events[i].events))
            return false;
    return true;
}

bool connections_flush(struct connections *c)
{
    for (uint32_t i = 0; i < c->plan->publishers; i++)
        if (!bench_publisher_flush(&c->publishers[i]))
            return connections_broke(c, c->publishers[i].link,
                                     "the connection of a publisher");
    for (uint32_t i = 0; c->plan->speech.acks && i < c->plan->subscribers; i++)
        if (!bench_subscriber_flush(&c->subscribers[i]))
            return connections_broke(c, c->subscribers[i].link,
                                     "the connection of a subscriber");
    return true;
}

bool connections_is_idle(const struct connections *c)
{
    for (uint32_t i = 0; i < c->plan->publishers; i++)
        if (!bench_publisher_is_idle(&c->publishers[i]))
            return false;
    return true;
}

uint64_t connections_arrived(const struct connections *c)
{
    if (c->plan->is_queue)
        return c->tally.received;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < c->plan->subscribers; i++)
        if (c->subscribers[i].passed < least)
            least = c->subscribers[i].passed;
    return least;
}

bool connections_are_answered(const struct connections *c)
{
    for (uint32_t i = 0; i < c->plan->publishers; i++)
        if (c->publishers[i].answered < c->publishers[i].asked)
            return false;
    for (uint32_t i = 0; i < c->plan->subscribers; i++)
        if (c->subscribers[i].acks_bytes > 0)
            return false;
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "client/bench/crew.h"

#include "client/bench/ledger.h"
#include "client/lib/dial.h"
#include "client/stop_signal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CREW_SCRATCH_BYTES = 256 << 10,
    CREW_EVENTS = 256,
    CREW_DIAL_MS = 5000,
};

/* What an event belongs to: a subscriber's index, a publisher's after them, or
 * this. */
#define CREW_STOP_SIGNAL UINT32_MAX

static bool crew_fail(struct crew *c, enum sluice_error error,
                      const char *sentence)
{
    (void)sluice_failure_set(&c->failure, error, "%s", sentence);
    return false;
}

static bool crew_fail_with_errno(struct crew *c, const char *what)
{
    (void)sluice_failure_set(&c->failure, SLUICE_BROKEN, "%s: %s", what,
                             strerror(errno));
    return false;
}

/* --- opening ------------------------------------------------------------- */

static bool crew_dial(struct crew *c, int *fd)
{
    return sluice_dial(c->plan->server, sluice_deadline_in(CREW_DIAL_MS), fd,
                       &c->failure) == SLUICE_OK;
}

static bool crew_watch(struct crew *c, int fd, uint32_t events, uint32_t who)
{
    struct epoll_event event = {.events = events, .data.u32 = who};
    if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return true;
    return crew_fail_with_errno(c, "cannot wait for a connection");
}

static struct ledger *crew_ledgers_of(struct crew *c, uint32_t subscriber)
{
    size_t skip = c->plan->is_queue ? 0 : c->plan->publishers;
    return c->ledgers + subscriber * skip;
}

static bool crew_add_subscriber(struct crew *c, uint32_t index)
{
    struct subscriber *s = &c->subscribers[index];
    int fd;
    if (!crew_dial(c, &fd))
        return false;
    if (!subscriber_init(s, fd, c->plan, &c->tally, crew_ledgers_of(c, index)))
        return crew_fail(c, SLUICE_NO_MEMORY, "out of memory");
    if (!subscriber_hello(s))
        return crew_fail_with_errno(c, "cannot subscribe");
    return crew_watch(c, fd, EPOLLIN, index);
}

static uint64_t crew_share(const struct plan *plan, uint32_t publisher)
{
    if (plan->count == 0)
        return UINT64_MAX;
    return plan->count / plan->publishers +
           (publisher < plan->count % plan->publishers);
}

static bool crew_add_publisher(struct crew *c, uint32_t index)
{
    struct publisher *p = &c->publishers[index];
    int fd;
    if (!crew_dial(c, &fd))
        return false;
    if (!publisher_init(p, fd, c->plan->channel, c->plan->size))
        return crew_fail(c, SLUICE_NO_MEMORY, "out of memory");
    p->share = crew_share(c->plan, index);
    /* Edges: what it costs to ask for room only when there is none, and to
     * take that back, is a system call each. */
    return crew_watch(c, fd, EPOLLIN | EPOLLOUT | EPOLLET,
                      c->plan->subscribers + index);
}

static bool crew_alloc(struct crew *c)
{
    const struct plan *plan = c->plan;
    size_t rows = plan->is_queue ? 1 : plan->subscribers;
    c->ledgers = calloc(rows * plan->publishers, sizeof *c->ledgers);
    c->publishers = calloc(plan->publishers, sizeof *c->publishers);
    c->subscribers = calloc(plan->subscribers, sizeof *c->subscribers);
    c->scratch = malloc(CREW_SCRATCH_BYTES);
    if (!c->ledgers || !c->publishers || !c->subscribers || !c->scratch)
        return false;
    for (uint32_t i = 0; i < plan->publishers; i++)
        c->publishers[i].fd = -1;
    for (uint32_t i = 0; i < plan->subscribers; i++)
        c->subscribers[i].fd = -1;
    return batch_init(&c->probes, plan->channel, sizeof(struct stamp),
                      plan->subscribers);
}

bool crew_open(struct crew *c, const struct plan *plan)
{
    *c = (struct crew){.plan = plan, .epoll = -1};
    if (!crew_alloc(c))
        return crew_fail(c, SLUICE_NO_MEMORY, "out of memory");
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->epoll < 0)
        return crew_fail_with_errno(c, "cannot wait for connections");
    /* It stays readable, so it is to be told of once. */
    if (!crew_watch(c, stop_signal_fd(), EPOLLIN | EPOLLONESHOT,
                    CREW_STOP_SIGNAL))
        return false;
    for (uint32_t i = 0; i < plan->subscribers; i++)
        if (!crew_add_subscriber(c, i))
            return false;
    for (uint32_t i = 0; i < plan->publishers; i++)
        if (!crew_add_publisher(c, i))
            return false;
    c->heard_ns = stamp_clock_ns();
    return true;
}

static void crew_close_ledgers(struct crew *c)
{
    size_t rows = c->plan->is_queue ? 1 : c->plan->subscribers;
    for (size_t i = 0; i < rows * c->plan->publishers; i++)
        ledger_fini(&c->ledgers[i]);
    free(c->ledgers);
}

void crew_close(struct crew *c)
{
    for (uint32_t i = 0; c->publishers && i < c->plan->publishers; i++)
        publisher_fini(&c->publishers[i]);
    for (uint32_t i = 0; c->subscribers && i < c->plan->subscribers; i++)
        subscriber_fini(&c->subscribers[i]);
    if (c->ledgers)
        crew_close_ledgers(c);
    batch_fini(&c->probes);
    free(c->publishers);
    free(c->subscribers);
    free(c->scratch);
    if (c->epoll >= 0)
        close(c->epoll);
}

/* --- running ------------------------------------------------------------- */

static bool crew_on_subscriber(struct crew *c, struct subscriber *s)
{
    ssize_t n = recv(s->fd, c->scratch, CREW_SCRATCH_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n < 0)
        return crew_fail_with_errno(c, "the connection of a subscriber broke");
    if (n == 0)
        return crew_fail(c, SLUICE_CLOSED,
                         "the broker closed the connection of a subscriber");
    c->heard_ns = stamp_clock_ns();
    subscriber_take(s, c->scratch, (size_t)n, c->heard_ns);
    if (c->tally.is_out_of_memory)
        return crew_fail(c, SLUICE_NO_MEMORY, "out of memory");
    return true;
}

/* Nobody sends to a publisher: what is there to be read is the end. */
static bool crew_on_publisher(struct crew *c, struct publisher *p,
                              uint32_t events)
{
    uint8_t byte;
    if (events & EPOLLOUT)
        p->is_full = false;
    ssize_t n = recv(p->fd, &byte, sizeof byte, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n < 0)
        return crew_fail_with_errno(c, "the connection of a publisher broke");
    if (n > 0 || !p->is_leaving)
        return crew_fail(c, SLUICE_CLOSED,
                         "the broker closed the connection of a publisher");
    close(p->fd);
    p->fd = -1;
    c->heard_ns = stamp_clock_ns();
    return true;
}

static bool crew_on_event(struct crew *c, uint32_t who, uint32_t events)
{
    if (who == CREW_STOP_SIGNAL)
        return true;
    if (who < c->plan->subscribers)
        return crew_on_subscriber(c, &c->subscribers[who]);
    return crew_on_publisher(c, &c->publishers[who - c->plan->subscribers],
                             events);
}

bool crew_wait(struct crew *c, int timeout_ms)
{
    struct epoll_event events[CREW_EVENTS];
    int n = epoll_wait(c->epoll, events, CREW_EVENTS, timeout_ms);
    if (n < 0 && errno != EINTR)
        return crew_fail_with_errno(c, "cannot wait for connections");
    for (int i = 0; i < n; i++)
        if (!crew_on_event(c, events[i].data.u32, events[i].events))
            return false;
    return true;
}

bool crew_flush(struct crew *c)
{
    for (uint32_t i = 0; i < c->plan->publishers; i++)
        if (!publisher_flush(&c->publishers[i]))
            return crew_fail_with_errno(c,
                                        "the connection of a publisher broke");
    return true;
}

bool crew_is_idle(const struct crew *c)
{
    for (uint32_t i = 0; i < c->plan->publishers; i++)
        if (!publisher_is_idle(&c->publishers[i]))
            return false;
    return true;
}

uint64_t crew_arrived(const struct crew *c)
{
    if (c->plan->is_queue)
        return c->tally.received;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < c->plan->subscribers; i++)
        if (c->subscribers[i].passed < least)
            least = c->subscribers[i].passed;
    return least;
}

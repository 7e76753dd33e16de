/* SPDX-License-Identifier: MIT */
#include "client/monitor/poll_loop.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/lib/failure.h"
#include "client/monitor/poller.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>

struct poll_loop {
    struct event_base *base;
    struct poller *poller;
    struct event *event; /* of the step that comes next; NULL before it is
                            known, and without memory */
    const char *url;
    poll_loop_fn *take;
    void *arg;
    bool is_lost; /* and reported */
};

static void poll_loop_on_event(evutil_socket_t fd, short events, void *arg);

/* The descriptor is another one with each request. */
static void poll_loop_arm(struct poll_loop *l)
{
    int fd = poller_fd(l->poller);
    short wanted = fd < 0 ? 0 : poller_events(l->poller);
    int left_ms = sluice_deadline_left(poller_due_ms(l->poller));
    struct timeval left = {.tv_sec = left_ms / 1000,
                           .tv_usec = left_ms % 1000 * 1000};
    if (l->event)
        event_free(l->event);
    l->event = event_new(l->base, fd,
                         (short)((wanted & POLLIN ? EV_READ : 0) |
                                 (wanted & POLLOUT ? EV_WRITE : 0)),
                         poll_loop_on_event, l);
    if (l->event)
        event_add(l->event, &left);
}

/* Once for each outage. */
static void poll_loop_report(struct poll_loop *l)
{
    const struct sluice_failure *why = poller_failure(l->poller);
    if (why && !l->is_lost)
        complain_failed(why->error, why->sentence);
    l->is_lost = why != NULL;
}

static void poll_loop_on_event(evutil_socket_t fd, short events, void *arg)
{
    struct poll_loop *l = arg;
    struct receiver_message message;
    (void)fd;
    (void)events;
    while (poller_receive(l->poller, &message))
        l->take(l->arg, &message);
    poll_loop_report(l);
    poll_loop_arm(l);
}

struct poll_loop *poll_loop_open(struct event_base *base, const char *url,
                                 const struct target *t, poll_loop_fn *take,
                                 void *arg, struct sluice_failure *why)
{
    struct poll_loop *l = calloc(1, sizeof *l);
    if (!l) {
        (void)sluice_failure_set(why, SLUICE_NO_MEMORY, "out of memory");
        return NULL;
    }
    l->base = base;
    l->url = url;
    l->take = take;
    l->arg = arg;
    l->poller = poller_open(url, t, why);
    if (!l->poller) {
        poll_loop_close(l);
        return NULL;
    }
    poller_never_end(l->poller);
    poll_loop_arm(l);
    return l;
}

void poll_loop_close(struct poll_loop *l)
{
    if (!l)
        return;
    if (l->event)
        event_free(l->event);
    poller_close(l->poller);
    free(l);
}

const char *poll_loop_url(const struct poll_loop *l)
{
    return l->url;
}

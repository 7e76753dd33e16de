/* SPDX-License-Identifier: MIT */
#include "broker/monitor/feed.h"

#include <stdlib.h>
#include <string.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/base/throttle.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/document.h"
#include "broker/monitor/pub_socket.h"
#include "broker/monitor/taps.h"
#include "broker/net/reactor.h"

/* Topics that can be subscribed to, taps excepted, in the order of sending: the
 * list of clients comes last, so whoever has that has all of an interval. */
enum {
    TOPIC_STATS,
    TOPIC_USERS,
    TOPIC_CHANNELS,
    TOPIC_CLIENTS,
    TOPIC_EVENT,
    TOPICS
};

static const struct topic_row {
    const char *name;
    /* Of what a survey has seen; NULL: nothing of that. */
    char *(*write)(const struct broker_view *broker,
                   const struct survey_result *seen);
} topics[TOPICS] = {
    [TOPIC_STATS] = {"sluice.stats", NULL},
    [TOPIC_USERS] = {"sluice.users", document_users},
    [TOPIC_CHANNELS] = {"sluice.channels", document_channels},
    [TOPIC_CLIENTS] = {"sluice.clients", document_clients},
    [TOPIC_EVENT] = {"sluice.event", NULL},
};

/* The events of the log that are sent, and their names in documents. */
static const struct event_row {
    const char *logged, *event;
} events[] = {
    {"connected", "connected"},
    {"closed", "closed"},
    {"slow_consumer", "slow_consumer"},
    {"slow_consumer_recovered", "recovered"},
    {"publisher_paused", "paused"},
    {"publisher_resumed", "resumed"},
    {"memory_short", "shed"},
    {"accept_paused", "accept_paused"},
    {"accept_resumed", "accept_resumed"},
    {"stopping", "stopping"},
};

enum { EVENTS = sizeof events / sizeof *events };

struct feed {
    struct broker_view *broker;
    struct pub_socket *socket;
    struct taps taps;
    uint32_t subscriptions[TOPICS];
    uint64_t event_seq;
    struct throttle throttles[EVENTS];
};

static void feed_send_document(struct feed *f, const char *topic,
                               char *document)
{
    if (!document)
        return;
    const struct pub_socket_part parts[] = {{topic, strlen(topic)},
                                            {document, strlen(document)}};
    pub_socket_send(f->socket, parts, 2);
    free(document);
}

static void feed_send_event(struct feed *f, size_t i,
                            const struct log_field *fields)
{
    feed_send_document(f, topics[TOPIC_EVENT].name,
                       document_event(f->broker, events[i].event, fields,
                                      ++f->event_seq,
                                      throttle_take_missed(&f->throttles[i])));
}

static void feed_on_event(void *arg, const char *event,
                          const struct log_field *fields)
{
    struct feed *f = arg;
    const struct broker_view *b = f->broker;
    size_t i = 0;
    while (i < EVENTS && strcmp(events[i].logged, event) != 0)
        i++;
    if (i == EVENTS)
        return;
    if (throttle_pass(&f->throttles[i], reactor_now_ms(b->reactor),
                      THROTTLE_PER_SECOND(FEED_EVENTS_PER_SECOND), 1) > 0)
        feed_send_event(f, i, fields);
    else
        counter_add(b->counters, COUNT_events_missed, 1);
}

/* Reports suppressed events of kinds where no later event carried the count. */
static void feed_send_missed(struct feed *f)
{
    for (size_t i = 0; i < EVENTS && f->subscriptions[TOPIC_EVENT] > 0; i++)
        if (f->throttles[i].missed > 0)
            feed_send_event(f, i, LOG_LIST(LOG_NONE));
}

static void feed_observe_log(struct feed *f, bool is_on)
{
    log_observe(f->broker->log, is_on ? feed_on_event : NULL, f);
}

/* A subscription is a prefix of topics; ZeroMQ reports each one once, however
 * many watchers have it. */
static void feed_on_subscription(void *arg, bool is_subscribed,
                                 const char *prefix, size_t length)
{
    struct feed *f = arg;
    for (size_t i = 0; i < TOPICS; i++) {
        if (strncmp(topics[i].name, prefix, length) == 0 &&
            length <= strlen(topics[i].name))
            f->subscriptions[i] += is_subscribed ? 1u : -1u;
    }
    feed_observe_log(f, f->subscriptions[TOPIC_EVENT] > 0);
    if (length <= strlen(TAPS_PREFIX) ||
        memcmp(prefix, TAPS_PREFIX, strlen(TAPS_PREFIX)) != 0)
        return;
    if (is_subscribed)
        taps_open(&f->taps, prefix, length);
    else
        taps_close(&f->taps, prefix, length);
}

struct feed *feed_new(struct broker_view *broker,
                      struct pub_socket_shared *shared,
                      uint64_t taps_per_second)
{
    struct feed *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->broker = broker;
    f->socket =
        pub_socket_new(shared, PUB_SOCKET_XPUB, feed_on_subscription, f);
    if (!f->socket) {
        free(f);
        return NULL;
    }
    taps_init(&f->taps, broker, f->socket, taps_per_second);
    return f;
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    feed_observe_log(f, false);
    taps_fini(&f->taps);
    pub_socket_free(f->socket);
    free(f);
}

struct pub_socket *feed_socket(struct feed *f)
{
    return f->socket;
}

bool feed_send(struct feed *f)
{
    bool needs_survey = false;
    if (f->subscriptions[TOPIC_STATS] > 0)
        feed_send_document(f, topics[TOPIC_STATS].name,
                           document_stats(f->broker));
    feed_send_missed(f);
    taps_send_missed(&f->taps);
    for (size_t i = 0; i < TOPICS; i++)
        needs_survey |= f->subscriptions[i] > 0 && topics[i].write;
    return needs_survey;
}

void feed_send_seen(struct feed *f, const struct survey_result *seen)
{
    for (size_t i = 0; i < TOPICS; i++)
        if (f->subscriptions[i] > 0 && topics[i].write)
            feed_send_document(f, topics[i].name,
                               topics[i].write(f->broker, seen));
}

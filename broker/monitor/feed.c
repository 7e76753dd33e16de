/* SPDX-License-Identifier: MIT */
#include "broker/monitor/feed.h"

#include <stdlib.h>
#include <string.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/base/throttle.h"
#include "broker/monitor/document.h"
#include "broker/monitor/subject.h"
#include "broker/monitor/taps.h"
#include "broker/net/reactor.h"

/* What can be subscribed to, beside taps. */
enum { TOPIC_STATS, TOPIC_CHANNELS, TOPIC_CLIENTS, TOPIC_EVENT, TOPICS };

static char *write_stats(struct subject *s, bool marking)
{
    (void)marking;
    return document_stats(s);
}

static const struct topic_row {
    const char *name;
    char *(*write)(struct subject *s, bool marking); /* per interval */
} topics[TOPICS] = {
    [TOPIC_STATS] = {"sluice.stats", write_stats},
    [TOPIC_CHANNELS] = {"sluice.channels", document_channels},
    [TOPIC_CLIENTS] = {"sluice.clients", document_clients},
    [TOPIC_EVENT] = {"sluice.event", NULL},
};

/* Which events of the log are sent, and as what. */
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
    struct subject *subject;
    struct outlet *outlet;
    struct taps taps;
    uint32_t wanted[TOPICS]; /* by how many subscriptions */
    uint64_t event_seq;
    struct throttle throttles[EVENTS];
};

static void feed_say(struct feed *f, const char *topic, char *document)
{
    if (!document)
        return;
    const struct outlet_part parts[] = {{topic, strlen(topic)},
                                        {document, strlen(document)}};
    outlet_send(f->outlet, parts, 2);
    free(document);
}

static void feed_say_event(struct feed *f, size_t i,
                           const struct log_field *fields)
{
    feed_say(f, topics[TOPIC_EVENT].name,
             document_event(f->subject, events[i].event, fields, ++f->event_seq,
                            throttle_take_missed(&f->throttles[i])));
}

static void feed_on_event(void *arg, const char *event,
                          const struct log_field *fields)
{
    struct feed *f = arg;
    const struct subject *s = f->subject;
    size_t i = 0;
    while (i < EVENTS && strcmp(events[i].logged, event) != 0)
        i++;
    if (i == EVENTS)
        return;
    if (throttle_pass(&f->throttles[i], reactor_now_ms(s->reactor),
                      THROTTLE_PER_SECOND(FEED_EVENTS_PER_SECOND), 1) > 0)
        feed_say_event(f, i, fields);
    else
        counter_add(s->counters, COUNT_events_missed, 1);
}

/* What was missed where nothing has come since. */
static void feed_tell_missed(struct feed *f)
{
    for (size_t i = 0; i < EVENTS && f->wanted[TOPIC_EVENT] > 0; i++)
        if (f->throttles[i].missed > 0)
            feed_say_event(f, i, LOG_LIST(LOG_NONE));
}

static void feed_watch_log(struct feed *f, bool wants)
{
    log_observe(f->subject->log, wants ? feed_on_event : NULL, f);
}

/* A subscription is a prefix of what it wants; ZeroMQ tells of each one once,
 * however many watchers have it. */
static void feed_on_wish(void *arg, bool wants, const char *text, size_t length)
{
    struct feed *f = arg;
    size_t prefix = strlen(TAPS_PREFIX);
    for (size_t i = 0; i < TOPICS; i++) {
        if (strncmp(topics[i].name, text, length) == 0 &&
            length <= strlen(topics[i].name))
            f->wanted[i] += wants ? 1u : -1u;
    }
    feed_watch_log(f, f->wanted[TOPIC_EVENT] > 0);
    if (length <= prefix || memcmp(text, TAPS_PREFIX, prefix) != 0)
        return;
    if (wants)
        taps_open(&f->taps, text, length);
    else
        taps_close(&f->taps, text, length);
}

struct feed *feed_new(struct subject *subject, struct outlet_ground *ground,
                      uint64_t taps_per_second)
{
    struct feed *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->subject = subject;
    f->outlet = outlet_new(ground, OUTLET_XPUB, feed_on_wish, f);
    if (!f->outlet) {
        free(f);
        return NULL;
    }
    taps_init(&f->taps, subject, f->outlet, taps_per_second);
    return f;
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    feed_watch_log(f, false);
    taps_fini(&f->taps);
    outlet_free(f->outlet);
    free(f);
}

bool feed_bind(struct feed *f, const char *endpoint,
               char bound[OUTLET_ENDPOINT_BYTES],
               char error[OUTLET_ERROR_BYTES])
{
    return outlet_bind(f->outlet, endpoint, bound, error);
}

void feed_send(struct feed *f)
{
    for (size_t i = 0; i < TOPICS; i++)
        if (f->wanted[i] > 0 && topics[i].write)
            feed_say(f, topics[i].name, topics[i].write(f->subject, true));
    feed_tell_missed(f);
    taps_tell(&f->taps);
}

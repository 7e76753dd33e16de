/* SPDX-License-Identifier: MIT */
#include "client/news.h"

#include "client/complain.h"

#include <inttypes.h>
#include <stdio.h>

void news_init(struct news *n, const char *server,
               const struct reading *reading, bool reconnects, bool is_quiet)
{
    *n = (struct news){.reading = reading, .reconnects = reconnects};
    outage_init(&n->outage, server, is_quiet);
}

/* --- the connection ------------------------------------------------------ */

/* Of a topic by its name libsluice knows how many they are. */
static void news_of_wildcards(const struct news *n)
{
    for (unsigned i = 0; i < n->reading->count; i++) {
        const struct reading_pattern *p = &n->reading->patterns[i];
        if (!p->is_exact && !p->is_queue)
            complain(EXIT_DONE, "messages to %s may have been missed meanwhile",
                     p->written);
    }
}

static void news_of_open(struct news *n, const struct sluice_event *e)
{
    (void)e;
    outage_on_connected(&n->outage);
    if (n->was_open && !n->outage.is_quiet)
        news_of_wildcards(n);
    n->was_open = true;
}

/* Without reconnecting the command reports the end, and ends. */
static void news_of_end(struct news *n, const struct sluice_event *e)
{
    if (n->reconnects)
        outage_on_lost(&n->outage, e->body.data);
}

/* --- losses -------------------------------------------------------------- */

/* As text that leads back to one channel, and cannot control a terminal. */
static const char *news_channel(char out[SLUICE_PATTERN_MAX],
                                const struct sluice_event *e)
{
    const char *text = sluice_exact(out, e->channel);
    return text ? text : "";
}

static void news_of_gap(struct news *n, const struct sluice_event *e)
{
    char channel[SLUICE_PATTERN_MAX];
    uint64_t *sum = &n->other;
    if (strcmp(e->reason, "slow") == 0)
        sum = &n->slow;
    else if (strcmp(e->reason, "memory") == 0)
        sum = &n->memory;
    *sum += e->last - e->seq + 1;
    if (!n->shows_gaps)
        return;
    bool has_many = reading_has_many(n->reading);
    fprintf(stderr, "gap %s%s%" PRIu64 "..%" PRIu64 " %s\n",
            has_many ? news_channel(channel, e) : "", has_many ? " " : "",
            e->seq, e->last, e->reason);
}

static void news_of_missed(struct news *n, const struct sluice_event *e)
{
    char channel[SLUICE_PATTERN_MAX];
    uint64_t count = e->last - e->seq + 1;
    news_channel(channel, e);
    if (e->last > 0)
        complain(EXIT_DONE,
                 "up to %" PRIu64 " message%s to %s came while the connection "
                 "was lost",
                 count, count == 1 ? "" : "s", channel);
    else if (!n->outage.is_quiet)
        complain(EXIT_DONE,
                 "the broker was restarted; messages to %s may have been "
                 "missed",
                 channel);
}

static void news_of_untold(struct news *n, const struct sluice_event *e)
{
    char channel[SLUICE_PATTERN_MAX];
    n->other++;
    complain(EXIT_DONE, "message %" PRIu64 " of %s did not come, unreported",
             e->seq, news_channel(channel, e));
}

/* --- the interface ------------------------------------------------------- */

void news_take(struct news *n, const struct sluice_event *e)
{
    static const struct {
        enum sluice_event_kind kind;
        void (*take)(struct news *n, const struct sluice_event *e);
    } rows[] = {
        {SLUICE_EVENT_OPEN, news_of_open},
        {SLUICE_EVENT_END, news_of_end},
        {SLUICE_EVENT_GAP, news_of_gap},
        {SLUICE_EVENT_MISSED, news_of_missed},
        {SLUICE_EVENT_UNTOLD, news_of_untold},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == e->kind)
            rows[i].take(n, e);
}

void news_on_message(struct news *n)
{
    outage_on_success(&n->outage);
}

int64_t news_due_ms(const struct news *n)
{
    return n->outage.sound_ms;
}

void news_on_time(struct news *n)
{
    outage_on_time(&n->outage);
}

void news_end(const struct news *n)
{
    uint64_t sum = n->slow + n->memory + n->other;
    if (sum > 0)
        complain(EXIT_DONE,
                 "messages lost on the way: %" PRIu64 " (this listener was too "
                 "slow: %" PRIu64 ", the broker's memory was full: %" PRIu64
                 ", other: %" PRIu64 ")",
                 sum, n->slow, n->memory, n->other);
}

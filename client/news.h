/* SPDX-License-Identifier: MIT
 *
 * news - what a command that reads in version 2 reports beside the messages, on
 * standard error: the connection is lost and regained, messages were lost. Gaps
 * are counted in any case, and the sum is reported at the end.
 */
#ifndef SLUICE_CLIENT_NEWS_H
#define SLUICE_CLIENT_NEWS_H

#include "client/outage.h"
#include "client/reading.h"

struct news {
    struct outage outage;
    const struct reading *reading; /* borrowed */
    bool reconnects;               /* libsluice does */
    bool shows_gaps;               /* each, as it comes */
    bool was_open;
    uint64_t slow, memory, other; /* messages lost, by the gaps' reasons */
};

/* Nothing has happened yet. `server` and `reading` are borrowed. */
void news_init(struct news *n, const char *server,
               const struct reading *reading, bool reconnects, bool is_quiet);

/* Takes any event but messages and answers to calls, and not their copies. */
void news_take(struct news *n, const struct sluice_event *e);

/* A message came: the connection is sound. */
void news_on_message(struct news *n);

/* When news_on_time() has something to report, by the clock of deadline.h; -1:
 * never. */
int64_t news_due_ms(const struct news *n);
void news_on_time(struct news *n);

/* Reports how many messages were lost, if any were. */
void news_end(const struct news *n);

#endif

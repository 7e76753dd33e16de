/* SPDX-License-Identifier: MIT */
#include "client/journal/dump.h"

#include <errno.h>

#include "client/journal/channel_text.h"
#include "client/journal/messages.h"

static bool dump_message(void *arg, const struct message *m)
{
    struct dump *d = arg;
    if (d->messages == d->most)
        return false;
    d->printer->age_ms = d->now_ms > m->at_ms ? d->now_ms - m->at_ms : 0;
    if (!printer_put(d->printer,
                     (struct sluice_bytes){m->body, m->body_length}))
        return false;
    d->messages++;
    return true;
}

static bool dump_channel(struct dump *d, const struct catalog_channel *channel)
{
    uint64_t unread;
    d->printer->channel =
        (struct sluice_bytes){channel->name, channel->name_bytes};
    d->has_channel = true;
    errno = 0;
    bool ok = messages_each(d->survey, channel, d->with_done, dump_message, d,
                            &unread);
    d->unread += unread;
    return ok || d->messages == d->most;
}

bool dump_print(struct dump *d)
{
    const struct catalog *c = &d->survey->catalog;
    for (size_t i = 0; i < c->channel_count && d->messages < d->most; i++) {
        const struct catalog_channel *channel = &c->channels[i];
        if (channel->is_dropped && !d->with_done)
            continue;
        if ((!d->channel || channel_text_is(channel, d->channel)) &&
            !dump_channel(d, channel))
            return false;
    }
    return printer_flush(d->printer);
}

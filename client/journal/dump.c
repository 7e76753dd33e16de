/* SPDX-License-Identifier: MIT */
#include "client/journal/dump.h"

#include <errno.h>
#include <stdio.h>

#include "client/journal/channel_text.h"
#include "client/journal/messages.h"
#include "proto/journal.h"
#include "proto/spelling.h"

enum { LENGTH_BYTES = 4 }; /* in front of headers, and of a body */

/* `text` decoded, ended with NUL, at *at, which moves behind it. */
static struct sluice_bytes dump_read_text(char **at, struct span text)
{
    char *begin = *at;
    size_t length = spelling_read((uint8_t *)begin, text);
    begin[length] = '\0';
    *at += length + 1;
    return (struct sluice_bytes){begin, length};
}

static bool dump_has_header(const struct dump *d, unsigned count,
                            struct span name)
{
    for (unsigned i = 0; i < count; i++)
        if (span_is_text(name, d->headers[i].name))
            return true;
    return false;
}

/* They lie as in the head of a publish, behind its channel. What is not so is
 * no header; of several with one name the first counts. */
static void dump_read_headers(struct dump *d, const struct message *m)
{
    char publish[HEAD_MAX];
    struct head head = {.header_count = 0};
    char *at = d->texts;
    size_t n = 0;
    if (m->form == JOURNAL_FORM_RICH)
        n = m->length - m->body_length - (size_t)2 * LENGTH_BYTES;
    if (n > HEAD_MAX)
        n = 0;
    int length = snprintf(publish, sizeof publish, "PUB /%.*s", (int)n,
                          (const char *)m->bytes + LENGTH_BYTES);
    if (n == 0 || length >= (int)sizeof publish ||
        !head_parse_leniently(&head, publish, (uint32_t)length))
        head.header_count = 0;
    unsigned count = 0;
    for (unsigned i = 0; i < head.header_count; i++) {
        const struct head_pair *pair = &head.headers[i];
        if (dump_has_header(d, count, pair->name))
            continue;
        d->headers[count].name = dump_read_text(&at, pair->name).data;
        d->headers[count++].value = dump_read_text(&at, pair->value);
    }
    d->headers[count] = (struct sluice_header){.name = NULL};
    d->printer->headers = d->headers;
}

static bool dump_message(void *arg, const struct message *m)
{
    struct dump *d = arg;
    if (d->messages == d->most)
        return false;
    d->printer->age_ms = d->now_ms > m->at_ms ? d->now_ms - m->at_ms : 0;
    dump_read_headers(d, m);
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

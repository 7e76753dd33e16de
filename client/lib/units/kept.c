/* SPDX-License-Identifier: MIT */
#include "client/lib/units/kept.h"

#include <stdlib.h>

/* Its bytes lie behind it: headers, then texts. */
struct sluice_kept_event {
    struct sluice_kept_event *next; /* NULL: the last */
    size_t bytes;
    const void *owner;
    bool is_work;
    struct sluice_event event;
    struct sluice_header headers[];
};

void sluice_kept_give_back(struct sluice_kept *kept)
{
    free(kept->shown);
    kept->shown = NULL;
}

void sluice_kept_clear(struct sluice_kept *kept)
{
    sluice_kept_give_back(kept);
    while (kept->first) {
        struct sluice_kept_event *gone = kept->first;
        kept->first = gone->next;
        free(gone);
    }
    *kept = (struct sluice_kept){.first = NULL};
}

/* Copies to *at, with a NUL, and moves *at behind it. */
static const void *kept_copy(char **at, const void *bytes, size_t length)
{
    char *copy = *at;
    if (length > 0)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    *at = copy + length + 1;
    return copy;
}

static struct sluice_bytes kept_copy_bytes(char **at, struct sluice_bytes bytes)
{
    return (struct sluice_bytes){kept_copy(at, bytes.data, bytes.length),
                                 bytes.length};
}

static size_t kept_size(const struct sluice_event *e, size_t *headers)
{
    size_t size = sizeof(struct sluice_kept_event);
    const struct sluice_header *h = e->headers;
    for (; h->name; h++)
        size += sizeof *h + strlen(h->name) + 1 + h->value.length + 1;
    *headers = (size_t)(h - e->headers);
    return size + sizeof *h + e->channel.length + 1 + e->body.length + 1 +
           strlen(e->reason) + 1 + strlen(e->run) + 1;
}

bool sluice_kept_push(struct sluice_kept *kept, const struct sluice_event *e,
                      const void *owner, bool is_work)
{
    size_t headers, size = kept_size(e, &headers);
    struct sluice_kept_event *k = malloc(size);
    if (!k)
        return false;
    *k = (struct sluice_kept_event){
        .bytes = size, .owner = owner, .is_work = is_work, .event = *e};
    char *at = (char *)&k->headers[headers + 1];
    for (size_t i = 0; i < headers; i++) {
        const char *name = e->headers[i].name;
        k->headers[i].name = kept_copy(&at, name, strlen(name));
        k->headers[i].value = kept_copy_bytes(&at, e->headers[i].value);
    }
    k->headers[headers] = (struct sluice_header){.name = NULL};
    k->event.headers = k->headers;
    k->event.channel = kept_copy_bytes(&at, e->channel);
    k->event.body = kept_copy_bytes(&at, e->body);
    k->event.reason = kept_copy(&at, e->reason, strlen(e->reason));
    k->event.run = kept_copy(&at, e->run, strlen(e->run));
    if (kept->last)
        kept->last->next = k;
    else
        kept->first = k;
    kept->last = k;
    kept->bytes += size;
    return true;
}

/* Takes out what *at leads to; `before` is the one in front of it. */
static struct sluice_kept_event *kept_take(struct sluice_kept *kept,
                                           struct sluice_kept_event *before)
{
    struct sluice_kept_event **at = before ? &before->next : &kept->first;
    struct sluice_kept_event *k = *at;
    *at = k->next;
    if (kept->last == k)
        kept->last = before;
    kept->bytes -= k->bytes;
    return k;
}

const struct sluice_event *sluice_kept_show(struct sluice_kept *kept)
{
    if (!kept->first)
        return NULL;
    sluice_kept_give_back(kept);
    kept->shown = kept_take(kept, NULL);
    return &kept->shown->event;
}

bool sluice_kept_is_answer(const struct sluice_event *e, uint64_t token)
{
    return e->token == token &&
           (e->kind == SLUICE_EVENT_RECEIPT || e->kind == SLUICE_EVENT_REPLY ||
            e->kind == SLUICE_EVENT_FAILED);
}

const struct sluice_event *sluice_kept_find(struct sluice_kept *kept,
                                            uint64_t token)
{
    struct sluice_kept_event *before = NULL, *k = kept->first;
    for (; k && !sluice_kept_is_answer(&k->event, token); k = k->next)
        before = k;
    if (!k)
        return NULL;
    sluice_kept_give_back(kept);
    kept->shown = kept_take(kept, before);
    return &kept->shown->event;
}

static bool kept_is_dropped(const struct sluice_kept_event *k,
                            const void *owner)
{
    return owner ? k->owner == owner : k->is_work;
}

void sluice_kept_drop(struct sluice_kept *kept, const void *owner)
{
    struct sluice_kept_event *before = NULL;
    for (struct sluice_kept_event *k = kept->first, *next; k; k = next) {
        next = k->next;
        if (kept_is_dropped(k, owner))
            free(kept_take(kept, before));
        else
            before = k;
    }
}

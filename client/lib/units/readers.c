/* SPDX-License-Identifier: MIT */
#include "client/lib/units/readers.h"

#include "client/lib/units/name_hash.h"

#include <stdlib.h>

enum { READERS_BUCKETS_LEAST = 16 };

void sluice_readers_fini(struct sluice_readers *readers)
{
    while (readers->first) {
        struct sluice_reader *gone = readers->first;
        readers->first = gone->next;
        free(gone);
    }
    free(readers->buckets);
    *readers = (struct sluice_readers){.first = NULL};
}

/* --- kinds --------------------------------------------------------------- */

static struct sluice_reader **
readers_bucket(const struct sluice_readers *readers, const uint8_t *name,
               size_t length)
{
    return &readers->buckets[name_hash(name, length) &
                             (readers->bucket_count - 1)];
}

/* Where the readers of its kind begin. */
static struct sluice_reader **readers_kind(struct sluice_readers *readers,
                                           const struct pattern *pattern)
{
    if (!pattern->is_exact)
        return &readers->wild;
    return readers_bucket(readers, pattern->octets, pattern->length);
}

/* Behind the others, so that they stay in the order of subscribing. */
static void readers_put_alike(struct sluice_readers *readers,
                              struct sluice_reader *reader)
{
    struct sluice_reader **at = readers_kind(readers, &reader->pattern);
    while (*at)
        at = &(*at)->alike;
    *at = reader;
    reader->alike = NULL;
}

static void readers_take_alike(struct sluice_readers *readers,
                               const struct sluice_reader *reader)
{
    struct sluice_reader **at = readers_kind(readers, &reader->pattern);
    while (*at != reader)
        at = &(*at)->alike;
    *at = reader->alike;
}

/* As many buckets as readers in them, at least. Without memory those that are
 * there do, if there are any. */
static bool readers_make_buckets(struct sluice_readers *readers)
{
    if (readers->exact < readers->bucket_count)
        return true;
    uint32_t count = readers->bucket_count > 0 ? 2 * readers->bucket_count
                                               : READERS_BUCKETS_LEAST;
    struct sluice_reader **buckets = calloc(count, sizeof(*buckets));
    if (!buckets)
        return readers->bucket_count > 0;
    free(readers->buckets);
    readers->buckets = buckets;
    readers->bucket_count = count;
    for (struct sluice_reader *r = readers->first; r; r = r->next)
        if (r->pattern.is_exact)
            readers_put_alike(readers, r);
    return true;
}

/* --- the list ------------------------------------------------------------ */

static void readers_append(struct sluice_readers *readers,
                           struct sluice_reader *reader)
{
    reader->previous = readers->last;
    if (readers->last)
        readers->last->next = reader;
    else
        readers->first = reader;
    readers->last = reader;
}

static void readers_unlink(struct sluice_readers *readers,
                           const struct sluice_reader *reader)
{
    if (reader->previous)
        reader->previous->next = reader->next;
    else
        readers->first = reader->next;
    if (reader->next)
        reader->next->previous = reader->previous;
    else
        readers->last = reader->previous;
}

struct sluice_reader *sluice_readers_add(struct sluice_readers *readers,
                                         const struct pattern *pattern)
{
    if (pattern->is_exact && !readers_make_buckets(readers))
        return NULL;
    struct sluice_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->pattern = *pattern;
    reader->order = ++readers->subscribed;
    readers_append(readers, reader);
    readers_put_alike(readers, reader);
    readers->exact += pattern->is_exact;
    return reader;
}

static bool readers_is_equal(const struct pattern *a, const struct pattern *b)
{
    return a->is_exact == b->is_exact && a->world == b->world &&
           a->length == b->length &&
           memcmp(a->octets, b->octets, a->length) == 0;
}

struct sluice_reader *sluice_readers_find(struct sluice_readers *readers,
                                          const struct pattern *pattern)
{
    if (pattern->is_exact && readers->bucket_count == 0)
        return NULL;
    struct sluice_reader *reader = *readers_kind(readers, pattern);
    while (reader && (reader->state == SLUICE_READER_NEW ||
                      reader->state == SLUICE_READER_ENDED ||
                      !readers_is_equal(&reader->pattern, pattern)))
        reader = reader->alike;
    return reader;
}

void sluice_readers_remove(struct sluice_readers *readers,
                           struct sluice_reader *reader)
{
    reader->state = SLUICE_READER_ENDED;
    if (reader->is_asked)
        return;
    readers_take_alike(readers, reader);
    readers_unlink(readers, reader);
    readers->exact -= reader->pattern.is_exact;
    free(reader);
}

/* --- matching ------------------------------------------------------------ */

/* The first of `reader` and those alike behind it, subscribed after `order`. */
static struct sluice_reader *readers_match(struct sluice_reader *reader,
                                           uint64_t order,
                                           const struct pattern_name *name)
{
    while (reader &&
           (reader->state != SLUICE_READER_LIVE || reader->order <= order ||
            !pattern_matches_name(&reader->pattern, name)))
        reader = reader->alike;
    return reader;
}

struct sluice_reader *sluice_readers_match(const struct sluice_readers *readers,
                                           const struct sluice_reader *before,
                                           const struct pattern_name *name)
{
    uint64_t order = before ? before->order : 0;
    struct sluice_reader *exact = NULL, *wild = readers->wild;
    if (before && !before->pattern.is_exact)
        wild = before->alike;
    if (readers->bucket_count > 0)
        exact = *readers_bucket(readers, name->octets, name->length);
    exact = readers_match(exact, order, name);
    wild = readers_match(wild, order, name);
    if (!exact || !wild)
        return exact ? exact : wild;
    return exact->order < wild->order ? exact : wild;
}

bool sluice_reader_is_numbered(const struct sluice_reader *reader)
{
    return reader->pattern.is_exact && reader->pattern.world != PATTERN_QUEUES;
}

void sluice_reader_write(const struct sluice_reader *reader,
                         struct head_writer *w, char room[HEAD_MAX])
{
    char text[PATTERN_TEXT_MAX];
    uint32_t length = (uint32_t)pattern_write(&reader->pattern, text);
    head_begin(w, room, "SUB");
    head_add_spelled(w, (struct span){text, length});
    if (!reader->acks)
        return;
    head_add_option(w, UNIT_OPTION_ack, span_of("yes"));
    head_add_option_number(w, UNIT_OPTION_credit,
                           reader->credit > 0 ? reader->credit : 1);
    if (reader->wait_ms > 0)
        head_add_option_ms(w, UNIT_OPTION_wait, reader->wait_ms);
}

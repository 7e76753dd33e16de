/* SPDX-License-Identifier: MIT */
#include "broker/store/catalog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void catalog_init(struct catalog *c, struct shelf *shelf)
{
    *c = (struct catalog){
        .shelf = shelf, .next_channel = 1, .above = 1, .range_max = UINT32_MAX};
    idmap_init(&c->ids, NULL);
}

static void channel_free(struct catalog_channel *channel)
{
    ranges_clear(&channel->done);
    ranges_clear(&channel->late);
    ranges_clear(&channel->unwritten);
    free(channel->places);
    free(channel);
}

void catalog_clear(struct catalog *c)
{
    struct catalog_channel *next;
    catalog_clean(c);
    for (struct catalog_channel *one = c->first; one; one = next) {
        next = one->following;
        channel_free(one);
    }
    c->first = c->last = NULL;
    idmap_clear(&c->ids);
}

struct catalog_channel *catalog_find(const struct catalog *c, uint32_t id)
{
    uint64_t *value = id == 0 ? NULL : idmap_find(&c->ids, id);
    return value ? (struct catalog_channel *)(uintptr_t)*value : NULL;
}

static uint64_t entry_bytes(const struct catalog_channel *channel)
{
    return JOURNAL_CHANNEL_ENTRY + journal_padded(channel->name_length);
}

struct catalog_channel *catalog_open(struct catalog *c, uint32_t id,
                                     const uint8_t *name, uint32_t length,
                                     uint64_t first)
{
    struct catalog_channel *channel = calloc(1, sizeof *channel + length);
    if (!channel || !idmap_put(&c->ids, id, (uintptr_t)channel)) {
        free(channel);
        return NULL;
    }
    channel->id = id;
    channel->name_length = (uint16_t)length;
    channel->next = channel->floor = first;
    memcpy(channel->name, name, length);
    channel->previous = c->last;
    *(c->last ? &c->last->following : &c->first) = channel;
    c->last = channel;
    c->names_bytes += entry_bytes(channel);
    if (id >= c->next_channel)
        c->next_channel = id + 1;
    return channel;
}

void catalog_soil(struct catalog *c, struct catalog_channel *channel)
{
    if (channel->is_dirty)
        return;
    channel->is_dirty = true;
    channel->next_dirty = c->dirty;
    c->dirty = channel;
}

void catalog_clean(struct catalog *c)
{
    struct catalog_channel *next;
    for (struct catalog_channel *one = c->dirty; one; one = next) {
        next = one->next_dirty;
        one->is_dirty = one->is_new = false;
        /* Its memory stays for the next ones. */
        one->unwritten.count = 0;
        if (one->is_dropped)
            channel_free(one);
    }
    c->dirty = NULL;
}

static uint64_t place_live(const struct place *p)
{
    return (uint64_t)p->weight * p->left / p->count;
}

/* So many of its numbers are not done any more; what lives in the segment
 * follows. */
static void place_leave(struct catalog *c, struct place *p, uint32_t left)
{
    uint64_t *live = &c->shelf->segments[p->segment].live;
    *live -= place_live(p);
    p->left = left;
    *live += place_live(p);
}

void catalog_drop(struct catalog *c, struct catalog_channel *channel)
{
    for (uint32_t i = channel->begin; i < channel->end; i++)
        place_leave(c, &channel->places[i], 0);
    if (channel->next > c->above)
        c->above = channel->next;
    c->names_bytes -= entry_bytes(channel);
    c->range_count -= channel->done.count;
    c->late_count -= channel->late.count;
    idmap_remove(&c->ids, channel->id);
    *(channel->previous ? &channel->previous->following : &c->first) =
        channel->following;
    *(channel->following ? &channel->following->previous : &c->last) =
        channel->previous;
    channel->is_dropped = true;
    catalog_soil(c, channel);
}

struct place catalog_place(const struct journal_index_entry *entry,
                           uint32_t segment)
{
    return (struct place){.first = entry->first,
                          .count = entry->count,
                          .at = entry->at,
                          .bytes = entry->bytes,
                          .segment = segment,
                          .weight = JOURNAL_RECORD_HEADER +
                                    (uint32_t)journal_padded(entry->bytes)};
}

/* Places that are done go. */
static void places_pack(struct catalog_channel *channel)
{
    uint32_t kept = 0;
    for (uint32_t i = channel->begin; i < channel->end; i++)
        if (channel->places[i].left > 0)
            channel->places[kept++] = channel->places[i];
    channel->begin = 0;
    channel->end = kept;
}

bool catalog_reserve(struct catalog_channel *channel)
{
    uint32_t need = channel->reserved + 1;
    if (channel->room - channel->end < need) {
        places_pack(channel);
        uint32_t room = 2 * (channel->end + need);
        struct place *more = channel->room < room
                                 ? realloc(channel->places, room * sizeof *more)
                                 : channel->places;
        if (!more)
            return false;
        channel->places = more;
        channel->room = room > channel->room ? room : channel->room;
    }
    channel->reserved = need;
    return true;
}

void catalog_release(struct catalog_channel *channel)
{
    channel->reserved--;
}

/* Numbers of first, ..., end - 1 that are not done. */
static uint32_t count_left(const struct catalog_channel *channel,
                           uint64_t first, uint64_t end)
{
    if (first < channel->floor)
        first = channel->floor;
    if (end <= first)
        return 0;
    return (uint32_t)(end - first - ranges_overlap(&channel->done, first, end));
}

void catalog_add(struct catalog *c, struct catalog_channel *channel,
                 struct place place)
{
    uint64_t end = place.first + place.count;
    /* They may have been acknowledged before they were written. */
    uint32_t left = count_left(channel, place.first, end);
    channel->reserved--;
    if (channel->next < end)
        channel->next = end;
    if (left == 0)
        return;
    assert(channel->end < channel->room);
    struct place *p = &channel->places[channel->end++];
    *p = place;
    place_leave(c, p, left);
}

uint32_t catalog_search(const struct catalog_channel *channel, uint64_t number)
{
    uint32_t low = channel->begin, high = channel->end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct place *p = &channel->places[middle];
        if (p->first + p->count <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void catalog_move(struct catalog *c, struct catalog_channel *channel,
                  struct place to)
{
    struct place *p = channel->places + catalog_search(channel, to.first);
    struct place rest = *p;
    uint64_t end = to.first + to.count, stop = rest.first + rest.count;
    uint32_t left = count_left(channel, end, stop);
    channel->reserved--;
    place_leave(c, p, 0);
    *p = to;
    place_leave(c, p, to.count);
    if (left == 0)
        return;
    p++;
    memmove(p + 1, p, (size_t)(channel->places + channel->end - p) * sizeof *p);
    channel->end++;
    *p = rest;
    p->first = end;
    p->count = (uint32_t)(stop - end);
    p->weight = (uint32_t)((uint64_t)rest.weight * p->count / rest.count);
    p->left = 0;
    place_leave(c, p, left);
}

/* Counts first, ..., end - 1 as done in the places that they are in. */
static void places_ack(struct catalog *c, struct catalog_channel *channel,
                       uint64_t first, uint64_t end)
{
    for (uint32_t i = catalog_search(channel, first);
         i < channel->end && channel->places[i].first < end; i++) {
        struct place *p = &channel->places[i];
        uint64_t stop = p->first + p->count;
        uint32_t done = count_left(channel, first > p->first ? first : p->first,
                                   end < stop ? end : stop);
        place_leave(c, p, p->left - done);
    }
    while (channel->begin < channel->end &&
           channel->places[channel->begin].left == 0)
        channel->begin++;
}

/* Takes what was late and follows, or makes all of it late; there is room.
 * Whether `r` can be done now. */
static bool late_take(struct catalog *c, struct catalog_channel *channel,
                      struct range *r)
{
    uint32_t before = channel->late.count;
    ranges_add(&channel->late, r->first, r->end);
    *r = ranges_take(&channel->late, r->first);
    bool is_done = r->first == channel->floor ||
                   c->range_count < c->range_max ||
                   ranges_touch(&channel->done, r->first, r->end);
    if (!is_done)
        ranges_add(&channel->late, r->first, r->end);
    c->late_count += channel->late.count - before;
    return is_done;
}

/* Numbers from the floor on, or above it, are done; there is room. */
static void numbers_ack(struct catalog *c, struct catalog_channel *channel,
                        uint64_t first, uint64_t end)
{
    uint32_t done = channel->done.count, late = channel->late.count;
    places_ack(c, channel, first, end);
    if (first > channel->floor) {
        ranges_add(&channel->done, first, end);
    } else {
        /* And what follows them is done already. */
        channel->floor = ranges_gap(&channel->done, end, &end);
        ranges_cut(&channel->done, channel->floor);
        ranges_cut(&channel->late, channel->floor);
    }
    c->range_count += channel->done.count - done;
    c->late_count += channel->late.count - late;
}

bool catalog_ack(struct catalog *c, struct catalog_channel *channel,
                 uint64_t first, uint64_t end, bool is_written)
{
    struct range r = {first > channel->floor ? first : channel->floor,
                      end < channel->next ? end : channel->next};
    bool may_be_late =
        c->range_count >= c->range_max || channel->late.count > 0;
    if (r.first >= r.end)
        return true;
    if (!ranges_reserve(&channel->done) ||
        (may_be_late && !ranges_reserve(&channel->late)) ||
        (!is_written && !ranges_reserve(&channel->unwritten)))
        return false;
    if (may_be_late && !late_take(c, channel, &r))
        return true;
    numbers_ack(c, channel, r.first, r.end);
    if (!is_written) {
        ranges_add(&channel->unwritten, r.first, r.end);
        catalog_soil(c, channel);
    }
    return true;
}

void catalog_trim(struct catalog *c, struct catalog_channel *channel,
                  uint64_t first)
{
    if (first <= channel->floor)
        return;
    numbers_ack(c, channel, channel->floor, first);
    if (first > channel->next)
        channel->next = first;
}

bool catalog_run(const struct catalog_channel *channel, uint64_t *first,
                 uint64_t *run_end, uint64_t end)
{
    uint64_t number = *first > channel->floor ? *first : channel->floor;
    *first = ranges_gap(&channel->done, number, run_end);
    if (*run_end > end)
        *run_end = end;
    return *first < end;
}

uint64_t catalog_held(const struct catalog_channel *channel, uint64_t *bytes)
{
    uint64_t messages = 0;
    *bytes = 0;
    for (uint32_t i = channel->begin; i < channel->end; i++) {
        const struct place *p = &channel->places[i];
        messages += p->left;
        *bytes += (uint64_t)(p->bytes < p->weight ? p->bytes : p->weight) *
                  p->left / p->count;
    }
    return messages;
}

bool catalog_load(struct catalog_channel *channel, struct place place)
{
    place.left = 1; /* not to be packed away */
    if (!catalog_reserve(channel))
        return false;
    channel->reserved--;
    if (channel->end > 0) {
        const struct place *last = &channel->places[channel->end - 1];
        if (place.first < last->first + last->count)
            channel->is_unsorted = true;
    }
    channel->places[channel->end++] = place;
    return true;
}

static int place_compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* Of several copies of a number any one will do: all are sound. */
static void channel_settle(struct catalog *c, struct catalog_channel *channel)
{
    uint64_t covered = 0;
    uint32_t kept = 0;
    if (channel->is_unsorted)
        qsort(channel->places, channel->end, sizeof *channel->places,
              place_compare);
    for (uint32_t i = 0; i < channel->end; i++) {
        struct place p = channel->places[i];
        uint64_t end = p.first + p.count;
        uint64_t first = p.first > covered ? p.first : covered;
        if (first >= end)
            continue;
        p.weight = (uint32_t)((end - first) * p.weight / p.count);
        p.first = first;
        p.count = (uint32_t)(end - first);
        p.left = 0;
        uint32_t left = count_left(channel, first, end);
        covered = end;
        if (end > channel->next)
            channel->next = end;
        if (left == 0)
            continue;
        channel->places[kept] = p;
        place_leave(c, &channel->places[kept++], left);
    }
    channel->end = kept;
    channel->is_unsorted = false;
}

void catalog_settle(struct catalog *c)
{
    for (struct catalog_channel *one = c->first; one; one = one->following)
        channel_settle(c, one);
}

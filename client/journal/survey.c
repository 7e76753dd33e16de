/* SPDX-License-Identifier: MIT */
#include "client/journal/survey.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/journal/survey_files.h"
#include "proto/crc32c.h"
#include "proto/journal_names.h"

/* How often a journal is read that a broker changes meanwhile. */
enum { TRIES = 5 };

/* What a scan of a segment needs. */
struct visit {
    struct survey *survey;
    uint32_t file;
    bool is_older;
};

/* Segments, one after the other. */

static bool visit_record(void *arg, const struct journal_batch *batch,
                         bool is_whole, const struct journal_record *record,
                         const uint8_t *payload, uint64_t offset)
{
    struct visit *v = arg;
    struct catalog_place place = {.offset = offset,
                                  .file = v->file,
                                  .at_ms = batch->at_ms,
                                  .is_older = v->is_older};
    (void)is_whole;
    bool ok = catalog_apply(&v->survey->catalog, record, payload, &place);
    v->survey->is_out_of_memory = v->survey->is_out_of_memory || !ok;
    return ok;
}

/* Its messages are lost, and their numbers are used. */
static void visit_broken(void *arg, const struct journal_record *record)
{
    const struct visit *v = arg;
    if (record->type == JOURNAL_MESSAGES && !v->is_older)
        catalog_raise(&v->survey->catalog, record->channel,
                      record->first + record->count);
}

static bool visit_damage(void *arg, const struct segment_scan_damage *d)
{
    struct visit *v = arg;
    struct survey *s = v->survey;
    struct survey_segment *segment = &s->segments[v->file];
    char name[JOURNAL_FILE_NAME], which[64] = "";
    journal_name_segment(name, segment->name_id);
    if (d->fault == JOURNAL_NEWER)
        s->is_newer = true;
    if (d->end > d->batch && !v->is_older) {
        bool is_state =
            d->batch == segment->header.first_batch && d->end == d->batch + 1;
        s->is_end_lost = true;
        s->may_lack_more |= !is_state; /* which has no messages */
    }
    if (d->end > d->batch)
        snprintf(which, sizeof which, " %" PRIu64 " to %" PRIu64, d->batch,
                 d->end - 1);
    survey_note(s, segment, "%s: bytes %" PRIu64 " to %" PRIu64 ": %s%s: %s",
                name, d->from, d->to - 1, d->what, which,
                journal_fault_text(d->fault));
    return true;
}

static const struct segment_scan_ops visit_ops = {visit_record, visit_broken,
                                                  visit_damage};

static void survey_progress(struct survey *s, uint64_t bytes)
{
    s->read_bytes += bytes;
    if (s->on_progress)
        s->on_progress(s->arg, s->read_bytes, s->folder.total_bytes);
}

uint8_t *survey_load(struct survey *s, struct survey_segment *segment,
                     uint64_t *length)
{
    char name[JOURNAL_FILE_NAME];
    uint8_t *bytes =
        segment->bytes < SIZE_MAX ? malloc((size_t)segment->bytes + 1) : NULL;
    journal_name_segment(name, segment->name_id);
    if (!bytes) {
        s->is_out_of_memory = true;
        return NULL;
    }
    int64_t n = folder_read(&s->folder, name, 0, bytes, segment->bytes);
    if (n < 0) {
        survey_note(s, segment, "%s: %s", name, strerror(errno));
        free(bytes);
        return NULL;
    }
    *length = (uint64_t)n;
    return bytes;
}

/* Reads a segment, up to `last_batch` if that is known. */
static void survey_scan(struct survey *s, size_t file, uint64_t last_batch,
                        bool is_older)
{
    struct survey_segment *segment = &s->segments[file];
    struct visit visit = {s, (uint32_t)file, is_older};
    uint64_t length;
    uint8_t *bytes = survey_load(s, segment, &length);
    segment->is_live = true;
    if (!bytes)
        return;
    segment->scan = (struct segment_scan){.bytes = bytes,
                                          .length = length,
                                          .segment = &segment->header,
                                          .last_batch = last_batch,
                                          .ops = &visit_ops,
                                          .arg = &visit};
    (void)segment_scan(&segment->scan); /* ends early without memory only */
    segment->scan.bytes = NULL;
    segment->scan.arg = NULL;
    if (segment->scan.last_seen > s->last_batch)
        s->last_batch = segment->scan.last_seen;
    if (last_batch > s->last_batch)
        s->last_batch = last_batch;
    free(bytes);
    survey_progress(s, length);
}

/* Whether it begins with a STATE that is sound. */
static bool survey_has_state(struct survey *s, struct survey_segment *segment)
{
    uint64_t length;
    uint8_t *bytes = survey_load(s, segment, &length);
    bool ok = bytes && segment_scan_has_state(&segment->header, bytes, length);
    free(bytes);
    return ok;
}

/* The place of the segment with that id; `count` when there is none. */
static size_t survey_place(const struct survey *s, uint64_t id)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->segments[i].is_ours && s->segments[i].header.id == id)
            return i;
    return s->count;
}

/* The segment with the highest id below `below`; `count` when there is none.
 */
static size_t survey_newest(const struct survey *s, uint64_t below)
{
    size_t newest = s->count;
    for (size_t i = 0; i < s->count; i++)
        if (s->segments[i].is_ours && s->segments[i].header.id < below &&
            (newest == s->count ||
             s->segments[i].header.id > s->segments[newest].header.id))
            newest = i;
    return newest;
}

/* The lowest id; UINT64_MAX when there is none. */
static uint64_t survey_oldest(const struct survey *s)
{
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < s->count; i++)
        if (s->segments[i].is_ours && s->segments[i].header.id < oldest)
            oldest = s->segments[i].header.id;
    return oldest;
}

/* The newest segment whose STATE can be read. Those above it are live: they
 * cannot have been freed before they were begun. */
static size_t survey_base(struct survey *s)
{
    size_t place = survey_newest(s, UINT64_MAX);
    if (place < s->count)
        s->segments[place].is_newest = true;
    while (place < s->count && !survey_has_state(s, &s->segments[place])) {
        s->segments[place].is_live = true;
        place = survey_newest(s, s->segments[place].header.id);
    }
    return place;
}

/* The base and what is above it, from old to new. Without a base, all. */
static void survey_scan_new(struct survey *s, size_t base)
{
    uint64_t id =
        base < s->count ? s->segments[base].header.id : survey_oldest(s);
    while (id != UINT64_MAX) {
        size_t place = survey_place(s, id);
        uint64_t next = UINT64_MAX;
        survey_scan(s, place, 0, false);
        for (size_t i = 0; i < s->count; i++)
            if (s->segments[i].is_ours && s->segments[i].header.id > id &&
                s->segments[i].header.id < next)
                next = s->segments[i].header.id;
        id = next;
    }
}

/* The place of a segment that is called otherwise; `count` if there is none. */
static size_t survey_stray(struct survey *s, uint64_t id)
{
    for (size_t i = 0; i < s->count; i++)
        if (survey_is_ours(s, &s->segments[i]) &&
            s->segments[i].header.id == id) {
            s->segments[i].is_ours = true;
            return i;
        }
    return s->count;
}

static void survey_scan_named(struct survey *s,
                              const struct journal_segment_entry *entry)
{
    char name[JOURNAL_FILE_NAME];
    size_t place = survey_place(s, entry->id);
    if (place == s->count)
        place = survey_stray(s, entry->id);
    if (place < s->count) {
        survey_scan(s, place, entry->last_batch, true);
        return;
    }
    journal_name_segment(name, entry->id);
    survey_note(s, NULL, "%s: the segment is missing", name);
    if (entry->last_batch > s->last_batch)
        s->last_batch = entry->last_batch;
}

/* Those that STATE names and nothing freed. */
static void survey_scan_old(struct survey *s)
{
    const struct catalog *c = &s->catalog;
    for (size_t i = 0; i < c->segment_count; i++)
        if (!ranges_has(&c->freed, c->segments[i].id))
            survey_scan_named(s, &c->segments[i]);
}

/* Whether STATE says that there is such a segment. */
static bool survey_is_named(const struct survey *s, uint64_t id)
{
    const struct catalog *c = &s->catalog;
    for (size_t i = 0; i < c->segment_count; i++)
        if (c->segments[i].id == id)
            return !ranges_has(&c->freed, id);
    return false;
}

/* What a file is, that is not what its name says. */
static void survey_note_wrong(struct survey *s, struct survey_segment *segment)
{
    char name[JOURNAL_FILE_NAME], right[JOURNAL_FILE_NAME];
    journal_name_segment(name, segment->name_id);
    journal_name_segment(right, segment->header.id);
    if (segment->fault == JOURNAL_NEWER)
        s->is_newer = true;
    if (segment->fault != JOURNAL_SOUND)
        survey_note(s, segment, "%s: the header: %s", name,
                    journal_fault_text(segment->fault));
    else if (!survey_is_ours(s, segment))
        survey_note(s, segment, "%s: it belongs to another journal", name);
    else
        survey_note(s, segment, "%s: this is the file %s", name, right);
}

/* Files that are free may be anything. Those that are newer than all others
 * cannot have been freed. */
static void survey_judge_files(struct survey *s, uint64_t newest)
{
    for (size_t i = 0; i < s->count; i++) {
        struct survey_segment *segment = &s->segments[i];
        bool matters = segment->is_live || segment->name_id > newest ||
                       survey_is_named(s, segment->name_id);
        if (!matters || survey_has_right_name(s, segment))
            continue;
        survey_note_wrong(s, segment);
        if (!segment->is_ours && segment->name_id > newest)
            s->is_end_lost = s->may_lack_more = true;
    }
}

static void survey_note_lost(void *arg, const struct catalog_channel *channel,
                             struct range run)
{
    struct survey *s = arg;
    (void)channel;
    (void)run;
    if (s->note_count == 0)
        survey_note(s, NULL, "messages are missing, and no file says why");
}

/* Bytes of messages that are not done, for each segment: of an extent that is
 * partly done, its share. */
static void survey_weigh(struct survey *s)
{
    for (size_t i = 0; i < s->catalog.extent_count; i++) {
        const struct catalog_extent *e = &s->catalog.extents[i];
        const struct catalog_channel *channel =
            catalog_find(&s->catalog, e->channel);
        uint64_t live =
            catalog_count_live(channel, e->first, e->first + e->count);
        s->segments[e->file].live_bytes += e->bytes * live / e->count;
    }
}

static void survey_read_segments(struct survey *s)
{
    size_t newest = survey_newest(s, UINT64_MAX);
    size_t base = survey_base(s);
    survey_scan_new(s, base);
    survey_scan_old(s);
    survey_judge_files(s,
                       newest < s->count ? s->segments[newest].header.id : 0);
    if (base < s->count)
        return;
    s->is_end_lost = s->may_lack_more = true;
    survey_note(s, NULL, "no segment says what the journal holds");
}

static bool survey_read(struct survey *s, struct sentence *why)
{
    if (!survey_identify(s, why))
        return false;
    s->catalog.keeps_done = s->keeps_done;
    survey_read_segments(s);
    catalog_settle(&s->catalog);
    if (s->catalog.nameless > 0) {
        s->may_lack_more = true;
        survey_note(s, NULL,
                    "%" PRIu64 " messages are of channels whose names are lost",
                    s->catalog.nameless);
    }
    catalog_each_lost(&s->catalog, survey_note_lost, s);
    survey_weigh(s);
    return !s->is_out_of_memory || sentence_fail(why, "out of memory");
}

/* Forgets what was read. */
static void survey_clear(struct survey *s)
{
    catalog_fini(&s->catalog);
    free(s->segments);
    free(s->notes);
    s->segments = NULL;
    s->notes = NULL;
    s->count = s->note_count = s->note_room = 0;
    s->read_bytes = s->last_batch = 0;
    s->is_newer = s->is_format_bad = false;
    s->is_end_lost = s->may_lack_more = false;
}

bool survey_open(struct survey *s, const char *path, struct sentence *why)
{
    if (!folder_open(&s->folder, path, why) ||
        (s->locks && !folder_lock(&s->folder, why)))
        return false;
    bool ok = survey_read(s, why);
    /* What the broker frees meanwhile looks like damage. */
    for (int i = 1; i < TRIES && ok && s->folder.is_used && s->note_count > 0;
         i++) {
        survey_clear(s);
        ok = folder_list(&s->folder, why) && survey_read(s, why);
    }
    return ok;
}

void survey_close(struct survey *s)
{
    survey_clear(s);
    folder_close(&s->folder);
}

bool survey_is_sound(const struct survey *s)
{
    return s->note_count == 0;
}

bool survey_read_extent(const struct survey *s,
                        const struct catalog_extent *extent, uint8_t *into)
{
    const struct survey_segment *segment = &s->segments[extent->file];
    char name[JOURNAL_FILE_NAME];
    journal_name_segment(name, segment->name_id);
    int64_t n =
        folder_read(&s->folder, name, extent->offset, into, extent->bytes);
    return n == (int64_t)extent->bytes &&
           crc32c(journal_seed(&segment->header), into, extent->bytes) ==
               extent->checksum;
}

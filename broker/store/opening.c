/* SPDX-License-Identifier: MIT */
#include "broker/store/opening.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/store/contents.h"
#include "broker/store/fault.h"
#include "broker/store/moving.h"
#include "broker/store/writer.h"
#include "proto/journal_names.h"
#include "proto/journal_reader.h"

static struct segment *newest_of(const struct opening *o)
{
    return &o->e->shelf.segments[o->newest];
}

/* Names. */

static void note_name(void *arg, const char *name, uint64_t bytes)
{
    struct opening *o = arg;
    struct shelf *shelf = &o->e->shelf;
    uint64_t id = journal_name_segment_id(name);
    int spare = journal_name_spare_number(name);
    if (id != 0) {
        struct segment *segment = contents_segment(o, id);
        o->is_short = o->is_short || !segment;
        if (segment)
            segment->bytes = segment->readable = bytes;
    } else if (spare >= 0) {
        o->spares[spare] = bytes;
    } else if (strcmp(name, JOURNAL_NAME_FORMAT) == 0) {
        o->has_format = true;
    } else if (strcmp(name, JOURNAL_NAME_DAMAGED) == 0) {
        shelf->other_bytes += bytes;
    } else if (!journal_name_is_known(name)) {
        o->has_other = true;
        o->report->others++;
        shelf->other_bytes += bytes;
    }
}

static int segment_compare(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* FORMAT. */

static int format_write(struct engine *e)
{
    const struct disk *disk = &e->shelf.disk;
    char text[JOURNAL_FORMAT_TEXT];
    struct iovec piece = {text, sizeof text};
    int file;
    journal_put_format(text, e->uuid);
    int error =
        disk->ops->open(disk->folder, JOURNAL_NAME_NEW_FORMAT, true, &file);
    if (error)
        return error;
    error = disk->ops->write(disk->folder, file, 0, &piece, 1);
    if (!error)
        error = disk->ops->flush(disk->folder, file);
    (void)disk->ops->close(disk->folder, file);
    if (!error)
        error = disk->ops->rename(disk->folder, JOURNAL_NAME_NEW_FORMAT,
                                  JOURNAL_NAME_FORMAT);
    return error ? error : disk->ops->flush_folder(disk->folder);
}

static bool format_read(struct opening *o)
{
    const struct disk *disk = &o->e->shelf.disk;
    struct sentence *why = &o->report->why;
    char text[JOURNAL_FORMAT_TEXT + 1];
    unsigned version;
    size_t length = 0;
    int file;
    int error =
        disk->ops->open(disk->folder, JOURNAL_NAME_FORMAT, false, &file);
    if (!error) {
        error =
            disk->ops->read(disk->folder, file, 0, text, sizeof text, &length);
        (void)disk->ops->close(disk->folder, file);
    }
    if (error)
        return contents_error(o, error, "reading FORMAT");
    switch (journal_get_format(o->e->uuid, &version, text, length)) {
    case JOURNAL_SOUND:
        return true;
    case JOURNAL_NEWER:
        return sentence_fail(why, "it has format %u, and this version reads %d",
                             version, JOURNAL_VERSION);
    default:
        return sentence_fail(why, "FORMAT is damaged");
    }
}

static void add_again(struct engine *e)
{
    moving_gather(e, UINT64_MAX, true);
}

/* Begins the new segment. The last batch of the old one may be in the memory of
 * the system only: the process was killed between writing and flushing, or the
 * flush failed, and no later flush would say so. It comes along under the new
 * segment's first flush, before that has its name; the batches before it were
 * flushed. */
static int segment_begin(struct opening *o)
{
    struct engine *e = o->e;
    struct segment *newest = newest_of(o);
    uint64_t end = newest->end;
    if (o->is_closed || o->again == 0 || STORE_FAULT(NOT_AGAIN))
        return writer_roll(e, 0, 0, NULL);
    newest->end = o->again;
    newest->last_batch--;
    if (!window_get(&e->window, o->newest, newest->end, end - newest->end))
        return e->window.error ? e->window.error : EIO;
    if (!moving_begin(e, o->newest, newest->end))
        return ENOMEM;
    uint64_t bytes = moving_measure(e);
    if (newest->is_damaged)
        return EIO; /* it was sound when it was read before */
    bool is_late = STORE_FAULT(AGAIN_LATE);
    int error =
        writer_roll(e, bytes, 0, bytes > 0 && !is_late ? add_again : NULL);
    if (!error && bytes > 0 && is_late) {
        writer_begin(e, 0);
        add_again(e);
        error = writer_commit(e, true);
    }
    e->moving.victim = SEGMENT_NONE;
    newest_of(o)->need = 0; /* only a part of it was looked at */
    return error;
}

/* Spares of another size go, as of a file whose making was cut off; the others
 * get the names from the first one on. */
static void spares_tidy(struct opening *o)
{
    struct shelf *shelf = &o->e->shelf;
    char from[JOURNAL_FILE_NAME], to[JOURNAL_FILE_NAME];
    for (unsigned i = 0; i < SHELF_SPARES; i++) {
        journal_name_spare(from, i);
        journal_name_spare(to, (unsigned)shelf->spares);
        if (o->spares[i] != shelf->segment_bytes)
            (void)shelf->disk.ops->remove(shelf->disk.folder, from);
        else if ((unsigned)shelf->spares == i ||
                 shelf->disk.ops->rename(shelf->disk.folder, from, to) == 0)
            shelf->spares++;
    }
}

/* Segments that nothing on disk needs become spares, or go. Not those that the
 * last batch freed: it may be in the memory of the system only. The new segment
 * frees them. */
static void tidy(struct opening *o)
{
    struct shelf *shelf = &o->e->shelf;
    uint64_t last = newest_of(o)->last_batch;
    for (uint32_t i = 0; i < shelf->count; i++) {
        const struct segment *one = &shelf->segments[i];
        if (one->id != 0 && one->is_freed && one->last_batch != last)
            shelf_free(shelf, i);
    }
}

/* A new store. */

/* Whether there is more in the first segment than STATE. */
static bool is_written(struct engine *e)
{
    struct journal_segment head;
    struct journal_batch batch;
    const uint8_t *bytes = window_get(&e->window, 0, 0, JOURNAL_SEGMENT_HEADER);
    if (!bytes || journal_get_segment(&head, bytes, JOURNAL_SEGMENT_HEADER))
        return false;
    e->shelf.segments[0].seed = journal_seed(&head);
    struct journal_reader reader = window_reader(&e->window, 0);
    return journal_find_batch(&reader, head.header_bytes + JOURNAL_ALIGNMENT,
                              &batch) < reader.limit;
}

/* A folder without FORMAT may hold a start that was cut off: at most a first
 * segment in which nothing but STATE is. */
static bool begin(struct opening *o)
{
    struct engine *e = o->e;
    struct shelf *shelf = &e->shelf;
    if (o->has_other)
        return sentence_fail(&o->report->why,
                             "it holds files that are no journal's");
    if (shelf->count > 1 ||
        (shelf->count == 1 && (shelf->segments[0].id != 1 || is_written(e))))
        return sentence_fail(&o->report->why, "the file FORMAT is missing");
    shelf_clear(shelf);
    e->window.segment = 0;
    spares_tidy(o);
    int error = writer_roll(e, 0, 0, NULL);
    if (!error)
        error = format_write(e);
    return !error || contents_error(o, error, "beginning a journal");
}

/* A store that is there. */
static bool resume(struct opening *o)
{
    struct engine *e = o->e;
    struct shelf *shelf = &e->shelf;
    if (!format_read(o))
        return false;
    if (shelf->count == 0)
        return sentence_fail(&o->report->why, "all segments are missing");
    o->newest = shelf->count - 1;
    if (!contents_newest(o) || !contents_messages(o))
        return false;
    e->next_id = newest_of(o)->id + 1;
    /* Behind the last one there may have been an INDEX. */
    e->next_batch = newest_of(o)->last_batch + 2;
    /* What is about to be used again must not be needed whatever happens. */
    int error = shelf->disk.ops->flush_folder(shelf->disk.folder);
    if (!error) {
        spares_tidy(o);
        tidy(o);
        shelf->is_opening = true;
        error = segment_begin(o);
        shelf->is_opening = false;
    }
    if (!error)
        writer_apply(e);
    return !error || contents_error(o, error, "beginning a segment");
}

static void summarize(const struct engine *e, struct engine_report *report)
{
    uint64_t bytes;
    report->channels = (uint32_t)e->catalog.ids.count;
    report->segments = shelf_sum(&e->shelf, &bytes, &bytes);
    for (const struct catalog_channel *one = e->catalog.first; one;
         one = one->following) {
        report->messages += catalog_held(one, &bytes);
        report->bytes += bytes;
    }
}

bool opening_run(struct engine *e, struct engine_report *report)
{
    struct shelf *shelf = &e->shelf;
    struct opening o = {.e = e, .report = report};
    int error = shelf->disk.ops->list(shelf->disk.folder, note_name, &o);
    if (error || o.is_short)
        return contents_error(&o, error ? error : ENOMEM, "listing the folder");
    if (shelf->count > 0)
        qsort(shelf->segments, shelf->count, sizeof *shelf->segments,
              segment_compare);
    if (!(o.has_format ? resume : begin)(&o))
        return false;
    summarize(e, report);
    /* Without the reserve publishing waits. */
    if (shelf_make_spares(shelf, SHELF_RESERVE) != 0)
        e->state = STORE_FULL;
    moving_choose(e);
    return true;
}

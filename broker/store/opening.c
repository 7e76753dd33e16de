/* SPDX-License-Identifier: MIT
 *
 * The newest segment says which channels and segments there are; it is
 * read to its end, of the others the indexes are. A new segment is begun at
 * once: nothing is written behind a torn end.
 */
#include "broker/store/opening.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/store/complaint.h"
#include "broker/store/contents.h"
#include "broker/store/fault.h"
#include "broker/store/moving.h"
#include "broker/store/writer.h"
#include "common/vector.h"
#include "proto/journal_names.h"

/* Names. */

static bool add_file(struct opening *o, uint64_t id, uint64_t bytes)
{
    struct file_name *more =
        vector_grow(o->files, &o->file_room, o->file_count, sizeof *more);
    if (!more)
        return false;
    o->files = more;
    o->files[o->file_count++] = (struct file_name){.id = id, .bytes = bytes};
    return true;
}

static void note_name(void *arg, const char *name, uint64_t bytes)
{
    struct opening *o = arg;
    struct shelf *shelf = &o->e->shelf;
    uint64_t id = journal_name_segment_id(name);
    int spare = journal_name_spare_number(name);
    if (id != 0) {
        o->is_short = o->is_short || !add_file(o, id, bytes);
    } else if (spare >= 0) {
        /* Others are removed when the store is open. */
        if (bytes == shelf->segment_bytes)
            shelf->has_spare[spare] = true;
        else
            o->odd_spares |= 1u << spare;
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

static int file_compare(const void *a, const void *b)
{
    const struct file_name *x = a, *y = b;
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

static enum engine_result format_read(struct opening *o)
{
    const struct disk *disk = &o->e->shelf.disk;
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
        return complaint_error(o->report, error, "reading FORMAT");
    switch (journal_get_format(o->e->uuid, &version, text, length)) {
    case JOURNAL_SOUND:
        return ENGINE_OPENED;
    case JOURNAL_NEWER:
        return complaint(o->report, ENGINE_NEWER,
                         "it has format %u, and this version reads %d", version,
                         JOURNAL_VERSION);
    default:
        return complaint(o->report, ENGINE_DAMAGED, "FORMAT is damaged");
    }
}

static void add_again(struct engine *e)
{
    moving_gather(e, UINT64_MAX, UINT64_MAX, true);
}

/* Begins the new segment. The last batch of the old one may be in the memory of
 * the system only: the process was killed between writing and flushing, or the
 * flush failed, and no later flush would say so. It comes along under the new
 * segment's first flush, before that has its name; the batches before it were
 * flushed. */
static int segment_begin(struct opening *o)
{
    struct engine *e = o->e;
    struct segment *newest = &e->shelf.segments[o->newest];
    uint64_t end = newest->end;
    if (o->is_closed || o->before_end == 0 || STORE_FAULT(NOT_AGAIN))
        return writer_roll(e, 0, NULL);
    newest->end = o->before_end;
    newest->last_batch--;
    if (!window_get(&e->window, o->newest, newest->end, end - newest->end))
        return e->window.error ? e->window.error : EIO;
    if (!moving_begin(e, o->newest, newest->end))
        return ENOMEM;
    uint64_t bytes = moving_measure(e);
    if (newest->is_damaged)
        return EIO; /* it was sound when it was read before */
    if (bytes > 0)
        bytes += JOURNAL_BATCH_HEADER + JOURNAL_BATCH_TRAILER;
    bool is_late = STORE_FAULT(AGAIN_LATE);
    int error = writer_roll(e, bytes, bytes > 0 && !is_late ? add_again : NULL);
    if (!error && bytes > 0 && is_late) {
        writer_begin(e, 0);
        add_again(e);
        error = writer_commit(e);
    }
    e->moving.victim = SEGMENT_NONE;
    e->shelf.segments[o->newest].need = 0; /* only a part of it was looked at */
    return error;
}

static bool is_on_shelf(const struct shelf *shelf, uint64_t id)
{
    for (uint32_t i = 0; i < shelf->count; i++)
        if (shelf->segments[i].id == id)
            return true;
    return false;
}

/* Files that no segment on the shelf is become spares, or go. Those that the
 * last batch freed only if `all`: it may be in the memory of the system only.
 */
static void tidy(struct opening *o, bool all)
{
    struct shelf *shelf = &o->e->shelf;
    char name[JOURNAL_FILE_NAME];
    for (unsigned i = 0; i < SHELF_SPARES; i++)
        if (o->odd_spares & 1u << i) {
            journal_name_spare(name, i);
            (void)shelf->disk.ops->remove(shelf->disk.folder, name);
        }
    o->odd_spares = 0;
    for (uint32_t i = 0; i < o->file_count; i++) {
        struct file_name *file = &o->files[i];
        if (file->is_tidy || is_on_shelf(shelf, file->id) ||
            (!all && file->freed_in == shelf->segments[o->newest].last_batch))
            continue;
        uint32_t place = shelf_place(shelf);
        if (place == SEGMENT_NONE)
            return;
        shelf->segments[place].id = file->id;
        shelf->segments[place].bytes = file->bytes;
        shelf_free(shelf, place);
        file->is_tidy = true;
    }
}

/* A new store. */

/* Whether a folder without FORMAT holds no more than a start that was cut off:
 * at most a first segment in which nothing but STATE is. */
static enum engine_result begin_check(struct opening *o)
{
    struct engine *e = o->e;
    struct journal_segment head;
    uint32_t place;
    if (o->has_other)
        return complaint(o->report, ENGINE_FOREIGN,
                         "it holds files that are no journal's");
    if (o->file_count == 0)
        return ENGINE_OPENED;
    struct file_name first = o->files[0];
    place = shelf_place(&e->shelf);
    if (place == SEGMENT_NONE)
        return ENGINE_NO_MEMORY;
    struct segment *segment = &e->shelf.segments[place];
    *segment = (struct segment){.id = first.id,
                                .bytes = first.bytes,
                                .readable = first.bytes,
                                .file = -1};
    const uint8_t *bytes =
        window_get(&e->window, place, 0, JOURNAL_SEGMENT_HEADER);
    bool is_begun = o->file_count > 1 || first.id != 1;
    if (!is_begun && bytes &&
        !journal_get_segment(&head, bytes, JOURNAL_SEGMENT_HEADER)) {
        segment->seed = journal_seed(&head);
        segment->end = head.header_bytes;
        is_begun = contents_has_batch_behind(e, place);
    }
    if (is_begun)
        return complaint(o->report, ENGINE_DAMAGED,
                         "the file FORMAT is missing");
    shelf_clear(&e->shelf);
    o->file_count = 0;
    e->window.segment = 0;
    return ENGINE_OPENED;
}

static enum engine_result begin(struct opening *o)
{
    enum engine_result result = begin_check(o);
    if (result)
        return result;
    int error = writer_roll(o->e, 0, NULL);
    if (!error)
        error = format_write(o->e);
    return error ? complaint_error(o->report, error, "beginning a journal")
                 : ENGINE_OPENED;
}

/* A store that is there. */
static enum engine_result resume(struct opening *o)
{
    struct engine *e = o->e;
    enum engine_result result = format_read(o);
    if (result)
        return result;
    if (o->file_count == 0)
        return complaint(o->report, ENGINE_DAMAGED, "all segments are missing");
    result = contents_newest(o);
    if (!result)
        result = contents_messages(o);
    if (result)
        return result;
    e->next_id = o->files[o->file_count - 1].id + 1;
    /* Behind the last one there may have been an INDEX. */
    e->next_batch = e->shelf.segments[o->newest].last_batch + 2;
    /* What is about to be used again must not be needed whatever happens. */
    int error = e->shelf.disk.ops->flush_folder(e->shelf.disk.folder);
    if (!error) {
        tidy(o, false);
        e->shelf.is_opening = true;
        error = segment_begin(o);
        e->shelf.is_opening = false;
    }
    if (!error)
        writer_apply(e);
    return error ? complaint_error(o->report, error, "beginning a segment")
                 : ENGINE_OPENED;
}

static void summarize(struct opening *o)
{
    const struct engine *e = o->e;
    uint64_t bytes;
    o->report->channels = (uint32_t)e->catalog.ids.count;
    o->report->segments = shelf_sum(&e->shelf, &bytes, &o->report->bytes);
    o->report->bytes = 0;
    for (const struct catalog_channel *one = e->catalog.first; one;
         one = one->following) {
        o->report->messages += catalog_held(one, &bytes);
        o->report->bytes += bytes;
    }
}

enum engine_result opening_run(struct engine *e, struct engine_report *report)
{
    const struct disk *disk = &e->shelf.disk;
    struct opening o = {.e = e, .report = report};
    enum engine_result result = ENGINE_OPENED;
    int error = disk->ops->list(disk->folder, note_name, &o);
    if (error || o.is_short)
        result = complaint_error(o.report, error ? error : ENOMEM,
                                 "listing the folder");
    if (o.file_count > 0)
        qsort(o.files, o.file_count, sizeof *o.files, file_compare);
    if (!result)
        result = o.has_format ? resume(&o) : begin(&o);
    if (!result) {
        tidy(&o, true);
        summarize(&o);
        /* Without the reserve publishing waits. */
        if (shelf_make_spares(&e->shelf, SHELF_RESERVE) != 0)
            e->state = STORE_FULL;
        moving_choose(e);
    }
    free(o.files);
    free(o.live);
    return result;
}

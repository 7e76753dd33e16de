/* SPDX-License-Identifier: MIT */
#include "client/journal/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/journal/messages.h"
#include "client/journal/segment_writer.h"
#include "proto/journal_names.h"

/* The new segment until it is complete; other programs leave it alone. */
static const char new_name[] = "repair.new";

enum {
    RUN_BYTES = 1 << 20,        /* of messages in a record, unless it is one */
    NUMBERS_LEFT_OUT = 1 << 20, /* when it is not known which were used */
    CHANNELS_LEFT_OUT = 1 << 16
};

/* Messages that follow each other and are copied as one record. */
struct copy {
    struct segment_writer *writer;
    struct journal_record record;
    uint8_t *bytes;
    size_t room;
};

/* Whether the segment is not part of the new state: it is damaged, or its last
 * batch may be on no disk yet. */
static bool is_replaced(const struct survey_segment *segment)
{
    return segment->is_damaged ||
           (segment->is_newest && !segment->scan.is_sealed);
}

static uint64_t next_id(const struct survey *s)
{
    uint64_t id = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct survey_segment *segment = &s->segments[i];
        if (segment->name_id > id)
            id = segment->name_id;
        if (segment->is_ours && segment->header.id > id)
            id = segment->header.id;
    }
    for (size_t i = 0; i < s->catalog.segment_count; i++)
        if (s->catalog.segments[i].id > id)
            id = s->catalog.segments[i].id;
    return id + 1;
}

/* STATE. */

static void add_segments(struct segment_writer *w, const struct survey *s)
{
    uint8_t *entries = calloc(s->count + 1, JOURNAL_SEGMENT_ENTRY);
    uint32_t count = 0;
    if (!entries) {
        w->has_failed = true;
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        const struct survey_segment *segment = &s->segments[i];
        const union journal_entry entry = {.segment = {segment->header.id,
                                                       segment->scan.last_seen,
                                                       segment->scan.end}};
        if (segment->is_live && !is_replaced(segment))
            journal_put(JOURNAL_SEGMENTS,
                        entries + (size_t)count++ * JOURNAL_SEGMENT_ENTRY,
                        &entry);
    }
    segment_writer_add(
        w,
        (struct journal_record){.type = JOURNAL_SEGMENTS,
                                .bytes = count * JOURNAL_SEGMENT_ENTRY,
                                .count = count},
        entries);
    free(entries);
}

static void note_lost(void *arg, const struct catalog_channel *channel,
                      struct range run)
{
    struct survey *s = arg;
    struct catalog_channel *own = catalog_find(&s->catalog, channel->id);
    if (!catalog_add(&own->done, run.first, run.end))
        s->is_out_of_memory = true;
}

/* Numbers that may have been used are not given to other messages. */
static void leave_room(struct survey *s)
{
    struct journal_numbers *numbers = &s->catalog.numbers;
    for (size_t i = 0; i < s->catalog.channel_count; i++) {
        struct catalog_channel *channel = &s->catalog.channels[i];
        uint64_t next = channel->next + NUMBERS_LEFT_OUT;
        if (!catalog_add(&channel->done, channel->next, next))
            s->is_out_of_memory = true;
        channel->next = next;
    }
    numbers->above += NUMBERS_LEFT_OUT;
    numbers->next_channel += CHANNELS_LEFT_OUT;
}

/* What is done from the first number on is below the floor. */
static void raise_floor(struct catalog_channel *channel)
{
    uint64_t end;
    channel->floor = ranges_gap(&channel->done, channel->floor, &end);
    ranges_cut(&channel->done, channel->floor);
    if (channel->next < channel->floor)
        channel->next = channel->floor;
}

static void add_channel(struct segment_writer *w,
                        struct catalog_channel *channel)
{
    raise_floor(channel);
    const union journal_entry said = {
        .channel = {.next = channel->next,
                    .floor = channel->floor,
                    .id = channel->id,
                    .ranges = channel->done.count,
                    .kind = (uint8_t)channel->kind,
                    .name_bytes = channel->name_bytes,
                    .name = channel->name}};
    size_t bytes = (size_t)journal_channel_bytes(&said.channel);
    uint8_t *entry = malloc(bytes);
    if (!entry) {
        w->has_failed = true;
        return;
    }
    uint8_t *ranges = journal_put(JOURNAL_CHANNEL, entry, &said);
    for (uint32_t i = 0; i < channel->done.count; i++) {
        const struct range *run = &channel->done.rows[i];
        const union journal_entry range = {
            .range = {.first = run->first,
                      .count = (uint32_t)(run->end - run->first)}};
        ranges = journal_put(JOURNAL_ACKS, ranges, &range);
    }
    segment_writer_add(w,
                       (struct journal_record){.type = JOURNAL_CHANNEL,
                                               .bytes = (uint32_t)bytes,
                                               .count = 1},
                       entry);
    free(entry);
}

static void write_state(struct segment_writer *w, struct survey *s)
{
    segment_writer_add_numbers(w, &s->catalog.numbers);
    add_segments(w, s);
    for (size_t i = 0; i < s->catalog.channel_count; i++)
        if (!s->catalog.channels[i].is_dropped)
            add_channel(w, &s->catalog.channels[i]);
    segment_writer_commit(w, JOURNAL_BATCH_STATE);
}

/* Messages. */

static void copy_flush(struct copy *c)
{
    if (c->record.count == 0)
        return;
    if (segment_writer_is_full(c->writer, c->record.bytes))
        segment_writer_commit(c->writer, 0);
    segment_writer_add(c->writer, c->record, c->bytes);
    c->record.count = 0;
    c->record.bytes = 0;
}

static bool copy_message(void *arg, const struct message *m)
{
    struct copy *c = arg;
    struct journal_record *r = &c->record;
    bool follows = m->number == r->first + r->count && m->form == r->form &&
                   r->bytes + m->length <= RUN_BYTES;
    if (!follows)
        copy_flush(c);
    if (r->bytes + m->length > c->room) {
        size_t room = r->bytes + m->length + RUN_BYTES;
        uint8_t *bytes = realloc(c->bytes, room);
        if (!bytes)
            return false;
        c->bytes = bytes;
        c->room = room;
    }
    if (r->count == 0) {
        r->first = m->number;
        r->form = (uint8_t)m->form;
    }
    memcpy(c->bytes + r->bytes, m->bytes, m->length);
    r->bytes += (uint32_t)m->length;
    r->count++;
    return true;
}

/* Copies what is not done of a channel from the segments that are replaced. */
static bool copy_channel(struct segment_writer *w, const struct survey *s,
                         const struct catalog_channel *channel)
{
    const struct catalog_extent *end;
    const struct catalog_extent *e = messages_extents(s, channel->id, &end);
    struct copy copy = {.writer = w,
                        .record = {.type = JOURNAL_MESSAGES,
                                   .flags = JOURNAL_RECORD_MOVED,
                                   .channel = channel->id}};
    uint64_t from = channel->floor, unread = 0;
    bool ok = true;
    for (; e < end && ok; e++) {
        if (is_replaced(&s->segments[e->file]))
            ok = messages_of_extent(s, channel, e, from, false, copy_message,
                                    &copy, &unread);
        if (e->first + e->count > from)
            from = e->first + e->count;
    }
    copy_flush(&copy);
    free(copy.bytes);
    return ok && unread == 0;
}

static void write_messages(struct segment_writer *w, const struct survey *s)
{
    for (size_t i = 0; i < s->catalog.channel_count; i++) {
        const struct catalog_channel *channel = &s->catalog.channels[i];
        if (!channel->is_dropped && !copy_channel(w, s, channel))
            w->has_failed = true;
    }
    segment_writer_commit(w, 0);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool write_segment(struct survey *s, int fd, uint64_t id)
{
    struct segment_writer w;
    struct journal_segment segment = {.id = id,
                                      .first_batch = s->last_batch + 2};
    memcpy(segment.uuid, s->uuid, JOURNAL_UUID);
    if (getrandom(&segment.salt, sizeof segment.salt, 0) != sizeof segment.salt)
        return false;
    segment_writer_begin(&w, fd, &segment, now_ms());
    write_state(&w, s);
    write_messages(&w, s);
    return segment_writer_end(&w, &s->catalog.numbers);
}

/* Files. */

static bool flush_folder(const struct survey *s)
{
    return fsync(s->folder.fd) == 0;
}

/* Under the name that a segment has, only when it is complete and on disk. */
static bool make_segment(struct survey *s)
{
    char name[JOURNAL_FILE_NAME];
    uint64_t id = next_id(s);
    int fd = openat(s->folder.fd, new_name,
                    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = write_segment(s, fd, id);
    int error = errno;
    ok = close(fd) == 0 && ok;
    if (!ok) {
        (void)unlinkat(s->folder.fd, new_name, 0);
        errno = error;
        return false;
    }
    journal_name_segment(name, id);
    return renameat(s->folder.fd, new_name, s->folder.fd, name) == 0 &&
           flush_folder(s);
}

/* Never over a file that an earlier repair has moved there. */
static bool move_away(int from, int to, const char *name)
{
    char free_name[JOURNAL_FILE_NAME + 16];
    snprintf(free_name, sizeof free_name, "%s", name);
    for (unsigned i = 1; faccessat(to, free_name, F_OK, 0) == 0; i++)
        snprintf(free_name, sizeof free_name, "%s.%u", name, i);
    return renameat(from, name, to, free_name) == 0 || errno == ENOENT;
}

static bool move_damaged(const struct survey *s, int to)
{
    char name[JOURNAL_FILE_NAME];
    for (size_t i = 0; i < s->count; i++) {
        journal_name_segment(name, s->segments[i].name_id);
        if (s->segments[i].is_damaged && !move_away(s->folder.fd, to, name))
            return false;
    }
    return !s->is_format_bad ||
           move_away(s->folder.fd, to, JOURNAL_NAME_FORMAT);
}

static bool clear_away(const struct survey *s)
{
    if (mkdirat(s->folder.fd, JOURNAL_NAME_DAMAGED, 0700) != 0 &&
        errno != EEXIST)
        return false;
    int to = openat(s->folder.fd, JOURNAL_NAME_DAMAGED,
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to < 0)
        return false;
    bool ok = move_damaged(s, to) && fsync(to) == 0;
    int error = errno;
    close(to);
    errno = error;
    return ok && flush_folder(s);
}

static bool make_format(const struct survey *s)
{
    char text[JOURNAL_FORMAT_TEXT];
    int fd = openat(s->folder.fd, JOURNAL_NAME_NEW_FORMAT,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    journal_put_format(text, s->uuid);
    bool ok = write(fd, text, sizeof text) == sizeof text && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    return ok &&
           renameat(s->folder.fd, JOURNAL_NAME_NEW_FORMAT, s->folder.fd,
                    JOURNAL_NAME_FORMAT) == 0 &&
           flush_folder(s);
}

bool repair(struct survey *s, struct sentence *why)
{
    catalog_each_lost(&s->catalog, note_lost, s);
    if (s->is_end_lost)
        leave_room(s);
    catalog_settle(&s->catalog);
    if (s->catalog.numbers.next_channel == 0)
        s->catalog.numbers.next_channel = 1;
    errno = ENOMEM;
    bool ok = !s->is_out_of_memory && make_segment(s) && clear_away(s) &&
              (!s->is_format_bad || make_format(s));
    return ok || sentence_fail(why, "cannot repair %s: %s", s->folder.path,
                               strerror(errno));
}

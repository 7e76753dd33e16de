/* SPDX-License-Identifier: MIT */
#include "client/journal/survey_files.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/vector.h"
#include "proto/journal_names.h"

void survey_note(struct survey *s, struct survey_segment *segment,
                 const char *format, ...)
{
    struct survey_note *notes =
        vector_grow(s->notes, &s->note_room, s->note_count, sizeof *notes);
    va_list list;
    if (segment)
        segment->is_damaged = true;
    if (!notes) {
        s->is_out_of_memory = true;
        return;
    }
    s->notes = notes;
    va_start(list, format);
    vsnprintf(notes[s->note_count++].text, sizeof notes->text, format, list);
    va_end(list);
}

static void survey_read_format(struct survey *s)
{
    char text[JOURNAL_FORMAT_TEXT + 1];
    unsigned version = 0;
    int64_t n =
        folder_read(&s->folder, JOURNAL_NAME_FORMAT, 0, text, sizeof text);
    enum journal_fault fault =
        n < 0 ? JOURNAL_SHORT
              : journal_get_format(s->uuid, &version, text, (size_t)n);
    s->is_format_bad = fault != JOURNAL_SOUND;
    s->is_newer = fault == JOURNAL_NEWER;
    if (fault == JOURNAL_NEWER)
        survey_note(s, NULL,
                    JOURNAL_NAME_FORMAT ": it is of version %u, and this "
                                        "program reads version %d",
                    version, JOURNAL_VERSION);
    else if (n < 0)
        survey_note(s, NULL, JOURNAL_NAME_FORMAT ": %s", strerror(errno));
    else if (fault != JOURNAL_SOUND)
        survey_note(s, NULL, JOURNAL_NAME_FORMAT ": %s",
                    journal_fault_text(fault));
}

static void survey_read_header(struct survey *s, struct survey_segment *segment,
                               const struct folder_file *file)
{
    uint8_t bytes[JOURNAL_SEGMENT_HEADER];
    char name[JOURNAL_FILE_NAME];
    *segment =
        (struct survey_segment){.name_id = file->id, .bytes = file->bytes};
    journal_name_segment(name, file->id);
    int64_t n = folder_read(&s->folder, name, 0, bytes, sizeof bytes);
    segment->fault =
        n < 0 ? JOURNAL_SHORT
              : journal_get_segment(&segment->header, bytes, (size_t)n);
}

static bool survey_read_headers(struct survey *s)
{
    size_t count = s->folder.count;
    s->segments = calloc(count > 0 ? count : 1, sizeof *s->segments);
    if (!s->segments)
        return false;
    s->count = count;
    for (size_t i = 0; i < count; i++)
        survey_read_header(s, &s->segments[i], &s->folder.files[i]);
    return true;
}

static bool is_of(const struct survey_segment *segment,
                  const uint8_t uuid[JOURNAL_UUID])
{
    return segment->fault == JOURNAL_SOUND &&
           memcmp(segment->header.uuid, uuid, JOURNAL_UUID) == 0;
}

bool survey_is_ours(const struct survey *s,
                    const struct survey_segment *segment)
{
    return is_of(segment, s->uuid);
}

static size_t count_of(const struct survey *s, const uint8_t *uuid)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += is_of(&s->segments[i], uuid);
    return n;
}

/* If FORMAT does not say whose files these are, most of them do. */
static void survey_settle_uuid(struct survey *s)
{
    size_t most = s->is_format_bad ? 0 : count_of(s, s->uuid);
    const uint8_t *uuid = NULL;
    for (size_t i = 0; i < s->count; i++) {
        size_t n = s->segments[i].fault != JOURNAL_SOUND
                       ? 0
                       : count_of(s, s->segments[i].header.uuid);
        if (n > most) {
            most = n;
            uuid = s->segments[i].header.uuid;
        }
    }
    if (!uuid)
        return;
    if (!s->is_format_bad)
        survey_note(s, NULL,
                    JOURNAL_NAME_FORMAT ": it has another uuid than the "
                                        "segments");
    s->is_format_bad = true;
    memcpy(s->uuid, uuid, JOURNAL_UUID);
}

bool survey_has_right_name(const struct survey *s,
                           const struct survey_segment *segment)
{
    return survey_is_ours(s, segment) && segment->header.id == segment->name_id;
}

/* Whether the file that should be the segment is another one. A file that was
 * being made anew when the power went may have an old name, too: then there is
 * none that is called as it should be. */
static bool is_swapped(const struct survey *s,
                       const struct survey_segment *segment)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->segments[i].name_id == segment->header.id)
            return !survey_has_right_name(s, &s->segments[i]);
    return false;
}

/* Decides which files are this journal's. */
static void survey_sort_out(struct survey *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct survey_segment *segment = &s->segments[i];
        segment->is_ours =
            survey_has_right_name(s, segment) ||
            (survey_is_ours(s, segment) && is_swapped(s, segment));
    }
}

bool survey_identify(struct survey *s, struct sentence *why)
{
    survey_read_format(s);
    if (!survey_read_headers(s))
        return sentence_fail(why, "out of memory");
    if (s->is_format_bad && s->count == 0)
        return s->is_newer
                   ? sentence_fail(why, "%s", s->notes[0].text)
                   : sentence_fail(why, "%s is not a journal", s->folder.path);
    survey_settle_uuid(s);
    survey_sort_out(s);
    return true;
}

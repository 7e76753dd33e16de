/* SPDX-License-Identifier: MIT */
#include "client/journal/report.h"

#include <inttypes.h>

#include "client/journal/channel_text.h"
#include "client/journal/messages.h"
#include "proto/journal_names.h"

static void write_store(const struct survey *s, FILE *out)
{
    fprintf(out, "journal %s, version %d, uuid ", s->folder.path,
            JOURNAL_VERSION);
    for (size_t i = 0; i < JOURNAL_UUID; i++)
        fprintf(out, "%02x", s->uuid[i]);
    if (s->folder.is_used)
        fprintf(out, ", used by process %ld", s->folder.pid);
    fputs("\n", out);
    if (s->folder.others > 0)
        fprintf(out, "%u other names are in the folder\n", s->folder.others);
}

static void write_channel(const struct survey *s,
                          const struct catalog_channel *channel, FILE *out)
{
    char name[CHANNEL_TEXT_BYTES];
    struct messages_total t = messages_total(s, channel);
    channel_text(channel, name);
    fprintf(out, "%12" PRIu64 " %14" PRIu64, t.messages, t.bytes);
    if (t.messages > 0)
        fprintf(out, " %12" PRIu64 " %12" PRIu64 "  %s\n", t.first, t.last,
                name);
    else
        fprintf(out, " %12s %12s  %s\n", "-", "-", name);
}

static void write_channels(const struct survey *s, FILE *out)
{
    fprintf(out, "\n%12s %14s %12s %12s  %s\n", "messages", "bytes", "first",
            "last", "channel");
    for (size_t i = 0; i < s->catalog.channel_count; i++)
        if (!s->catalog.channels[i].is_dropped)
            write_channel(s, &s->catalog.channels[i], out);
}

static void write_segment(const struct survey *s,
                          const struct survey_segment *segment, FILE *out)
{
    const struct segment_scan *scan = &segment->scan;
    char name[JOURNAL_FILE_NAME];
    journal_name_segment(name, segment->name_id);
    fprintf(out, "%14" PRIu64 " %14" PRIu64 " %9" PRIu64 "  %s", segment->bytes,
            segment->live_bytes, scan->batches, name);
    if (!segment->is_live && !segment->is_damaged)
        fputs(", free", out);
    if (scan->is_sealed)
        fputs(scan->has_index ? ", sealed, index" : ", sealed", out);
    if (segment->is_newest)
        fputs(", newest", out);
    if (segment->is_damaged)
        fputs(", DAMAGED", out);
    fputs("\n", out);
    if (scan->torn_bytes > 0)
        fprintf(out,
                "  its last batch, of %" PRIu64 " bytes at %" PRIu64
                ", is not complete: %s\n",
                scan->torn_bytes, scan->end,
                s->folder.is_used ? "it is being written"
                                  : "the broker ended while it wrote it");
}

void report_write_damage(const struct survey *s, FILE *out)
{
    for (size_t i = 0; i < s->note_count; i++)
        fprintf(out, "DAMAGED %s\n", s->notes[i].text);
}

struct lost {
    FILE *out;
    uint64_t messages;
};

static void write_lost(void *arg, const struct catalog_channel *channel,
                       struct range run)
{
    struct lost *lost = arg;
    char name[CHANNEL_TEXT_BYTES];
    channel_text(channel, name);
    lost->messages += run.end - run.first;
    fprintf(lost->out, "LOST %" PRIu64 " %" PRIu64 " %s\n", run.first,
            run.end - 1, name);
}

uint64_t report_write_lost(const struct survey *s, FILE *out)
{
    struct lost lost = {.out = out};
    catalog_each_lost(&s->catalog, write_lost, &lost);
    return lost.messages;
}

void report_write(const struct survey *s, FILE *out)
{
    write_store(s, out);
    write_channels(s, out);
    fprintf(out, "\n%14s %14s %9s  %s\n", "bytes", "live", "batches",
            "segment");
    for (size_t i = 0; i < s->count; i++)
        write_segment(s, &s->segments[i], out);
    fputs("\n", out);
    report_write_damage(s, out);
    uint64_t lost = report_write_lost(s, out);
    if (survey_is_sound(s))
        fputs("sound\n", out);
    else
        fprintf(out, "damaged; messages lost: %" PRIu64 "%s\n", lost,
                s->may_lack_more ? REPORT_PERHAPS_MORE : "");
    if (s->folder.is_used)
        fputs("A broker uses it: its last batch may be missing here.\n", out);
}

/* SPDX-License-Identifier: MIT */
#include "client/journal/records.h"
#include "proto/journal_names.h"

#include <inttypes.h>
#include <stdlib.h>

/* What is written, and where it is. */
struct records {
    FILE *out;
    uint64_t batch; /* number of the last one */
};

static void write_batch(struct records *r, const struct journal_batch *batch)
{
    static const char *const flags[] = {"STATE", "INDEX", "PAGE"};
    fprintf(r->out, "  batch %" PRIu64 " bytes=%" PRIu64 " at=%" PRIu64 ".%03u",
            batch->number, batch->bytes, batch->at_ms / 1000,
            (unsigned)(batch->at_ms % 1000));
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
        if (batch->flags >> i & 1)
            fprintf(r->out, " %s", flags[i]);
    fputs("\n", r->out);
}

static bool write_record(void *arg, const struct journal_batch *batch,
                         bool is_whole, const struct journal_record *record,
                         const uint8_t *payload, uint64_t offset)
{
    struct records *r = arg;
    (void)payload;
    if (is_whole && batch->number != r->batch)
        write_batch(r, batch);
    r->batch = batch->number;
    fprintf(r->out, "    %s offset=%" PRIu64 " bytes=%u count=%u",
            journal_type_name(record->type), offset - JOURNAL_RECORD_HEADER,
            record->bytes, record->count);
    if (record->channel > 0)
        fprintf(r->out, " channel=%u", record->channel);
    if (record->first > 0)
        fprintf(r->out, " first=%" PRIu64, record->first);
    if (record->flags & JOURNAL_RECORD_MOVED)
        fputs(" MOVED", r->out);
    fputs(is_whole ? "\n" : " in a damaged batch\n", r->out);
    return true;
}

static bool write_damage(void *arg, const struct segment_scan_damage *d)
{
    const struct records *r = arg;
    fprintf(r->out, "  DAMAGED bytes %" PRIu64 " to %" PRIu64 ": %s: %s\n",
            d->from, d->to - 1, d->what, journal_fault_text(d->fault));
    return true;
}

static void write_segment(struct survey *s, struct survey_segment *segment,
                          FILE *out)
{
    static const struct segment_scan_ops ops = {write_record, NULL,
                                                write_damage};
    struct records r = {.out = out};
    char name[JOURNAL_FILE_NAME];
    uint64_t length;
    journal_name_segment(name, segment->name_id);
    fprintf(out, "%s bytes=%" PRIu64, name, segment->bytes);
    if (!segment->is_live) {
        fputs(" free\n", out);
        return;
    }
    fprintf(out, " id=%" PRIu64 " first_batch=%" PRIu64 "\n",
            segment->header.id, segment->header.first_batch);
    uint8_t *bytes = survey_load(s, segment, &length);
    if (!bytes)
        return;
    struct segment_scan scan = {.bytes = bytes,
                                .length = length,
                                .segment = &segment->header,
                                .last_batch = segment->scan.last_batch,
                                .ops = &ops,
                                .arg = &r};
    (void)segment_scan(&scan);
    if (scan.is_sealed)
        fputs("  sealed\n", out);
    free(bytes);
}

void records_write(struct survey *s, FILE *out)
{
    for (size_t i = 0; i < s->count; i++)
        write_segment(s, &s->segments[i], out);
}

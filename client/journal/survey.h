/* SPDX-License-Identifier: MIT
 *
 * survey - what a whole journal holds: each byte that means something is read
 * and verified, what is damaged is noted, and reading goes on behind it. It
 * changes nothing, and takes no lock: a broker may be writing meanwhile.
 */
#ifndef SLUICE_CLIENT_JOURNAL_SURVEY_H
#define SLUICE_CLIENT_JOURNAL_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/journal/catalog.h"
#include "client/journal/folder.h"
#include "client/journal/segment_scan.h"

struct survey_segment {
    uint64_t name_id; /* of its file */
    uint64_t bytes;
    struct journal_segment header; /* valid if `fault` is sound */
    enum journal_fault fault;
    bool is_ours;             /* has the uuid, and the only or the right name */
    bool is_live;             /* may hold messages that are not done */
    bool is_newest;           /* of those */
    bool is_damaged;          /* something in it, or its name */
    struct segment_scan scan; /* its answer, if it is live */
    uint64_t live_bytes;      /* of messages that are not done */
};

/* What is wrong: a sentence without its end. */
struct survey_note {
    char text[256];
};

struct survey {
    struct folder folder;
    uint8_t uuid[JOURNAL_UUID];
    struct survey_segment *segments; /* rising ids of the names */
    size_t count;
    struct catalog catalog;
    struct survey_note *notes; /* of damage */
    size_t note_count, note_room;
    bool is_newer;       /* a newer version wrote some of it */
    bool is_format_bad;  /* FORMAT is missing or damaged */
    bool is_end_lost;    /* there may be messages, and channels, behind the
                            last numbers that are known */
    bool may_lack_more;  /* of messages than the catalog has as lost */
    uint64_t last_batch; /* highest number seen, or named */
    /* To be set. */
    bool keeps_done; /* dump --acked */
    bool locks;      /* nobody else may use it meanwhile */
    /* NULL: nobody watches. Bytes that were read, of how many. */
    void (*on_progress)(void *arg, uint64_t read, uint64_t total);
    void *arg;
    /* The rest is its own. */
    uint64_t read_bytes;
    bool is_out_of_memory;
};

/* Reads the journal in the folder at `path`, which is borrowed. False, with a
 * sentence, when it is not a journal's, or cannot be read at all. Call
 * survey_close() in any case. */
bool survey_open(struct survey *s, const char *path, struct sentence *why);

/* Frees what it holds. */
void survey_close(struct survey *s);

/* Whether nothing is wrong. */
bool survey_is_sound(const struct survey *s);

/* A file of it as a whole, for free(3), and its length; NULL when it cannot be
 * had. */
uint8_t *survey_load(struct survey *s, struct survey_segment *segment,
                     uint64_t *length);

/* Reads what an extent holds: `into` has room for its bytes. False when it
 * does not verify. */
bool survey_read_extent(const struct survey *s,
                        const struct catalog_extent *extent, uint8_t *into);

#endif

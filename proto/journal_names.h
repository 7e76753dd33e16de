/* SPDX-License-Identifier: MIT
 *
 * journal_names - the names of the files in a journal's folder, and the text
 * of the one called FORMAT, which makes the folder a journal.
 */
#ifndef SLUICE_PROTO_JOURNAL_NAMES_H
#define SLUICE_PROTO_JOURNAL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/journal.h"

#define JOURNAL_NAME_LOCK   "LOCK"   /* flock(2)ed by the broker; its pid */
#define JOURNAL_NAME_FORMAT "FORMAT" /* made last of all */
/* FORMAT while it is being written. */
#define JOURNAL_NAME_NEW_FORMAT "FORMAT.new"
#define JOURNAL_NAME_DAMAGED    "damaged" /* a folder: what repair removed */

enum {
    JOURNAL_FILE_NAME = 24,   /* bytes of any name below, its end included */
    JOURNAL_SPARES = 6,       /* at most */
    JOURNAL_FORMAT_TEXT = 55, /* bytes that FORMAT consists of */
};

/* "0000000000000001.seg": the file of segment `id`. */
void journal_name_segment(char out[JOURNAL_FILE_NAME], uint64_t id);
/* The id in such a name; 0 when it is not one. */
uint64_t journal_name_segment_id(const char *name);

/* "spare-0.seg": a preallocated file, `i` below JOURNAL_SPARES. */
void journal_name_spare(char out[JOURNAL_FILE_NAME], unsigned i);
/* The number in such a name; -1 when it is not one. */
int journal_name_spare_number(const char *name);

/* Whether a journal's folder may have such a name: one of those above, or of
 * those that every folder has. */
bool journal_name_is_known(const char *name);

/* Writes what FORMAT holds. */
void journal_put_format(char out[JOURNAL_FORMAT_TEXT],
                        const uint8_t uuid[JOURNAL_UUID]);
/* Reads it. JOURNAL_NEWER when a later version has written it, which is in
 * `version`; JOURNAL_FOREIGN when it is not a journal's; `uuid` is valid if it
 * is sound. */
enum journal_fault journal_get_format(uint8_t uuid[JOURNAL_UUID],
                                      unsigned *version, const char *text,
                                      size_t length);

#endif

/* SPDX-License-Identifier: MIT */
#include "proto/journal_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char title[] = "sluice journal ";

/* Names and FORMAT are read with little care, and written again: what was read
 * is one of them if it is the same. */

void journal_name_segment(char out[JOURNAL_FILE_NAME], uint64_t id)
{
    snprintf(out, JOURNAL_FILE_NAME, "%016" PRIx64 ".seg", id);
}

uint64_t journal_name_segment_id(const char *name)
{
    char again[JOURNAL_FILE_NAME];
    uint64_t id = 0;
    (void)sscanf(name, "%16" SCNx64, &id);
    journal_name_segment(again, id);
    return strcmp(name, again) == 0 ? id : 0;
}

void journal_name_spare(char out[JOURNAL_FILE_NAME], unsigned i)
{
    snprintf(out, JOURNAL_FILE_NAME, "spare-%u.seg", i);
}

int journal_name_spare_number(const char *name)
{
    for (unsigned i = 0; i < JOURNAL_SPARES; i++) {
        char spare[JOURNAL_FILE_NAME];
        journal_name_spare(spare, i);
        if (strcmp(name, spare) == 0)
            return (int)i;
    }
    return -1;
}

bool journal_name_is_known(const char *name)
{
    static const char *const names[] = {JOURNAL_NAME_LOCK,
                                        JOURNAL_NAME_FORMAT,
                                        JOURNAL_NAME_NEW_FORMAT,
                                        JOURNAL_NAME_DAMAGED,
                                        "lost+found",
                                        ".",
                                        ".."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return journal_name_segment_id(name) > 0 ||
           journal_name_spare_number(name) >= 0;
}

void journal_put_format(char out[JOURNAL_FORMAT_TEXT],
                        const uint8_t uuid[JOURNAL_UUID])
{
    char text[JOURNAL_FORMAT_TEXT + 1];
    int n = snprintf(text, sizeof text, "%s%d\nuuid ", title, JOURNAL_VERSION);
    for (size_t i = 0; i < JOURNAL_UUID; i++, n += 2)
        snprintf(text + n, sizeof text - (size_t)n, "%02x", uuid[i]);
    text[n] = '\n';
    memcpy(out, text, JOURNAL_FORMAT_TEXT);
}

enum journal_fault journal_get_format(uint8_t uuid[JOURNAL_UUID],
                                      unsigned *version, const char *text,
                                      size_t length)
{
    char copy[JOURNAL_FORMAT_TEXT + 1] = "", again[JOURNAL_FORMAT_TEXT];
    const char *digits = copy + JOURNAL_FORMAT_TEXT - 2 * JOURNAL_UUID - 1;
    size_t n = strlen(title);
    memcpy(copy, text, length < sizeof again ? length : sizeof again);
    memset(uuid, 0, JOURNAL_UUID);
    *version = 0;
    if (strncmp(copy, title, n) != 0)
        return JOURNAL_FOREIGN;
    if (sscanf(copy + n, "%5u", version) == 1 && *version > JOURNAL_VERSION)
        return JOURNAL_NEWER;
    for (size_t i = 0; i < JOURNAL_UUID; i++)
        (void)sscanf(digits + 2 * i, "%2hhx", &uuid[i]);
    journal_put_format(again, uuid);
    bool is_same = length == sizeof again && memcmp(copy, again, length) == 0;
    return is_same ? JOURNAL_SOUND : JOURNAL_MALFORMED;
}

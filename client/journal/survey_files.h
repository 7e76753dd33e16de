/* SPDX-License-Identifier: MIT
 *
 * survey_files - whose files they are that a survey finds in its folder: what
 * FORMAT, their names and their headers say, which may contradict each other.
 */
#ifndef SLUICE_CLIENT_JOURNAL_SURVEY_FILES_H
#define SLUICE_CLIENT_JOURNAL_SURVEY_FILES_H

#include <stdbool.h>

#include "client/journal/survey.h"

/* Reads FORMAT and the header of each file, and fills `uuid` and `segments`.
 * False, with a sentence, when it is not a journal, or there is no memory. */
bool survey_identify(struct survey *s, struct sentence *why);

/* Whether its header is sound, and has the uuid. */
bool survey_is_ours(const struct survey *s,
                    const struct survey_segment *segment);

/* The same, and it is called as its header says. */
bool survey_has_right_name(const struct survey *s,
                           const struct survey_segment *segment);

/* Notes damage: a sentence, and the segment that has it; NULL: none alone. */
__attribute__((format(printf, 3, 4))) void
survey_note(struct survey *s, struct survey_segment *segment,
            const char *format, ...);

#endif

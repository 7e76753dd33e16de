/* SPDX-License-Identifier: MIT
 *
 * contents - reads segments that are there: the newest one says which channels
 * and segments live, and where their messages are is in the indexes of the
 * others, or in the segments themselves.
 */
#ifndef SLUICE_STORE_CONTENTS_H
#define SLUICE_STORE_CONTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/store/opening.h"

/* Reads the segment with the highest id, but for its messages. */
enum engine_result contents_newest(struct opening *o);

/* Finds the messages of all segments. */
enum engine_result contents_messages(struct opening *o);

/* Whether a batch begins behind the end of a segment, which its seed makes sure
 * of. */
bool contents_has_batch_behind(struct engine *e, uint32_t place);

#endif

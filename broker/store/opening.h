/* SPDX-License-Identifier: MIT
 *
 * opening - finds out what a folder holds, and begins a new segment or a new
 * store there: nothing is written behind the end of an old one.
 *
 *     newest segment   which channels, which numbers are done, which segments
 *     the others       where messages are: from their INDEX, or else read
 */
#ifndef SLUICE_STORE_OPENING_H
#define SLUICE_STORE_OPENING_H

#include "broker/store/engine_parts.h"

/* See engine_open(). Nothing is written before all that must be there is found
 * to be. False: the report says why not. */
bool opening_run(struct engine *e, struct engine_report *report);

#endif

/* SPDX-License-Identifier: MIT
 *
 * allocator - makes malloc fit for a process that runs for years.
 */
#ifndef SLUICE_BASE_ALLOCATOR_H
#define SLUICE_BASE_ALLOCATOR_H

#include <stdbool.h>

/* Call once, before anything is allocated. */
void allocator_init(void);

/* Gives free memory back to the system. Takes milliseconds when there is
 * much. */
void allocator_trim(void);

/* False when a sanitizer has taken malloc's place: then resident memory says
 * little about the memory in use. */
bool allocator_is_plain(void);

#endif

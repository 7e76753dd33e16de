/* SPDX-License-Identifier: MIT
 *
 * allocator - makes malloc fit for a process that runs for years.
 */
#ifndef SLUICE_BASE_ALLOCATOR_H
#define SLUICE_BASE_ALLOCATOR_H

/* Call once, before anything is allocated. */
void allocator_init(void);

/* Gives free memory back to the system. Takes milliseconds when there is
 * much. */
void allocator_trim(void);

#endif

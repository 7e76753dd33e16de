/* SPDX-License-Identifier: MIT
 *
 * process - the system's figures about this process, and who sees into it.
 */
#ifndef SLUICE_BASE_PROCESS_H
#define SLUICE_BASE_PROCESS_H

#include <stdint.h>

/* Processor time of all threads, in user and kernel mode. */
uint64_t process_cpu_us(void);

/* Resident memory; 0 when the system does not say. */
uint64_t process_rss_bytes(void);

/* From now on no core file holds what is in its memory, and no other process of
 * its user can read that. */
void process_hide_memory(void);

#endif

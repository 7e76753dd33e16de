/* SPDX-License-Identifier: MIT
 *
 * process - the system's figures about this process.
 */
#ifndef SLUICE_BASE_PROCESS_H
#define SLUICE_BASE_PROCESS_H

#include <stdint.h>

/* Processor time of all threads, in user and kernel mode. */
uint64_t process_cpu_us(void);

/* Resident memory; 0 when the system does not say. */
uint64_t process_rss_bytes(void);

#endif

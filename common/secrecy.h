/* SPDX-License-Identifier: MIT
 *
 * secrecy - processes that hold secrets keep their memory to themselves.
 */
#ifndef SLUICE_COMMON_SECRECY_H
#define SLUICE_COMMON_SECRECY_H

/* From now on no core file holds what is in the memory of this process, and no
 * other process of its user can read it. To be called before a secret is read;
 * again does no harm. Not for libsluice: the process is its user's. */
void secrecy_hide_memory(void);

#endif

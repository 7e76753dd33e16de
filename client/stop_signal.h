/* SPDX-License-Identifier: MIT
 *
 * stop_signal - SIGINT and SIGTERM as a descriptor that becomes readable. The
 * first requests an orderly end, the second ends the process as usual.
 */
#ifndef SLUICE_CLIENT_STOP_SIGNAL_H
#define SLUICE_CLIENT_STOP_SIGNAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Once per process; false, with errno, when the system refuses. */
bool stop_signal_init(void);

/* How many process groups can be taken along at a time. */
enum { STOP_SIGNAL_GROUPS_MAX = 1000 };

/* A process group that the second signal ends as well, until it is left behind.
 * Once a group was named, a handler stays for the second signal. One beyond
 * STOP_SIGNAL_GROUPS_MAX is not taken along. */
void stop_signal_take_along(pid_t group);

/* To be called before the group's leader is waited for: its number may name
 * another group afterwards. Does nothing when the group is not taken along. */
void stop_signal_leave_behind(pid_t group);

/* Whether SIGINT or SIGTERM has arrived. */
bool stop_signal_came(void);

/* Readable once a signal came. Never read from it. */
int stop_signal_fd(void);

#endif

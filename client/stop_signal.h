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

/* A process group that the second signal ends as well; 0 when there is none.
 * Once a group was named, a handler stays for the second signal. */
void stop_signal_take_along(pid_t group);

/* Whether SIGINT or SIGTERM has arrived. */
bool stop_signal_came(void);

/* Readable once a signal came. Never read from it. */
int stop_signal_fd(void);

#endif

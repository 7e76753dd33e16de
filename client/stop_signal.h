/* SPDX-License-Identifier: MIT
 *
 * stop_signal - SIGINT and SIGTERM as a descriptor that becomes readable. The
 * first requests an orderly end, the second ends the process as usual.
 */
#ifndef SLUICE_CLIENT_STOP_SIGNAL_H
#define SLUICE_CLIENT_STOP_SIGNAL_H

#include <stdbool.h>

/* Once per process; false, with errno, when the system refuses. */
bool stop_signal_init(void);

/* Whether SIGINT or SIGTERM has arrived. */
bool stop_signal_came(void);

/* Readable once a signal came. Never read from it. */
int stop_signal_fd(void);

#endif

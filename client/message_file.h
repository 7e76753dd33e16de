/* SPDX-License-Identifier: MIT
 *
 * message_file - a message as the standard input of a command: a file in
 * memory, not a pipe. Whatever its length, nothing has to be written while the
 * command runs, and a command that reads none of it is not a special case.
 */
#ifndef SLUICE_CLIENT_MESSAGE_FILE_H
#define SLUICE_CLIENT_MESSAGE_FILE_H

#include "client/sluice.h"

#include <stdbool.h>

/* A descriptor to be read from its beginning, closed on exec; behind the
 * message comes a line end if `has_newline`. -1, with errno. */
int message_file_new(struct sluice_bytes message, bool has_newline);

#endif

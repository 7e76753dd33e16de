/* SPDX-License-Identifier: MIT
 *
 * source_failure - why a command that sends has stopped before its source did.
 */
#ifndef SLUICE_CLIENT_SOURCE_FAILURE_H
#define SLUICE_CLIENT_SOURCE_FAILURE_H

#include "client/source.h"

#include <stdint.h>

/* Prints it and returns EXIT_FAILED. `error` is the errno of SOURCE_FAILED;
 * EMSGSIZE: the message after the first `sent` ones exceeds `longest` bytes. */
int source_failure_complain(const struct source *source, int error,
                            uint64_t sent, uint64_t longest);

#endif

/* SPDX-License-Identifier: MIT
 *
 * failure - the last error: a code for programs, a sentence for people.
 */
#ifndef SLUICE_CLIENT_LIB_FAILURE_H
#define SLUICE_CLIENT_LIB_FAILURE_H

#include "client/sluice.h"

struct sluice_failure {
    enum sluice_error error;
    char sentence[512];
};

/* Records the failure and returns `error`. */
enum sluice_error sluice_failure_set(struct sluice_failure *f,
                                     enum sluice_error error,
                                     const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

/* SPDX-License-Identifier: MIT
 *
 * complaint - why a store was not opened, in words for people. Each returns the
 * result that engine_open() is to have.
 */
#ifndef SLUICE_STORE_COMPLAINT_H
#define SLUICE_STORE_COMPLAINT_H

#include <stdint.h>

#include "broker/store/engine.h"

/* `result`, with a sentence without its end. */
__attribute__((format(printf, 3, 4))) enum engine_result
complaint(struct engine_report *report, enum engine_result result,
          const char *format, ...);

/* A call failed, `what` being what it was for; or there is no memory. */
enum engine_result complaint_error(struct engine_report *report, int error,
                                   const char *what);

/* A segment cannot be read from this byte on. */
enum engine_result complaint_damage(struct engine_report *report, uint64_t id,
                                    uint64_t at, const char *what);

#endif

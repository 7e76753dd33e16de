/* SPDX-License-Identifier: MIT
 *
 * diagnosis - what is wrong with a channel, in the words of the page.
 */
#ifndef SLUICE_CLIENT_TOP_DIAGNOSIS_H
#define SLUICE_CLIENT_TOP_DIAGNOSIS_H

#include "client/top/sheet.h"

/* From fine to worst: what is lost is gone, what is full can be helped. */
enum diagnosis_weight {
    DIAGNOSIS_FINE,
    DIAGNOSIS_SLOW, /* may go away by itself */
    DIAGNOSIS_FULL, /* will not */
    DIAGNOSIS_LOSS,
};

struct diagnosis {
    const char *why; /* NULL when FINE */
    enum diagnosis_weight weight;
};

struct diagnosis diagnosis_of(const struct sheet *channels,
                              const struct sheet_row *row);

#endif

/* SPDX-License-Identifier: MIT
 *
 * diagnosis - what is wrong with a channel, in the words of the page.
 */
#ifndef SLUICE_CLIENT_TOP_DIAGNOSIS_H
#define SLUICE_CLIENT_TOP_DIAGNOSIS_H

#include "client/top/table.h"

/* From fine to worst: a full channel can be helped, a lost message cannot. */
enum diagnosis_weight {
    DIAGNOSIS_FINE,
    DIAGNOSIS_SLOW, /* may recover by itself */
    DIAGNOSIS_FULL, /* will not recover by itself */
    DIAGNOSIS_LOSS,
};

struct diagnosis {
    const char *why; /* NULL when FINE */
    enum diagnosis_weight weight;
};

/* What is wrong with a channel, judged by this row and its rates. */
struct diagnosis diagnosis_of(const struct table *channels,
                              const struct table_row *row);

#endif

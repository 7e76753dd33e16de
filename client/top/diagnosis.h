/* SPDX-License-Identifier: MIT
 *
 * diagnosis - why a channel is backed up, in the words of the page.
 */
#ifndef SLUICE_CLIENT_TOP_DIAGNOSIS_H
#define SLUICE_CLIENT_TOP_DIAGNOSIS_H

#include "client/top/sheet.h"

struct diagnosis {
    const char *why; /* NULL: it flows */
    bool is_bad;     /* it will not go away by itself */
};

struct diagnosis diagnosis_of(const struct sheet *channels,
                              const struct sheet_row *row);

#endif

/* SPDX-License-Identifier: MIT
 *
 * column - the numbers of a view, declared once: their names in documents and
 * metrics, and their meaning.
 */
#ifndef SLUICE_MONITOR_COLUMN_H
#define SLUICE_MONITOR_COLUMN_H

#include <stddef.h>

#include "broker/base/counters.h"
#include "broker/base/view.h"

enum column_of { COLUMN_OF_ALL, COLUMN_OF_CHANNEL, COLUMN_OF_CLIENT };

struct column {
    const char *key;        /* in documents */
    const char *metric;     /* of a channel, in metrics; NULL: not there */
    const char *sentence;   /* about a channel, or what it is of */
    enum counter_kind kind; /* of the metric */
    enum column_of of;      /* the others do not have this number */
};

extern const struct column columns[VIEW_NUMBERS];

#endif

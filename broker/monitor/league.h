/* SPDX-License-Identifier: MIT
 *
 * league - which channels, or clients, to list when there are more than a
 * document has room for: the fullest, then the busiest. The others are summed
 * up.
 */
#ifndef SLUICE_MONITOR_LEAGUE_H
#define SLUICE_MONITOR_LEAGUE_H

#include <stddef.h>
#include <stdint.h>

#include "broker/base/view.h"

enum { LEAGUE_ROWS = 100, LEAGUE_FULLEST = 50 };

/* The best so far by one number. */
struct league_table {
    enum view_number by;
    size_t room, count;
    size_t last; /* index of the lowest, once there is no room */
    struct view rows[LEAGUE_ROWS];
};

struct league {
    struct league_table fullest, busiest;
    struct view sum;
    uint64_t total;
};

/* `busiest` are those with the highest VIEW_RECENT, for who looks again and
 * again, or another number. */
void league_init(struct league *l, enum view_number busiest);

/* A view_fn. */
void league_add(void *league, const struct view *v);

/* Writes the rows to list, and what the others are together; returns how many
 * rows. Of ages the sum is the highest, of all rows. */
size_t league_finish(struct league *l, struct view rows[LEAGUE_ROWS],
                     struct view *rest);

#endif

/* SPDX-License-Identifier: MIT
 *
 * ranking - which channels, or clients, to list when there are more than a
 * document has room for: the fullest, then the busiest. The others are summed.
 */
#ifndef SLUICE_MONITOR_RANKING_H
#define SLUICE_MONITOR_RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "broker/base/view.h"

enum { RANKING_ROWS = 100, RANKING_FULLEST = 50 };

/* The highest so far by one number. */
struct ranking_table {
    enum view_number by;
    size_t room, count;
    size_t last; /* index of the lowest, once there is no room */
    struct view rows[RANKING_ROWS];
};

struct ranking {
    struct ranking_table fullest, busiest;
    struct view sum;
    uint64_t total;
};

/* Starts an empty ranking. `busiest` is the number that decides who is busy:
 * VIEW_RECENT for periodic reports, a total where the rows should not change
 * from one report to the next. */
void ranking_init(struct ranking *r, enum view_number busiest);

/* Enters a view; a view_fn, `ranking` being a struct ranking. */
void ranking_add(void *ranking, const struct view *v);

/* Writes the rows to list and returns their number. `rest` is the sum of the
 * others, except the age, which is the maximum over all rows. Ends the ranking.
 */
size_t ranking_finish(struct ranking *r, struct view rows[RANKING_ROWS],
                      struct view *rest);

#endif

/* SPDX-License-Identifier: MIT
 *
 * ranking - which channels, or clients, to list when there are more than a
 * document has room for: the fullest, then the busiest. The others are summed.
 * A ranking may take many turns of the loop, so it keeps copies of all names.
 */
#ifndef SLUICE_MONITOR_RANKING_H
#define SLUICE_MONITOR_RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "broker/base/view.h"
#include "broker/net/peer.h"
#include "proto/channel_name.h"
#include "users/users.h"

enum {
    RANKING_ROWS = 100,
    RANKING_FULLEST = 50,
    /* Rows are listed only as far as their documents are no longer than this,
     * with names that are all percent-encoded. Readers rely on 128 KiB. */
    RANKING_BYTES = 120 << 10,
    /* Of a row without its names, at most. */
    RANKING_CHANNEL_BYTES = 760,
    RANKING_CLIENT_BYTES = 660,
};

struct ranking_row {
    struct view view; /* its texts are below */
    uint64_t key;
    struct peer peer;
    uint8_t name[CHANNEL_NAME_MAX], waits_for[CHANNEL_NAME_MAX];
    uint8_t label[CHANNEL_NAME_MAX];
    char user[USER_NAME_BYTES];
};

/* The highest so far by one number. */
struct ranking_table {
    enum view_number by;
    size_t room, count;
    size_t last; /* index of the lowest, once there is no room */
    struct ranking_row *rows;
};

struct ranking {
    struct ranking_table fullest, busiest;
    struct view sum;
    uint64_t total;
    struct ranking_row rows[RANKING_FULLEST + RANKING_ROWS];
};

/* What is listed. */
struct ranking_list {
    size_t count;
    size_t bytes; /* of a document about them, at most */
    const struct view *rows[RANKING_ROWS]; /* belong to the ranking */
    struct view rest; /* the sum of all others; its age is the maximum over all
                         rows, or 0 when there are no others */
};

/* What identifies a channel or a client while it exists: never 0. */
uint64_t ranking_key(const struct view *v);

/* Starts an empty ranking. `busiest` is the number that decides who is busy:
 * VIEW_RECENT for periodic reports, a total where the rows should not change
 * from one report to the next. */
void ranking_init(struct ranking *r, enum view_number busiest);

/* Enters a view, of which it keeps nothing that is borrowed; a view_fn,
 * `ranking` being a struct ranking. */
void ranking_add(void *ranking, const struct view *v);

/* Ends the ranking; what is listed is valid until ranking_init. */
void ranking_finish(struct ranking *r, struct ranking_list *list);

#endif

/* SPDX-License-Identifier: MIT
 *
 * client_views - all clients, as the broker's watchers see them. They are shown
 * in pieces, the oldest first, because there may be many. There is one walk at
 * a time; its position is kept in struct clients.
 */
#ifndef SLUICE_SESSION_CLIENT_VIEWS_H
#define SLUICE_SESSION_CLIENT_VIEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/view.h"

struct clients;

/* Begins a walk, and gives up one that has not ended. */
void client_views_begin(struct clients *all);

/* Shows the next `count` clients to `visit`, which may not call back. A walk
 * shows each client that stays connected throughout it once. False when the
 * walk is over. */
bool client_views_show(struct clients *all, size_t count, view_fn *visit,
                       void *arg);

/* The same without a walk: shows up to `count` clients whose numbers are above
 * `after`. Returns the number of the last one if there are more, else 0. The
 * clients before them are passed over, which takes a little time as well. */
uint64_t client_views_show_after(const struct clients *all, uint64_t after,
                                 size_t count, view_fn *visit, void *arg);

#endif

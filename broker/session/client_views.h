/* SPDX-License-Identifier: MIT
 *
 * client_views - all clients, as the broker's watchers see them.
 */
#ifndef SLUICE_SESSION_CLIENT_VIEWS_H
#define SLUICE_SESSION_CLIENT_VIEWS_H

#include "broker/base/view.h"

struct clients;

/* Shows every client to `visit`, which may not call back. */
void client_views_show(const struct clients *all, view_fn *visit, void *arg);

#endif

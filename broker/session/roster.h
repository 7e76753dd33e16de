/* SPDX-License-Identifier: MIT
 *
 * roster - a walk over all clients, for whoever watches the broker.
 */
#ifndef SLUICE_SESSION_ROSTER_H
#define SLUICE_SESSION_ROSTER_H

#include <stdbool.h>

#include "broker/base/view.h"

struct sessions;

/* Shows every client to `visit`, which may not call back. VIEW_RECENT counts
 * from the last call that was `marking`. */
void roster_show(struct sessions *all, bool marking, view_fn *visit, void *arg);

#endif

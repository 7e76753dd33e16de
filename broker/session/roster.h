/* SPDX-License-Identifier: MIT
 *
 * roster - a walk over all clients, for whoever watches the broker.
 */
#ifndef SLUICE_SESSION_ROSTER_H
#define SLUICE_SESSION_ROSTER_H

#include "broker/base/view.h"

struct sessions;

/* Shows every client to `visit`, which may not call back. */
void roster_show(const struct sessions *all, view_fn *visit, void *arg);

#endif

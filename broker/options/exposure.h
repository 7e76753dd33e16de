/* SPDX-License-Identifier: MIT
 *
 * exposure - who can reach the feed. ZeroMQ has no passwords: an endpoint is
 * open to every program that can connect to it, unless it is protected by keys.
 */
#ifndef SLUICE_OPTIONS_EXPOSURE_H
#define SLUICE_OPTIONS_EXPOSURE_H

#include <stdbool.h>

struct mistakes;
struct options;

/* False, with a mistake, when an endpoint that other machines may reach is not
 * protected, or the options for its protection are not complete. */
bool exposure_check(const struct options *o, struct mistakes *m);

#endif

/* SPDX-License-Identifier: MIT
 *
 * local_endpoint - where the local feed of a broker on this machine is, as
 * ZeroMQ writes it.
 */
#ifndef SLUICE_CLIENT_MONITOR_LOCAL_ENDPOINT_H
#define SLUICE_CLIENT_MONITOR_LOCAL_ENDPOINT_H

#include "common/local_place.h"
#include "common/sentence.h"

struct local_endpoint {
    char text[sizeof "ipc://" + LOCAL_PATH_BYTES];
};

/* Looks for the local feed of the broker that `server` names; see
 * local_place_find. *out is set when it is found or denied, *why otherwise. */
enum local_place_found local_endpoint_find(const char *server,
                                           struct local_endpoint *out,
                                           struct sentence *why);

/* The path within the endpoint. */
const char *local_endpoint_path(const struct local_endpoint *e);

#endif

/* SPDX-License-Identifier: MIT */
#include "client/monitor/local_endpoint.h"

#include "client/lib/secure.h"

#include <stdio.h>
#include <string.h>

#define SCHEME "ipc://"

enum local_place_found local_endpoint_find(const char *server,
                                           struct local_endpoint *out,
                                           struct sentence *why)
{
    struct local_places places;
    struct local_path path = {.text = ""};
    local_places_init(&places);
    enum local_place_found found = local_place_find(
        &places, sluice_secure_address(server), "feed", &path, why);
    snprintf(out->text, sizeof out->text, SCHEME "%s", path.text);
    return found;
}

const char *local_endpoint_path(const struct local_endpoint *e)
{
    return e->text + strlen(SCHEME);
}

/* SPDX-License-Identifier: MIT
 *
 * http_url - where documents are asked for, as users write it: a URL, or an
 * address of a broker's --http.
 *
 *     https://broker.example:25080    http://[::1]:25080/behind/a/proxy
 *     broker.example                  tls:broker.example:25080
 *     unix:PATH
 *
 * A URL without a port has that of its scheme, an address the port where
 * brokers serve documents by default.
 */
#ifndef SLUICE_CLIENT_HTTP_URL_H
#define SLUICE_CLIENT_HTTP_URL_H

#include "common/address.h"

#include <stdbool.h>

struct sentence;

enum {
    HTTP_URL_PATH_BYTES = 256,
    HTTP_URL_ADDRESS_BYTES = SLUICE_ADDRESS_HOST_BYTES + 16,
};

struct http_url {
    bool is_secured;                      /* it asks for TLS */
    char address[HTTP_URL_ADDRESS_BYTES]; /* with its port, to be dialled */
    char host[HTTP_URL_ADDRESS_BYTES];    /* for the header Host */
    char path[HTTP_URL_PATH_BYTES];       /* in front of each document's; "" or
                                             without a '/' at its end */
};

/* False, with the reason. */
bool http_url_parse(const char *text, struct http_url *out,
                    struct sentence *why);

#endif

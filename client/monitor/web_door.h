/* SPDX-License-Identifier: MIT
 *
 * web_door - an address where the page is shown, and what it demands, in words
 * behind it as behind the broker's addresses:
 *
 *     0.0.0.0:8088 tls=none auth=required
 *
 * Where other machines can connect, nothing is left undecided.
 */
#ifndef SLUICE_CLIENT_MONITOR_WEB_DOOR_H
#define SLUICE_CLIENT_MONITOR_WEB_DOOR_H

#include <stdbool.h>

struct sentence;

/* Where an address without a port listens. */
#define WEB_DOOR_PORT "8088"

enum { WEB_DOOR_ADDRESS_BYTES = 280 };

struct web_door {
    char address[WEB_DOOR_ADDRESS_BYTES]; /* without the words */
    bool has_tls;                         /* TLS alone is spoken there */
    bool has_login;                       /* whoever asks must be a user */
};

/* Decides with what there is: a certificate, a users file. Without words what
 * there is holds, and on this machine's own addresses nothing is needed. False,
 * with the reason. */
bool web_door_decide(const char *text, bool has_certificate, bool has_users,
                     struct web_door *out, struct sentence *why);

#endif

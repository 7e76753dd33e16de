/* SPDX-License-Identifier: MIT
 *
 * door - one value of --listen or --http: an address, and words behind it that
 * say what is demanded of the clients that connect there:
 *
 *     0.0.0.0:25000 tls=required auth=required v1=no
 *
 * What the words leave open is decided by where the address is and by which
 * other options there are. Where other machines can connect, nothing is left to
 * a default that would let everybody in.
 */
#ifndef SLUICE_OPTIONS_DOOR_H
#define SLUICE_OPTIONS_DOOR_H

#include <stdbool.h>
#include <stdio.h>

struct mistakes;
struct options;
struct sentence;

enum { DOOR_ADDRESS_BYTES = 272 }; /* with the final NUL */

/* What is left open is UNDECIDED. */
enum door_tls {
    DOOR_TLS_NONE,
    DOOR_TLS_ALLOWED,
    DOOR_TLS_REQUIRED,
    DOOR_TLS_UNDECIDED
};
enum door_auth { DOOR_AUTH_NONE, DOOR_AUTH_REQUIRED, DOOR_AUTH_UNDECIDED };

/* Which option it is a value of. */
enum door_kind { DOOR_LISTEN, DOOR_HTTP, DOOR_KINDS };

struct door {
    enum door_kind kind;
    char address[DOOR_ADDRESS_BYTES]; /* without the words */
    unsigned tls;                     /* enum door_tls */
    unsigned auth;                    /* enum door_auth */
    unsigned takes_v1;                /* 0 or 1; not of HTTP */
    bool is_local;                    /* only this machine can connect */
};

#define DOOR_FORM                                                              \
    "host:port, [v6]:port or unix:PATH, with words such as tls=required"

/* False when `text` is not a door of that kind. *why is then what is wrong with
 * it, a part of a sentence that names the wrong word and what it can be. */
bool door_parse(enum door_kind kind, const char *text, struct door *out,
                struct sentence *why);

/* That of a socket for --listen that was bound elsewhere, at `address`: the
 * words leave all open. */
struct door door_of_socket(const char *address);

/* Decides what is open. False, with one sentence that names the ways, when it
 * cannot be decided, or needs an option that is not given. */
bool door_decide(struct door *d, const struct options *o, struct sentence *why);

/* Decides all values of these options, to find mistakes. */
bool door_check_all(const struct options *o, struct mistakes *m);

/* Names for the log. */
const char *door_tls_word(const struct door *d);
const char *door_auth_word(const struct door *d);

/* One comment for each value: what it demands. */
void door_write_all(const struct options *o, FILE *out);

#endif

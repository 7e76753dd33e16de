/* SPDX-License-Identifier: MIT
 *
 * local_place - where the local sockets of a broker lie: sockets beside the one
 * for messages, which only programs on the same machine can reach. The broker
 * chooses the path and clients find it by the same rules:
 *
 *   a broker at TCP port 25000    FOLDER/25000.NAME, in the first of these
 *                                 folders that the broker may write to:
 *       /run/sluice               made by the service manager
 *       $XDG_RUNTIME_DIR/sluice   of the user
 *       /tmp/sluice-UID           of the user
 *   a broker at unix:PATH         PATH.NAME
 *
 * NAME says what the socket is for, such as "control". The folders of a user
 * are made when they are missing, with mode 0700. One that others could write
 * to, that belongs to another user, or that is a symbolic link is not used, by
 * brokers or by clients: in /tmp anybody may have made it.
 */
#ifndef SLUICE_COMMON_LOCAL_PLACE_H
#define SLUICE_COMMON_LOCAL_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

struct sentence;

enum {
    LOCAL_PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path),
    LOCAL_PLACES_MAX = 3,
};

/* The path of a socket; it always fits into a struct sockaddr_un. */
struct local_path {
    char text[LOCAL_PATH_BYTES];
};

struct local_place {
    char folder[LOCAL_PATH_BYTES];
    bool is_own; /* of this user alone, made when missing */
};

/* Folders, the best first. */
struct local_places {
    size_t count;
    struct local_place all[LOCAL_PLACES_MAX];
};

/* Those of the table above. Reads the environment. */
void local_places_init(struct local_places *out);

/* Broker: where to make the socket `name`, for a broker that listens on
 * `address` (with the real port). May make a folder. False, with the reason,
 * when there is no place. Does not look whether the path is in use. */
bool local_place_choose(const struct local_places *places, const char *address,
                        const char *name, struct local_path *out,
                        struct sentence *why);

enum local_place_found {
    LOCAL_FOUND,     /* something listens there */
    LOCAL_DENIED,    /* it is there; this user may not connect */
    LOCAL_ABSENT,    /* nothing listens in any of the places */
    LOCAL_ELSEWHERE, /* `server` is not an address of this machine */
};

/* Client: looks for the socket `name` of the broker that --server names, of
 * which the port defaults to SLUICE_DEFAULT_PORT. Connects to each candidate,
 * and disconnects, to see whether a broker listens there. *out is the path
 * found or denied. Otherwise `why` says what was looked for, as a sentence that
 * may be continued. */
enum local_place_found local_place_find(const struct local_places *places,
                                        const char *server, const char *name,
                                        struct local_path *out,
                                        struct sentence *why);

#endif

/* SPDX-License-Identifier: MIT
 *
 * tls_lines - links that wait for the same thing, a place or a thread. Hosts
 * take turns. Suspects come behind all others, or a thousand silent clients of
 * as many hosts would all come before an honest one; but each fourth turn is
 * theirs, since an honest client may have failed, too.
 */
#ifndef SLUICE_NET_TLS_LINES_H
#define SLUICE_NET_TLS_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/net/peer.h"

struct tls_link;

enum { TLS_LINES_TURN = 4 };

struct tls_line {
    struct list of[PEER_HOSTS];
    uint32_t count;
    uint32_t next; /* host */
};

struct tls_lines {
    struct tls_line clear, suspect;
    uint32_t turn;
};

/* Nobody waits. */
void tls_lines_init(struct tls_lines *all);

/* In the line of its host and kind: these must not change while it is there. */
void tls_lines_push(struct tls_lines *all, struct tls_link *l);
void tls_lines_remove(struct tls_lines *all, struct tls_link *l);

/* The next one, of the hosts that `may` allows (NULL: all); NULL if none. */
struct tls_link *tls_lines_pop(struct tls_lines *all,
                               bool (*may)(const void *arg, uint32_t host),
                               const void *arg);

/* How many wait, of all hosts. */
uint32_t tls_lines_count(const struct tls_lines *all);

/* Whether any of the host waits. */
bool tls_lines_have(const struct tls_lines *all, uint32_t host);

#endif

/* SPDX-License-Identifier: MIT
 *
 * tls_tickets - the keys that seal what clients keep to resume a session. They
 * are made here, never stored, and change by themselves; whoever takes one
 * opens no connection that was made with an older one. May be used by several
 * threads.
 */
#ifndef SLUICE_NET_TLS_TICKETS_H
#define SLUICE_NET_TLS_TICKETS_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"

enum {
    TLS_TICKET_KEYS = 3, /* the newest seals, all open */
    TLS_TICKET_MS = 6 * 3600 * 1000,
};

struct tls_ticket_key {
    unsigned char name[16], aes[32], hmac[32];
    clock_ms made;
};

struct tls_tickets {
    pthread_mutex_t lock;
    struct tls_ticket_key keys[TLS_TICKET_KEYS]; /* the newest first */
    uint32_t count;
};

/* No key; the first one is made when it is needed. */
void tls_tickets_init(struct tls_tickets *t);
void tls_tickets_fini(struct tls_tickets *t);

/* All tickets that were given become void. */
void tls_tickets_wipe(struct tls_tickets *t);

/* Tickets of `context` are sealed with these keys, which must outlive it.
 * False without memory. */
bool tls_tickets_use(struct tls_tickets *t, SSL_CTX *context);

#endif

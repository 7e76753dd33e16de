/* SPDX-License-Identifier: MIT
 *
 * admission - how much memory the partial messages of all clients together may
 * take. It does not know which client a partial message belongs to.
 */
#ifndef SLUICE_SESSION_ADMISSION_H
#define SLUICE_SESSION_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/net/peer.h"

struct partial;

/* The classes of partial messages; each has a share in admission.c. */
enum admission_class {
    ADMISSION_HEADS,     /* beginnings, kept until the rest arrives */
    ADMISSION_UNGRANTED, /* large messages: bytes that came before a grant */
    ADMISSION_REVOKED,   /* the same, after the grant was revoked */
    ADMISSION_GRANTED,   /* large messages with a grant, whole */
    ADMISSION_TOTAL
};

enum {
    /* A grant that was not used for this long is revoked while other clients
     * wait. */
    ADMISSION_IDLE_GRANT_MS = 50,
};

struct admission {
    struct budget *budget;
    uint64_t bytes[ADMISSION_TOTAL];
    uint64_t host_bytes[PEER_HOSTS]; /* heads and ungranted bytes, by host */
};

/* The beginning of a message that is to be kept. */
struct beginning {
    uint32_t head_bytes;
    uint32_t body_bytes; /* of a large message: what came; else 0 */
    uint8_t host;        /* peer_host of its client */
    bool has_merit;      /* its client has sent as much in whole messages */
};

/* `budget` is borrowed. */
void admission_init(struct admission *a, struct budget *budget);

/* Whether the beginning is within the shares of its classes and of its host,
 * and there is memory for it. It always may be the only one, or one too large
 * for its shares would wait forever. */
bool admission_has_room(const struct admission *a, const struct beginning *b);

/* Charges the bytes that have just been kept; a large message begins to wait.
 */
void admission_keep(struct admission *a, struct partial *p);

/* Grants the memory for a large message without a grant, if there is enough:
 * the budget has then promised it. */
bool admission_grant(struct admission *a, struct partial *p);

/* Revokes an unused grant, unless revoked messages would then hold too much.
 * The message has to wait for a grant again. */
void admission_revoke(struct admission *a, struct partial *p);

/* The message is complete, or given up: frees it and sets *p to NULL. */
void admission_release(struct admission *a, struct partial **p);

/* Whether so little is kept that any client may send much at once. */
bool admission_is_low(const struct admission *a);

#endif

/* SPDX-License-Identifier: MIT
 *
 * pairs - decodes what a client publishes: frames in pairs, a channel name and
 * a message, straight from the read buffer into the core.
 */
#ifndef SLUICE_SESSION_PAIRS_H
#define SLUICE_SESSION_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#include "broker/session/reason.h"

struct session;

enum pairs_status {
    PAIRS_MORE,    /* all complete pairs were taken */
    PAIRS_GOODBYE, /* an empty name: what follows was not looked at */
    PAIRS_FAILED,  /* *reason tells why the session must end */
};

/* Publishes every complete pair of `bytes`, and sets *taken to how many bytes
 * these were. What is left is the beginning of one pair that is allowed so
 * far. Sets s->last, and has s->pub wait at every channel found shut. */
enum pairs_status pairs_decode(struct session *s, const uint8_t *bytes,
                               size_t n, size_t *taken, enum reason *reason);

/* Publishes the large message that the inbox has gathered, and empties it. */
enum pairs_status pairs_publish_large(struct session *s, enum reason *reason);

#endif

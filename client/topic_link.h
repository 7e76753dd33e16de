/* SPDX-License-Identifier: MIT
 *
 * topic_link - a connection that is subscribed to one topic and publishes, in
 * either version of the protocol: version 2 is for those that have to show who
 * they are.
 */
#ifndef SLUICE_CLIENT_TOPIC_LINK_H
#define SLUICE_CLIENT_TOPIC_LINK_H

#include "client/sluice.h"

#include <stdbool.h>

struct target;

struct topic_link {
    struct sluice *s; /* the owner's */
    bool has_units;   /* version 2 */
};

/* Connects, and subscribes; s is not connected. What fails is as for
 * sluice_open(), or sluice_connect() and sluice_subscribe(). */
SLUICE_MUST_CHECK enum sluice_error topic_link_join(struct topic_link *l,
                                                    const struct target *t,
                                                    struct sluice_bytes topic,
                                                    int timeout_ms);

SLUICE_MUST_CHECK enum sluice_error
topic_link_publish(struct topic_link *l, struct sluice_bytes topic,
                   struct sluice_bytes message, int timeout_ms);

/* The next message, until the next call; does not wait. SLUICE_REFUSED: the
 * broker did not do what was asked of it, and the handle has a sentence. */
SLUICE_MUST_CHECK enum sluice_error
topic_link_receive(struct topic_link *l, struct sluice_bytes *message);

#endif

/* SPDX-License-Identifier: MIT
 *
 * route - what a channel name means, before any channel is looked up.
 */
#ifndef SLUICE_CORE_ROUTE_H
#define SLUICE_CORE_ROUTE_H

#include <stddef.h>
#include <stdint.h>

enum route {
    ROUTE_TOPIC, /* each message to every subscriber */
    ROUTE_QUEUE, /* each message to exactly one */
    ROUTE_NULL,  /* what is published is discarded, nobody is subscribed */
    ROUTE_SYS,   /* the broker's own; a topic to subscribers */
};

enum route route_of(const uint8_t *name, size_t length);

#endif

/* SPDX-License-Identifier: MIT
 *
 * channel_name - the limits and the reserved names that clients and broker
 * share. A name is 1 to 255 arbitrary bytes; see docs/protocol.md.
 */
#ifndef SLUICE_PROTO_CHANNEL_NAME_H
#define SLUICE_PROTO_CHANNEL_NAME_H

enum { CHANNEL_NAME_MAX = 255 };

/* The sink: what publishers name in their first frame. */
#define CHANNEL_NAME_NULL "/null"

/* The prefix of queues, without a separator: "/queuefoo" is one. */
#define CHANNEL_NAME_QUEUE "/queue"

/* The broker's own, and everything below it. */
#define CHANNEL_NAME_SYS "/sys"

#endif

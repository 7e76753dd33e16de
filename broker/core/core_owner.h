/* SPDX-License-Identifier: MIT
 *
 * core_owner - the calls that a core makes to the owner of its subscribers and
 * publishers, most of them only while a turn ends.
 */
#ifndef SLUICE_CORE_CORE_OWNER_H
#define SLUICE_CORE_CORE_OWNER_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct publisher;
struct subscriber;

struct core_owner {
    /* Offers the outbox to the socket: reports with subscriber_sent what was
     * taken, and then calls subscriber_flushed. Any subscriber may leave. */
    void (*flush)(void *arg, struct subscriber *s);
    /* Output has been offered for all subscribers that had some: what was put
     * off is written now, while blocks are as they are; any subscriber may
     * leave. May be NULL. */
    void (*flushed)(void *arg);
    /* Closes the connection, which makes the subscriber leave. */
    void (*close)(void *arg, struct subscriber *s);
    /* How many bytes that the subscriber was sent its kernel has not confirmed,
     * or more: all that its connection was. May be NULL: 0. */
    uint64_t (*unconfirmed)(void *arg, struct subscriber *s);
    /* The publisher may be read again. */
    void (*resume)(void *arg, struct publisher *p);
    /* Notices, for the log: these may not call the core. */
    void (*slow)(void *arg, struct subscriber *s);
    void (*recovered)(void *arg, struct subscriber *s);
    /* Memory is short, and this channel holds much of it. */
    void (*pressed)(void *arg, const struct channel *ch);
    /* Messages of a durable queue, by their numbers, cannot be read back: no
     * consumer will get them. It may not call the core. May be NULL. */
    void (*lost)(void *arg, struct channel *ch, uint64_t first, uint64_t last);
    /* Whether the message with this text is a request that has ended: nobody
     * waits for a reply. NULL: never. */
    bool (*is_ended)(void *arg, const uint8_t *text, uint32_t length);
    /* Whether there may be subscribers as soon as a channel of this name
     * exists; NULL: never. Called while a message is published. */
    bool (*wants)(void *arg, const uint8_t *name, uint32_t length);
    /* The channel is new: subscribers may join it, or it may be made to await
     * them. False when there is no memory for that: then it cannot be. May be
     * NULL. */
    bool (*appeared)(void *arg, struct channel *ch);
    void *arg;
};

#endif

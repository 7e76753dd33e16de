/* SPDX-License-Identifier: MIT
 *
 * dialect - how one kind of broker is spoken to, as far as a benchmark needs
 * it. In all of them a message of a fixed size to a fixed channel always takes
 * the same bytes: a head, the body, a tail. A new one is a file in dialects/
 * and a row in dialect.c.
 */
#ifndef SLUICE_TESTS_BENCH_LOAD_DIALECT_H
#define SLUICE_TESTS_BENCH_LOAD_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIALECT_HEAD_BYTES = 160, DIALECT_NAME_BYTES = 64 };

struct dialect_channel {
    char name[DIALECT_NAME_BYTES];
    bool is_queue;
};

struct dialect {
    const char *name;
    /* The name of the `index`th channel; all are of one length. */
    void (*name_channel)(struct dialect_channel *c, uint32_t index);
    /* The first words on a blocking socket. Return when the broker has
     * answered, if it answers. False when the connection is broken. */
    bool (*greet_publisher)(int fd);
    bool (*greet_subscriber)(int fd, const struct dialect_channel *c);
    /* What comes before the body, in a message that is published and in one
     * that is delivered; answers how many bytes. */
    size_t (*publish_head)(uint8_t *out, const struct dialect_channel *c,
                           uint32_t size);
    size_t (*deliver_head)(uint8_t *out, const struct dialect_channel *c,
                           uint32_t size);
    const char *tail;
    /* Subscribing has no answer, but subscribers may publish, and hear
     * themselves once they are subscribed. */
    bool is_silent;
    /* It begins TLS itself, after words in clear. */
    bool is_secured_late;
};

extern const struct dialect dialect_sluice;
extern const struct dialect dialect_relay;
extern const struct dialect dialect_nats;
extern const struct dialect dialect_redis;
extern const struct dialect dialect_mqtt;

/* NULL when there is none of this name. */
const struct dialect *dialect_find(const char *name);

/* For the dialects: on a blocking socket. */
bool dialect_say(int fd, const void *words, size_t n);

/* Reads until `end` has come, which nothing may follow. */
bool dialect_hear(int fd, const char *end);

/* Reads that many bytes, at most 64. */
bool dialect_hear_bytes(int fd, size_t n);

#endif

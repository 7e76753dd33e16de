/* SPDX-License-Identifier: MIT
 *
 * confirmer - how one kind of broker is asked to confirm each message that it
 * takes, and how its answers are counted. A new one is a file in confirmers/
 * and a row in confirmer.c.
 */
#ifndef SLUICE_TESTS_BENCH_LOAD_CONFIRMER_H
#define SLUICE_TESTS_BENCH_LOAD_CONFIRMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONFIRMER_EXTRA_BYTES = 192, /* of a message besides its body */
    CONFIRMER_ANSWERS_BYTES = 1 << 20,
};

/* What has come on a connection, and what it answers. */
struct heard {
    uint64_t confirmed, refused; /* answers to a publisher */
    uint64_t messages;           /* for a reader or worker */
    uint8_t *answers;            /* of a worker, to be sent; */
    size_t answers_bytes;        /* there is room for CONFIRMER_ANSWERS_BYTES
                                    more when `hear` is called */
};

/* The place in a client's table of what is not answered; the messages of a
 * batch have different ones. */
typedef uint32_t confirmer_slot;

struct confirmer {
    const char *name;
    /* The first words on a blocking connection; they return when the broker
     * has answered. `greet_reader` is NULL when it has none here. Number 0
     * is the first one. */
    void (*greet_publisher)(int fd, unsigned publisher);
    void (*greet_reader)(int fd, unsigned reader);
    bool is_silent; /* messages are not confirmed: they only have to be read */
    /* Writes a message of `size` bytes; the length is the same for all
     * publishers, which are below 1000, and slots, which are below a million.
     * Returns its end. */
    uint8_t *(*put)(uint8_t *out, unsigned publisher, confirmer_slot slot,
                    uint32_t size);
    /* Counts whole answers and messages, and answers these; returns how many
     * bytes they took. */
    size_t (*hear)(struct heard *heard, const uint8_t *bytes, size_t n);
};

extern const struct confirmer confirmer_sluice;
extern const struct confirmer confirmer_durable;
extern const struct confirmer confirmer_work;
extern const struct confirmer confirmer_durable_work;
extern const struct confirmer confirmer_nats;
extern const struct confirmer confirmer_nats_file;
extern const struct confirmer confirmer_redis;
extern const struct confirmer confirmer_redis_work;
extern const struct confirmer confirmer_beanstalkd;

/* NULL when there is none of this name. */
const struct confirmer *confirmer_find(const char *name);

#endif

/* SPDX-License-Identifier: MIT
 *
 * asker - the kinds of questions whose answers are waited for, and the
 * connections of one. A new kind is functions in a file of askers/ and a row in
 * asker.c.
 */
#ifndef SLUICE_TESTS_BENCH_LOAD_ASKER_H
#define SLUICE_TESTS_BENCH_LOAD_ASKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/bench/load/unit_text.h"

enum { ASKER_SIZE_MAX = 8 << 10, ASKER_BYTES = 16 << 10, ASKER_FILLERS = 4 };

/* One blocking connection, and what came on it and was not taken yet. */
struct asker_end {
    int fd;
    size_t used, taken;
    uint8_t bytes[ASKER_BYTES];
};

struct asker {
    const struct asker_kind *kind;
    uint16_t port;
    uint32_t size;                  /* of a request and of a reply */
    bool is_beside;                 /* a full queue */
    struct asker_end client, other; /* `other` replies, or publishes */
    pid_t fillers[ASKER_FILLERS];   /* keep the queue full; 0: there are none */
    uint64_t number;                /* of the message that is held */
    bool is_acknowledged;           /* a message was */
};

struct asker_kind {
    const char *name;
    void (*open)(struct asker *a);
    /* What has to be done before the next question, and is not measured. */
    void (*prepare)(struct asker *a);
    /* Asks and waits for the answer. */
    void (*ask)(struct asker *a);
};

/* In the files of askers/. */
void asker_open_request(struct asker *a);
void asker_request(struct asker *a);
void asker_open_nats(struct asker *a);
void asker_request_nats(struct asker *a);
void asker_open_work(struct asker *a);
void asker_prepare_work(struct asker *a);
void asker_acknowledge(struct asker *a);
void asker_ping(struct asker *a);

/* NULL when there is none of this name. */
const struct asker_kind *asker_find(const char *name);

/* Reads more of an end, on which all that came before has been looked at. */
void asker_hear(struct asker_end *e);

/* Waits for a unit that begins with `expected`; others are ignored, and an
 * error ends the program. Its head is valid until the next call. */
struct unit_text asker_hear_unit(struct asker_end *e, const char *expected);

/* The same for one of two kinds. */
struct unit_text asker_hear_any(struct asker_end *e, const char *expected,
                                const char *or_else);

/* Sends a unit whose body has `size` bytes. */
void asker_say_unit(const struct asker_end *e, const char *head, uint32_t size);

/* Stops what still runs. */
void asker_close(const struct asker *a);

#endif

/* SPDX-License-Identifier: MIT
 *
 * readers - the subscriptions of a handle. They outlive connections: each is
 * made again on the next one. Those to one channel by its name are found by
 * that; what a message costs depends on the others alone, those with a
 * wildcard.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_READERS_H
#define SLUICE_CLIENT_LIB_UNITS_READERS_H

#include "client/sluice.h"
#include "proto/head_writer.h"
#include "proto/pattern.h"

enum sluice_reader_state {
    SLUICE_READER_NEW,   /* its SUB was not sent yet */
    SLUICE_READER_ASKED, /* SUB was sent, or will be on the next connection */
    SLUICE_READER_LIVE,  /* OK came */
    SLUICE_READER_ENDED, /* freed when its SUB is answered */
};

struct sluice_reader {
    struct sluice_reader *next, *previous; /* of all; NULL at the ends */
    struct sluice_reader *alike; /* the next of its kind: in the same bucket, or
                                    with a wildcard; NULL: the last */
    uint64_t order;              /* of subscribing, from 1 */
    enum sluice_reader_state state;
    bool is_made;  /* it has been LIVE: it is made again after a loss */
    bool is_asked; /* its SUB is not answered yet, and refers to it */
    bool acks;
    uint32_t credit;
    uint32_t wait_ms; /* 0: none */
    uint64_t token;
    uint64_t base; /* of an exact topic: earlier numbers are not for it */
    struct pattern pattern;
};

struct sluice_readers {
    struct sluice_reader *first; /* NULL: none; in the order of subscribing */
    struct sluice_reader *last;  /* NULL with it */
    struct sluice_reader *wild;  /* the first with a wildcard; NULL: none */
    struct sluice_reader **buckets; /* of the others; NULL: no memory yet */
    uint32_t bucket_count;          /* a power of two, or 0 */
    uint32_t exact;                 /* readers in buckets */
    uint64_t subscribed;            /* readers so far */
};

void sluice_readers_fini(struct sluice_readers *readers);

/* Appends one, NEW; NULL without memory. It belongs to the list. */
struct sluice_reader *sluice_readers_add(struct sluice_readers *readers,
                                         const struct pattern *pattern);

/* The one with this pattern, ASKED or LIVE; NULL when there is none. */
struct sluice_reader *sluice_readers_find(struct sluice_readers *readers,
                                          const struct pattern *pattern);

/* It has ended: frees it, or leaves that to its answer. */
void sluice_readers_remove(struct sluice_readers *readers,
                           struct sluice_reader *reader);

/* In the order of subscribing: the first that is LIVE and matches `name`, or,
 * after `before`, which was one, the next; NULL: there is none. */
struct sluice_reader *sluice_readers_match(const struct sluice_readers *readers,
                                           const struct sluice_reader *before,
                                           const struct pattern_name *name);

/* Writes the head that makes it, but for the request id. */
void sluice_reader_write(const struct sluice_reader *reader,
                         struct head_writer *w, char room[HEAD_MAX]);

/* Whether its numbers begin with that of the answer to SUB: a topic by its
 * exact name. */
bool sluice_reader_is_numbered(const struct sluice_reader *reader);

#endif

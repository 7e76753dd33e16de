/* SPDX-License-Identifier: MIT
 *
 * readers - the subscriptions of a handle. They outlive connections: each is
 * made again on the next one.
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
    struct sluice_reader *next;
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
};

void sluice_readers_fini(struct sluice_readers *readers);

/* Appends one, NEW; NULL without memory. It belongs to the list. */
struct sluice_reader *sluice_readers_add(struct sluice_readers *readers,
                                         const struct pattern *pattern);

/* The one with this pattern, ASKED or LIVE; NULL when there is none. */
struct sluice_reader *sluice_readers_find(const struct sluice_readers *readers,
                                          const struct pattern *pattern);

/* It has ended: frees it, or leaves that to its answer. */
void sluice_readers_remove(struct sluice_readers *readers,
                           struct sluice_reader *reader);

/* The first of `reader` and those behind it that is LIVE and matches `name`;
 * NULL when none does. */
struct sluice_reader *sluice_readers_match(struct sluice_reader *reader,
                                           const struct pattern_name *name);

/* Writes the head that makes it, but for the request id. */
void sluice_reader_write(const struct sluice_reader *reader,
                         struct head_writer *w, char room[HEAD_MAX]);

/* Whether its numbers begin with that of the answer to SUB: a topic by its
 * exact name. */
bool sluice_reader_is_numbered(const struct sluice_reader *reader);

#endif

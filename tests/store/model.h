/* SPDX-License-Identifier: MIT
 *
 * model - what a store must hold, and may. It hears what the core asked of the
 * store and what the store confirmed; whenever the store is opened again, after
 * whatever end, everything that is found in it is shown to the model:
 *
 *     confirmed, and not to go    must be there
 *     asked for, not confirmed    may be there: the first so many, in the order
 *                                 of asking over all channels
 *     to go (acknowledged, below a trim, of a dropped channel)
 *                                 may be there until the store says, by
 *                                 confirming something later, that it is gone
 *     anything else               must not, nor a changed byte
 */
#ifndef SLUICE_TESTS_STORE_MODEL_H
#define SLUICE_TESTS_STORE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/core/store_ops.h"

enum {
    MODEL_CHANNELS = 128,
    MODEL_NAMES = 64,
    MODEL_NAME = 8,
    MODEL_TEXT = 16
};

enum model_end {
    MODEL_KEPT,
    MODEL_GOES, /* may be there or not */
    MODEL_GONE,
};

struct model_message {
    uint64_t tag; /* of its body; rises in the order of asking */
    bool is_confirmed, has_text, is_found;
    enum model_end end;
};

struct model_channel {
    uint32_t id;   /* 0: the place is free */
    uint32_t name; /* below MODEL_NAMES; written "q7" */
    bool is_confirmed, is_found;
    enum model_end end;
    uint64_t first, next; /* numbers of `messages` */
    struct model_message *messages;
    uint64_t room;
    uint64_t found, found_floor, found_next; /* messages; numbers */
    uint64_t damaged; /* messages that the store says it cannot read */
};

/* What was asked, and what was found. */
struct model_counts {
    uint64_t attempted, confirmed, acknowledged, recovered, repeated;
    uint64_t lost, unexpected, comparisons;
};

struct model {
    struct model_channel channels[MODEL_CHANNELS];
    uint64_t highest[MODEL_NAMES]; /* number ever confirmed there */
    uint64_t last_tag;
    uint64_t found_tag; /* the highest at this comparison */
    uint64_t lost;      /* messages that it was told are damaged */
    uint64_t found_sum; /* of all that was found: the same, when it is */
    struct model_counts *counts;
    bool may_be_damaged; /* the disk is; what is told may be missing */
    char complaint[200]; /* "" while all is well */
};

/* A message that was read back. */
struct model_found {
    uint32_t channel;
    uint64_t number;
    const uint8_t *bytes; /* length and body */
    uint64_t length;
    const uint8_t *text; /* NULL without one */
    uint32_t text_length;
};

/* An empty one; `counts` outlives it. */
void model_init(struct model *m, struct model_counts *counts);
void model_fini(struct model *m);

/* The channel of an id, or of a name and not dropped; NULL: there is none. */
struct model_channel *model_find(struct model *m, uint32_t id);
struct model_channel *model_named(struct model *m, uint32_t name);

/* A channel was opened, and gave its first message this number. False: it must
 * not; `complaint` says why. */
bool model_open(struct model *m, uint32_t id, uint32_t name, uint64_t first);
/* What was asked: one message more, whose number is the channel's next; returns
 * its tag. */
uint64_t model_put(struct model *m, struct model_channel *c, bool has_text);
/* The text of a message that has one, and its length. */
uint32_t model_text(uint8_t out[MODEL_TEXT], uint64_t tag);
/* All of them were put and are not to go yet; or all below `first`, or all. */
void model_ack(struct model *m, struct model_channel *c, uint64_t first,
               uint32_t count);
void model_trim(struct model *m, struct model_channel *c, uint64_t first);
void model_drop(struct model *m, struct model_channel *c);

/* The store has confirmed these. */
void model_confirm(struct model *m, struct model_channel *c, uint64_t first,
                   uint32_t count);
/* All acknowledgements, trims and drops so far are on disk. */
void model_settle(struct model *m);

/* A comparison: begin, each channel that is found and behind it each of its
 * messages in order, end. False: `complaint` says why. */
void model_begin(struct model *m);
bool model_found_channel(struct model *m, const struct store_channel *found);
bool model_found_message(struct model *m, const struct model_found *found);
/* So many could not be read, which the store has told. */
void model_found_damage(struct model *m, uint32_t channel, uint64_t count);
bool model_end(struct model *m);

/* From now on what the last comparison found is all there is, and confirmed. */
void model_adopt(struct model *m);

#endif

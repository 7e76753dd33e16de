/* SPDX-License-Identifier: MIT
 *
 * kept - events that arrived while a call waited for something else, copied, in
 * their order.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_KEPT_H
#define SLUICE_CLIENT_LIB_UNITS_KEPT_H

#include "client/sluice.h"

struct sluice_kept_event;

struct sluice_kept {
    struct sluice_kept_event *first; /* NULL: none */
    struct sluice_kept_event *last;  /* NULL with it */
    struct sluice_kept_event *shown; /* lent to the caller; NULL: none */
    size_t bytes;                    /* of all but the one shown */
};

/* Drops all of them, also the one that is lent. */
void sluice_kept_clear(struct sluice_kept *kept);

/* Copies an event. `owner` is its subscription, NULL when it has none;
 * `is_work` whether it must be acknowledged. False without memory. */
bool sluice_kept_push(struct sluice_kept *kept, const struct sluice_event *e,
                      const void *owner, bool is_work);

/* Lends the first one until the next call of this; NULL when there is none. */
const struct sluice_event *sluice_kept_show(struct sluice_kept *kept);

/* Lends the answer to the call with this token, as sluice_kept_show() does. */
const struct sluice_event *sluice_kept_find(struct sluice_kept *kept,
                                            uint64_t token);

/* Whether `e` is the answer to the call with this token. */
bool sluice_kept_is_answer(const struct sluice_event *e, uint64_t token);

/* The one that is lent is no longer needed. */
void sluice_kept_give_back(struct sluice_kept *kept);

/* Drops the messages and gaps of a subscription, NULL for work of all. */
void sluice_kept_drop(struct sluice_kept *kept, const void *owner);

#endif

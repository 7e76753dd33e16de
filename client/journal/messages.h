/* SPDX-License-Identifier: MIT
 *
 * messages - the messages of a channel in a journal, in the order of their
 * numbers.
 */
#ifndef SLUICE_CLIENT_JOURNAL_MESSAGES_H
#define SLUICE_CLIENT_JOURNAL_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/journal/survey.h"

struct message {
    uint64_t number;
    bool is_done;
    uint64_t at_ms; /* when it was written, since 1970 */
    enum journal_form form;
    const uint8_t *bytes; /* as they lie in the record, lengths included */
    size_t length;
    const uint8_t *body;
    size_t body_length;
};

/* False to go no further. */
typedef bool message_fn(void *arg, const struct message *message);

/* Calls `each` for the messages of a channel that are not done, or for all that
 * are still there, once each. *unread becomes the number of those that could
 * not be read now. False when `each` returned false, or there is no memory. */
bool messages_each(const struct survey *s,
                   const struct catalog_channel *channel, bool with_done,
                   message_fn *each, void *arg, uint64_t *unread);

/* The messages of a channel that are not done. */
struct messages_total {
    uint64_t messages, bytes; /* of bodies, headers and their lengths */
    uint64_t first, last;     /* numbers; both 0 when there are none */
};

/* Counts them; reads only records that are partly done. */
struct messages_total messages_total(const struct survey *s,
                                     const struct catalog_channel *channel);

/* Calls `each` for the messages of one extent that are numbered from `from` on
 * and, unless `with_done`, not done. False as messages_each(). */
bool messages_of_extent(const struct survey *s,
                        const struct catalog_channel *channel,
                        const struct catalog_extent *extent, uint64_t from,
                        bool with_done, message_fn *each, void *arg,
                        uint64_t *unread);

/* The first extent of the channel, and through *end the one behind its last. */
const struct catalog_extent *
messages_extents(const struct survey *s, uint32_t channel,
                 const struct catalog_extent **end);

#endif

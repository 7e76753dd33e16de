/* SPDX-License-Identifier: MIT
 *
 * answer - the units that a client gets for what it sends, and those about its
 * connection. They wait in the order they were made, and precede messages.
 *
 * All return false when there is no memory, and the session then has to end:
 * it would owe an answer forever.
 */
#ifndef SLUICE_SESSION_UNITS_ANSWER_H
#define SLUICE_SESSION_UNITS_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/head_writer.h"
#include "proto/span.h"
#include "proto/unit_error.h"

struct channel;
struct receipt;
struct session;

/* An answer of any kind: its first word, what the writer adds, and then its
 * body. There is one at a time. */
struct head_writer answer_begin(struct session *s, const char *word);
bool answer_end(struct session *s, const struct head_writer *w,
                struct span body);

/* The same with a body frame as it came from a client. */
bool answer_end_frame(struct session *s, const struct head_writer *w,
                      const uint8_t *frame, uint32_t size);

/* "" as a rid: none. */
void answer_add_rid(struct head_writer *w, struct span rid);

/* The bounds of this connection, how to name it, and whether the broker
 * stops. */
bool answer_info(struct session *s);

/* Nothing may be answered after it. */
bool answer_bye(struct session *s);

/* Publishes to the channel are held back, or no longer. */
bool answer_hold(struct session *s, const uint8_t *name, uint32_t length);
bool answer_go(struct session *s, const uint8_t *name, uint32_t length);

/* Messages of a queue will not come, being damaged. */
bool answer_gap(struct session *s, const struct channel *ch, uint64_t first,
                uint64_t last);

/* Asks the client for a sign of life. */
bool answer_ping(struct session *s);

/* The token "": none. */
bool answer_pong(struct session *s, struct span token, struct span rid);

/* Success; without a rid nothing is sent. */
bool answer_ok(struct session *s, struct span rid);

/* The same with a number. */
bool answer_ok_number(struct session *s, struct span rid, uint64_t number);

/* The head of a receipt: a message was published, and what became of it. The
 * writer may add to it. */
struct head_writer answer_begin_receipt(struct session *s, struct span rid,
                                        const struct receipt *r);

/* The octets of an answer without a body, valid until the next answer begins.
 * NULL: it is too long. */
const uint8_t *answer_octets(struct session *s, const struct head_writer *w,
                             uint32_t *n);

/* A receipt; without a rid nothing is sent. */
bool answer_receipt(struct session *s, struct span rid,
                    const struct receipt *r);

/* Counts and logs it as well. `word` is the verb that is refused, "" when it is
 * not known. Nothing is sent when it is UNIT_GONE and there is no rid. */
bool answer_error(struct session *s, enum unit_error error, struct span rid,
                  struct span word);

#endif

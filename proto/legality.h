/* SPDX-License-Identifier: MIT
 *
 * legality - what the row of its verb says about a client's unit: rules 7 to
 * 10 of the specification, in their order. No code for a verb.
 */
#ifndef SLUICE_PROTO_LEGALITY_H
#define SLUICE_PROTO_LEGALITY_H

#include <stdint.h>

#include "proto/head.h"
#include "proto/unit_error.h"
#include "proto/verb.h"

/* The first rule that fails, as its code; UNIT_OK when none does. `head` was
 * parsed without an error; `verb` is its row, NULL when it has none. Every
 * option of a legal unit that its row allows has a value that can be read;
 * others were written with '?' and are to be ignored. */
enum unit_error legality_of(const struct head *head, const struct verb *verb,
                            uint32_t body_length);

/* The row of a head that a client sent; NULL when that is no client's verb. */
const struct verb *legality_row(const struct head *head);

#endif

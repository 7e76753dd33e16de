/* SPDX-License-Identifier: MIT
 *
 * legality - judges a client's unit by the row of its verb: rules 7 to 10 of
 * the specification, in their order.
 */
#ifndef SLUICE_PROTO_LEGALITY_H
#define SLUICE_PROTO_LEGALITY_H

#include <stdint.h>

#include "proto/head.h"
#include "proto/unit_error.h"
#include "proto/verb.h"

/* The code of the first rule that fails, else UNIT_OK. `head` was parsed
 * without an error; `verb` is its row, NULL when it has none. In a legal unit
 * every option that the row allows has a value that unit_option_read() can
 * read; all other options were written with '?' and must be ignored. */
enum unit_error legality_of(const struct head *head, const struct verb *verb,
                            uint32_t body_length);

/* The row of a head that a client sent; NULL when clients have no such verb. */
const struct verb *legality_row(const struct head *head);

#endif

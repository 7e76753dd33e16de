/* SPDX-License-Identifier: MIT
 *
 * unit_kept - a unit that waits, with its head and body as they came, in the
 * memory of whatever waits for it: these bytes lie behind its owner.
 *
 *     owner, with its unit_kept | head | body frame, unless a block has it
 */
#ifndef SLUICE_SESSION_UNITS_UNIT_KEPT_H
#define SLUICE_SESSION_UNITS_UNIT_KEPT_H

#include <stddef.h>
#include <stdint.h>

struct account;
struct block;
struct unit;

struct unit_kept {
    struct block *block; /* NULL, or filled by the body frame alone */
    uint32_t body_length;
    uint32_t head_length;
};

/* What has to be kept of the unit; nothing is copied or taken yet. */
struct unit_kept unit_kept_of(const struct unit *u);

/* The octets of the unit as they came: what is counted. */
uint64_t unit_kept_size(const struct unit_kept *k);

/* The memory that it takes behind its owner. */
size_t unit_kept_bytes(const struct unit_kept *k);

/* Copies the unit to `bytes`. A body of its own block stays where it was read,
 * and counts as the account's. */
void unit_kept_copy(const struct unit_kept *k, uint8_t *bytes,
                    const struct unit *u, struct account *account);

/* The unit as its verb takes it; valid as long as it is kept. */
void unit_kept_read(const struct unit_kept *k, const uint8_t *bytes,
                    struct unit *out);

/* Gives up the block, if any. */
void unit_kept_drop(const struct unit_kept *k);

#endif

/* SPDX-License-Identifier: MIT
 *
 * ledger - which of the numbers 0, 1, 2, ... have come, so that one that comes
 * twice is noticed. Memory is needed only for numbers that come out of order:
 *
 *     0 .......... base ......................... base + LEDGER_SPAN
 *     all have come    a bit says whether it came
 *
 * A number that lies farther ahead pushes base forward: numbers that are then
 * still missing are given up, and would be taken for duplicates if they came
 * later.
 */
#ifndef SLUICE_CLIENT_BENCH_LEDGER_H
#define SLUICE_CLIENT_BENCH_LEDGER_H

#include <stdint.h>

enum { LEDGER_SPAN = 1 << 20 }; /* bits: 128 KiB where they are needed */

/* All zero is an empty one. */
struct ledger {
    uint64_t base;
    uint64_t ahead; /* bits that are set */
    uint64_t *bits; /* a ring; NULL until something came out of order */
};

enum ledger_entry { LEDGER_NEW, LEDGER_AGAIN, LEDGER_NO_MEMORY };

/* For ledger_enter alone. */
enum ledger_entry ledger_enter_out_of_order(struct ledger *l, uint64_t number);

/* Notes that `number` has come. */
static inline enum ledger_entry ledger_enter(struct ledger *l, uint64_t number)
{
    if (number != l->base || l->ahead > 0)
        return ledger_enter_out_of_order(l, number);
    l->base++;
    return LEDGER_NEW;
}

/* Frees what the ledger holds, not the ledger. */
void ledger_fini(struct ledger *l);

#endif

/* SPDX-License-Identifier: MIT
 *
 * invariants - what must hold of a house whatever its clients do.
 */
#ifndef SLUICE_TESTS_FUZZ_INVARIANTS_H
#define SLUICE_TESTS_FUZZ_INVARIANTS_H

struct house;

/* At any time: sums are those of all clients, and a client that is not read
 * waits for something that will come. */
void invariants_check_clients(const struct house *h);

/* After a turn: of channels as well. */
void invariants_check(struct house *h);

#endif

/* SPDX-License-Identifier: MIT
 *
 * settling - what workers hold for long is copied out of the blocks it came in,
 * once little else is left of these: a job that takes an hour does not keep
 * 64 KiB for its hundred bytes, and one that is done at once costs no copy.
 */
#ifndef SLUICE_CORE_SETTLING_H
#define SLUICE_CORE_SETTLING_H

struct ledger;

/* For the ledger that is new, and for the one that ends. */
void settling_init(struct ledger *l);
void settling_fini(struct ledger *l);

/* Something was handed out or acknowledged: if the blocks of the queue are
 * mostly dead, settles after a while. */
void settling_review(struct ledger *l);

/* Memory is short: if the blocks are mostly dead, settles a part at once. */
void settling_press(struct ledger *l);

#endif

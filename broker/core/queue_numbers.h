/* SPDX-License-Identifier: MIT
 *
 * queue_numbers - the numbers of a queue's messages, which cost something to
 * keep, and are not kept until somebody is shown them.
 */
#ifndef SLUICE_CORE_QUEUE_NUMBERS_H
#define SLUICE_CORE_QUEUE_NUMBERS_H

struct channel;

/* They are kept from now on: for queue_kind. */
void queue_number(struct channel *ch);

#endif

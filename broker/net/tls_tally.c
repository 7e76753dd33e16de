/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_tally.h"

void tls_tally_complete(struct tls_tally *t, clock_ms now, uint64_t us)
{
    durations_add(&t->durations, us);
    recent_add(&t->lately, now, us);
}

void tls_tally_fail(struct tls_tally *t, enum tls_fault fault)
{
    t->failed[fault]++;
}

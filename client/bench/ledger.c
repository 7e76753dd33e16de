/* SPDX-License-Identifier: MIT */
#include "client/bench/ledger.h"

#include <stdbool.h>
#include <stdlib.h>

static bool ledger_has(const struct ledger *l, uint64_t number)
{
    uint64_t at = number % LEDGER_SPAN;
    return l->bits[at / 64] >> (at % 64) & 1;
}

static void ledger_set(struct ledger *l, uint64_t number)
{
    uint64_t at = number % LEDGER_SPAN;
    l->bits[at / 64] |= (uint64_t)1 << (at % 64);
    l->ahead++;
}

/* Moves base one number on, whether that number came or is given up. */
static void ledger_pass(struct ledger *l)
{
    uint64_t at = l->base % LEDGER_SPAN;
    if (ledger_has(l, l->base)) {
        l->bits[at / 64] &= ~((uint64_t)1 << (at % 64));
        l->ahead--;
    }
    l->base++;
}

/* Makes room for `number` in the ring. */
static void ledger_reach(struct ledger *l, uint64_t number)
{
    while (l->ahead > 0 && number - l->base >= LEDGER_SPAN)
        ledger_pass(l);
    if (number - l->base >= LEDGER_SPAN)
        l->base = number - LEDGER_SPAN + 1;
}

enum ledger_entry ledger_enter_out_of_order(struct ledger *l, uint64_t number)
{
    if (number < l->base)
        return LEDGER_AGAIN;
    if (!l->bits)
        l->bits = calloc(LEDGER_SPAN / 64, sizeof *l->bits);
    if (!l->bits)
        return LEDGER_NO_MEMORY;
    ledger_reach(l, number);
    if (ledger_has(l, number))
        return LEDGER_AGAIN;
    ledger_set(l, number);
    while (l->ahead > 0 && ledger_has(l, l->base))
        ledger_pass(l);
    return LEDGER_NEW;
}

void ledger_fini(struct ledger *l)
{
    free(l->bits);
    l->bits = NULL;
}

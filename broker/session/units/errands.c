/* SPDX-License-Identifier: MIT */
#include "broker/session/units/errands.h"

void errands_init(struct errands *c)
{
    list_init(&c->line);
    c->work = c->turn_work = ERRANDS_TURN_WORK;
}

static void errands_go_on(struct errands *c)
{
    while (c->work > 0 && errands_are_due(c)) {
        struct errand *first = LIST_OF(c->line.next, struct errand, link);
        if (!first->run(first, &c->work))
            return;
    }
}

void errands_add(struct errands *c, struct errand *errand)
{
    bool is_first = !errands_are_due(c);
    list_insert(&c->line, &errand->link);
    if (is_first)
        errands_go_on(c);
}

bool errands_end_turn(struct errands *c)
{
    c->work = c->turn_work;
    if (errands_are_due(c))
        errands_go_on(c);
    return errands_are_due(c);
}

/* SPDX-License-Identifier: MIT */
#include "broker/core/turn.h"

void turn_init(struct turn *t, const struct core_config *config,
               const struct core_owner *owner, struct counters *counters,
               struct budget *budget)
{
    *t = (struct turn){.config = *config,
                       .owner = *owner,
                       .counters = counters,
                       .budget = budget};
    block_pool_init(&t->pool, budget);
    list_init(&t->dirty);
    list_init(&t->doomed);
    list_init(&t->busy);
    list_init(&t->wary);
    list_init(&t->fed);
    list_init(&t->open_gates);
    list_init(&t->resumed);
}

void turn_fini(struct turn *t)
{
    spares_clear(&t->spare_held);
    block_pool_fini(&t->pool);
}

void turn_set_alarm(struct turn *t, struct turn_alarm *a, uint32_t ms)
{
    if (!t->has_wheel)
        wheel_init(&t->wheel, t->now);
    t->has_wheel = true;
    wheel_set(&t->wheel, &a->alarm, t->now, ms);
}

void turn_cancel_alarm(struct turn *t, struct turn_alarm *a)
{
    if (t->has_wheel)
        wheel_cancel(&t->wheel, &a->alarm);
}

void turn_ring(struct turn *t)
{
    struct alarm *a;
    while (t->has_wheel && (a = wheel_pop(&t->wheel, t->now)) != NULL) {
        struct turn_alarm *alarm = LIST_OF(a, struct turn_alarm, alarm);
        alarm->ring(alarm);
    }
    if (turn_alarm_ms(t) == UINT32_MAX)
        t->has_wheel = false;
}

uint32_t turn_alarm_ms(const struct turn *t)
{
    return t->has_wheel ? wheel_wait_ms(&t->wheel, t->now) : UINT32_MAX;
}

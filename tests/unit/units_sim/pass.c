/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/pass.h"

#include "tests/unit/units_sim/actor.h"
#include "tests/unit/units_sim/answers.h"
#include "tests/unit/units_sim/census.h"
#include "tests/unit/units_sim/inside.h"
#include "tests/unit/virtual_stream.h"

static void take_output(struct sim *sim)
{
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &sim->actors[i];
        if (!a->is_here)
            continue;
        (void)virtual_take(a->wire, a->appetite);
        if (virtual_is_open(a->wire))
            continue;
        virtual_forget(a->wire);
        a->is_here = false;
    }
}

void pass_turn(struct sim *sim)
{
    sim->turns++;
    house_turn(&sim->house);
    actor_note_reads(sim);
    inside_check(sim);
    answers_check_turns(sim);
    take_output(sim);
}

void pass_time(struct sim *sim, uint32_t ms)
{
    do {
        uint32_t next = virtual_timer_ms();
        uint32_t part = next < ms ? next : ms;
        virtual_set_now(virtual_now() + part);
        ms -= part;
        pass_turn(sim);
    } while (ms > 0);
    answers_check_time(sim);
    census_changed(sim);
}

void pass_leap(struct sim *sim, uint32_t ms)
{
    sim->has_leapt = true;
    virtual_set_now(virtual_now() + ms);
    pass_turn(sim);
    census_changed(sim);
}

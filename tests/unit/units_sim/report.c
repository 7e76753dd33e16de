/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/units_sim/said.h"

enum { STEPS = 50, STEP_MAX = 160 };

struct report {
    uint64_t seed, steps;
    uint64_t taken; /* steps of this run */
    uint64_t all;   /* steps of all runs */
    bool is_traced; /* each step is printed */
    uint64_t events[REPORT_EVENT_COUNT];
    char last[STEPS][STEP_MAX];
};

static const char *const texts[REPORT_EVENT_COUNT] = {
#define X(name, text) [REPORT_##name] = (text),
    REPORT_EVENTS(X)
#undef X
};

struct report *report_new(void)
{
    struct report *r = calloc(1, sizeof *r);
    if (r)
        r->is_traced = getenv("SLUICE_TRACE");
    return r;
}

void report_free(struct report *r)
{
    free(r);
}

void report_begin(struct report *r, uint64_t seed, uint64_t steps)
{
    r->seed = seed;
    r->steps = steps;
    r->taken = 0;
}

void report_step(struct report *r, const char *format, ...)
{
    va_list arguments;
    char *out = r->last[r->taken % STEPS];
    va_start(arguments, format);
    (void)vsnprintf(out, STEP_MAX, format, arguments);
    va_end(arguments);
    if (r->is_traced)
        fprintf(stderr, "%6" PRIu64 "  %s\n", r->taken, out);
    r->taken++;
    r->all++;
}

void report_note(struct report *r, uint32_t connection, const struct said *u)
{
    if (!r->is_traced)
        return;
    fprintf(stderr, "        to %u:", connection);
    for (int i = 0; i < u->count; i++)
        fprintf(stderr, " %s", u->words[i]);
    fprintf(stderr, "\n");
}

void report_count(struct report *r, enum report_event event)
{
    r->events[event]++;
}

bool report_print(const struct report *r)
{
    bool is_complete = true;
    printf("%" PRIu64 " steps\n", r->all);
    for (int i = 0; i < REPORT_EVENT_COUNT; i++) {
        printf("%10" PRIu64 "  %s\n", r->events[i], texts[i]);
        is_complete &= r->events[i] > 0;
    }
    fflush(stdout);
    return is_complete;
}

_Noreturn void report_fail(const struct report *r, const char *format, ...)
{
    va_list arguments;
    uint64_t first = r->taken > STEPS ? r->taken - STEPS : 0;
    for (uint64_t i = first; i < r->taken; i++)
        fprintf(stderr, "%6" PRIu64 "  %s\n", i, r->last[i % STEPS]);
    fprintf(stderr, "after %" PRIu64 " steps of %" PRIu64 ": ", r->taken,
            r->steps);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr,
            "\nto repeat: SLUICE_SEED=%" PRIu64 " SLUICE_STEPS=%" PRIu64 "\n",
            r->seed, r->steps);
    if (getenv("SLUICE_PLANT")) {
        fprintf(stderr, "found in step %" PRIu64 " of all\n", r->all);
        _exit(0);
    }
    fail();
    abort();
}

/* SPDX-License-Identifier: MIT */
#include "client/bench/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { PROGRESS_WIDTH = 40 };

void progress_init(struct progress *p, const struct plan *plan,
                   uint64_t start_ns)
{
    *p = (struct progress){.plan = plan,
                           .is_shown = isatty(STDERR_FILENO) == 1,
                           .start_ns = start_ns,
                           .shown_ns = start_ns};
}

/* How much of the plan is done: of its count or of its time, whichever ends it
 * sooner. */
static double progress_share(const struct progress *p, uint64_t now_ns,
                             uint64_t sent)
{
    const struct plan *plan = p->plan;
    double of_count = 0, of_time = 0;
    if (plan->count > 0)
        of_count = (double)sent / (double)plan->count;
    if (plan->duration_ns > 0)
        of_time = (double)(now_ns - p->start_ns) / (double)plan->duration_ns;
    double share = of_count > of_time ? of_count : of_time;
    return share < 1 ? share : 1;
}

static void progress_draw(double share, double per_s)
{
    static const char full[] = "########################################";
    static const char none[] = "........................................";
    _Static_assert(sizeof full == PROGRESS_WIDTH + 1, "one for each step");
    int done = (int)(share * PROGRESS_WIDTH);
    fprintf(stderr, "\r[%.*s%.*s] %3.0f %%  %.2f million messages/s ", done,
            full, PROGRESS_WIDTH - done, none, share * 100, per_s / 1e6);
    fflush(stderr);
}

void progress_show(struct progress *p, uint64_t now_ns, uint64_t sent,
                   uint64_t received)
{
    uint64_t gone_ns = now_ns - p->shown_ns;
    if (!p->is_shown || gone_ns < PROGRESS_MS * UINT64_C(1000000))
        return;
    progress_draw(progress_share(p, now_ns, sent),
                  (double)(received - p->received) * 1e9 / (double)gone_ns);
    p->shown_ns = now_ns;
    p->received = received;
}

void progress_clear(struct progress *p)
{
    if (p->is_shown)
        fputs("\r\033[K", stderr);
}

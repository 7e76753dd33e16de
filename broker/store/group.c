/* SPDX-License-Identifier: MIT */
#include "broker/store/group.h"

enum { LOST = 8 }; /* one of so many may be missing: a publisher that stopped */

void group_written(struct group *g, uint64_t now_us, uint64_t batch_us,
                   uint64_t done)
{
    uint64_t us = batch_us / GROUP_SHARE;
    g->expected = 0;
    g->is_waiting = false;
    if (done == 0 || us < GROUP_LEAST_US)
        return;
    if (g->left > 0) {
        g->left--;
        return;
    }
    g->expected = done;
    g->is_new = true;
    g->until_us = now_us + (us < GROUP_MOST_US ? us : GROUP_MOST_US);
    uint64_t most_us = batch_us / 3 * GROUP_THIRDS;
    g->most_us = now_us + (most_us < GROUP_MOST_US ? most_us : GROUP_MOST_US);
    g->step_us = batch_us / GROUP_STEP_SHARE;
}

/* More have come: others may be on their way. */
static void group_extend(struct group *g, uint64_t now_us, uint64_t waiting)
{
    bool has_come = waiting > g->came && now_us < g->until_us;
    uint64_t until_us = now_us + g->step_us;
    g->came = waiting;
    if (until_us > g->most_us)
        until_us = g->most_us;
    if (has_come && until_us > g->until_us)
        g->until_us = until_us;
}

/* Of messages that come at their own pace there are five sixths of what is
 * expected, at most, when the wait has come to its end. */
static void group_judge(struct group *g, uint64_t waiting)
{
    if (waiting >= g->expected - g->expected / LOST) {
        g->pause /= 2;
        return;
    }
    g->pause = g->pause > 0 ? g->pause * 2 : 1;
    if (g->pause > GROUP_PAUSE_MAX)
        g->pause = GROUP_PAUSE_MAX;
    g->left = g->pause;
}

uint64_t group_wait_us(struct group *g, uint64_t now_us, uint64_t waiting)
{
    if (g->is_new) {
        g->expected += waiting;
        g->came = waiting;
    }
    g->is_new = false;
    group_extend(g, now_us, waiting);
    if (waiting == 0)
        return 0;
    if (waiting < g->expected && now_us < g->until_us) {
        g->waits += !g->is_waiting;
        g->is_waiting = true;
        return g->until_us - now_us;
    }
    if (g->is_waiting)
        group_judge(g, waiting);
    g->is_waiting = false;
    g->expected = 0;
    return 0;
}

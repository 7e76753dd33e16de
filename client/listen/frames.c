/* SPDX-License-Identifier: MIT */
#include "client/listen/frames.h"

#include "client/handback.h"
#include "client/stop_signal.h"
#include "client/target.h"

/* A worker takes one message at a time, and leaves the others to the broker. */
enum sluice_error frames_connect(struct listening *l)
{
    const struct listening_plan *plan = &l->plan;
    const struct reading_pattern *channel = l->reading.patterns;
    bool takes_few = plan->command != NULL || plan->count > 0;
    sluice_set_read_ahead(l->s, !(channel->is_queue && takes_few));
    enum sluice_error error =
        target_connect(plan->target, l->s, plan->timeout_ms);
    return error != SLUICE_OK
               ? error
               : sluice_subscribe(l->s, sluice_text(channel->written));
}

static enum sluice_error frames_next(struct listening *l,
                                     const struct sluice_event **e)
{
    static const struct sluice_header none = {.name = NULL};
    l->frame = (struct sluice_event){
        .channel = sluice_text(l->reading.patterns->written),
        .headers = &none,
    };
    *e = &l->frame;
    return sluice_receive(l->s, &l->frame.body, SLUICE_NO_WAIT);
}

/* The broker does not wait for an answer. */
static bool frames_settle(struct listening *l, const struct sluice_event *e,
                          bool is_last)
{
    (void)l;
    (void)e;
    (void)is_last;
    return true;
}

static const struct listening_wire frames_wire = {frames_next, frames_settle};

/* Messages that came and are not used, since no more is printed or run. A
 * listener to a topic that has enough leaves at once. */
static enum listening_step frames_hand_back(struct listening *l,
                                            enum listening_step step)
{
    const struct listening_plan *plan = &l->plan;
    const struct reading_pattern *channel = l->reading.patterns;
    bool is_worth_it =
        channel->is_queue || (plan->command && stop_signal_came());
    if (step == LISTENING_LOST || listening_is_leaving(l) || !is_worth_it)
        return step;
    struct handback h = {.target = plan->target,
                         .channel = sluice_text(channel->written),
                         .timeout_ms = plan->timeout_ms,
                         .max_frame = plan->max_frame,
                         .is_queue = channel->is_queue};
    handback_all(&h, l->s);
    return handback_report(&h, plan->is_quiet) ? step : LISTENING_FAILED;
}

enum listening_step frames_serve(struct listening *l)
{
    l->wire = &frames_wire;
    outage_on_connected(&l->news.outage);
    return frames_hand_back(l, listening_serve(l));
}

/* SPDX-License-Identifier: MIT */
#include "broker/journal_watch.h"

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/core/keeper.h"
#include "broker/net/reactor.h"
#include "broker/store/store.h"

enum {
    PERIOD_MS = 500,       /* in which a slow flush is looked at */
    SLOW_US = 1000 * 1000, /* a flush that takes longer is logged, once */
};

void journal_watch_measure(const struct journal_watch *w)
{
    if (!w->store)
        return;
    const struct store_stats stats = store_stats(w->store);
    const struct engine_stats *engine = &stats.engine;
    const struct {
        enum counter_id id;
        uint64_t value;
    } rows[] = {
        {COUNT_journal_state, w->keeper->state},
        {COUNT_journal_bytes, engine->file_bytes},
        {COUNT_journal_live_bytes, engine->live_bytes},
        {COUNT_journal_limit_bytes, w->limit_bytes},
        {COUNT_journal_pending_bytes, w->keeper->pending_bytes},
        {COUNT_journal_segments, engine->segments},
        {COUNT_journal_batches, engine->batches},
        {COUNT_journal_flushes, engine->flushes},
        {COUNT_journal_group_waits, stats.group_waits},
        {COUNT_journal_messages, engine->messages},
        {COUNT_journal_acks, engine->acks},
        {COUNT_journal_late_acks, engine->late_acks},
        {COUNT_journal_written_bytes, engine->written_bytes},
        {COUNT_journal_moved_bytes, engine->moved_bytes},
        {COUNT_journal_read_bytes, engine->read_bytes},
        {COUNT_journal_damaged_messages, engine->damaged_messages},
        {COUNT_journal_flush_p50_us, stats.flush_p50_us},
        {COUNT_journal_flush_p99_us, stats.flush_p99_us},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        counter_set(w->counters, rows[i].id, rows[i].value);
}

/* What clients were refused since the last line about it. Of a store that is
 * full there is a line already. */
static void watch_refused(struct journal_watch *w)
{
    const uint64_t *value = w->counters->value;
    uint64_t channels = value[COUNT_journal_refused_channels];
    uint64_t messages = value[COUNT_journal_refused_messages];
    if (channels > w->refused_channels)
        log_event(w->log, LOG_WARNING, "journal_channels",
                  LOG_U64("refused", channels - w->refused_channels));
    if (messages > w->refused_messages && w->keeper->state == STORE_OPEN)
        log_event(w->log, LOG_WARNING, "journal_no_room",
                  LOG_U64("refused", messages - w->refused_messages));
    w->refused_channels = channels;
    w->refused_messages = messages;
}

static bool watch_has_refused(const struct journal_watch *w)
{
    const uint64_t *value = w->counters->value;
    return value[COUNT_journal_refused_channels] > w->refused_channels ||
           value[COUNT_journal_refused_messages] > w->refused_messages;
}

/* When to look again at a flush that has taken so long, 0: there is none. When
 * it becomes slow, or later whether it is another one. */
static uint32_t watch_next_ms(uint64_t us)
{
    return us < SLOW_US ? (uint32_t)((SLOW_US - us) / 1000) + 1 : PERIOD_MS;
}

static void watch_on_timer(void *arg)
{
    struct journal_watch *w = arg;
    uint64_t us = store_stats(w->store).flushing_us;
    watch_refused(w);
    if (us >= SLOW_US && !w->is_slow)
        log_event(w->log, LOG_WARNING, "journal_slow",
                  LOG_U64("flushing_ms", us / 1000),
                  LOG_U64("pending_bytes", w->keeper->pending_bytes));
    w->is_slow = us >= SLOW_US;
    if (us > 0 || w->keeper->pending_bytes > 0)
        (void)reactor_timer_start(w->timer, watch_next_ms(us));
}

/* Refusals are logged at once, and again when the timer fires: at most one line
 * in that time. */
void journal_watch_turn(struct journal_watch *w)
{
    bool is_due = w->keeper->pending_bytes > 0 || watch_has_refused(w);
    if (!is_due || reactor_timer_is_running(w->timer))
        return;
    watch_refused(w);
    (void)reactor_timer_start(w->timer, watch_next_ms(0));
}

bool journal_watch_start(struct journal_watch *w, struct reactor *reactor)
{
    w->timer = reactor_timer_new(reactor, watch_on_timer, w);
    return w->timer != NULL;
}

void journal_watch_stop(struct journal_watch *w)
{
    reactor_timer_free(w->timer);
    *w = (struct journal_watch){.store = NULL};
}

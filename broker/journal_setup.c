/* SPDX-License-Identifier: MIT */
#include "broker/journal_setup.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "broker/base/clock.h"
#include "broker/base/log.h"
#include "broker/core/core.h"
#include "broker/journal_folder.h"
#include "broker/net/reactor.h"
#include "broker/options/options.h"
#include "broker/store/store.h"
#include "common/sentence.h"

enum {
    JOURNAL_DESCRIPTORS = 12, /* folder, lock, bells, files in use; and some */
    TAKE_BACK_AT_ONCE = 64,
};

static void log_state(struct journal_setup *j, enum store_state state)
{
    switch (state) {
    case STORE_OPEN:
        log_event(j->log, LOG_INFO, "journal_open_again", LOG_NONE);
        break;
    case STORE_FULL:
        log_event(j->log, LOG_WARNING, "journal_full",
                  LOG_U64("bytes", store_stats(j->store).engine.file_bytes),
                  LOG_U64("limit", j->watch.limit_bytes));
        break;
    case STORE_FAILED:
        log_event(j->log, LOG_ERROR, "journal_failed", LOG_NONE);
        j->has_failed = true;
        break;
    }
}

static void journal_reap(struct journal_setup *j)
{
    const struct keeper *keeper = &j->core->keeper;
    enum store_state before = keeper->state;
    uint64_t damaged = keeper->damaged;
    store_heard(j->store);
    core_reap(j->core);
    if (keeper->state != before)
        log_state(j, keeper->state);
    if (keeper->damaged > damaged)
        log_event(j->log, LOG_ERROR, "journal_damaged",
                  LOG_U64("messages", keeper->damaged - damaged));
}

static void on_heard(void *arg)
{
    journal_reap(arg);
}

static bool journal_fail(const struct options *o,
                         const struct store_report *report,
                         struct sentence *why)
{
    if (report->other > 0)
        return journal_folder_refuse_used(o->journal.text, report->other, why);
    return sentence_fail(why, "--journal %s: %s", o->journal.text,
                         report->engine.why.text[0] != '\0'
                             ? report->engine.why.text
                             : "there is no memory for it, or no descriptor");
}

static void log_opened(struct journal_setup *j,
                       const struct store_report *report)
{
    const struct engine_report *engine = &report->engine;
    log_event(j->log, LOG_INFO, "journal_opened",
              LOG_U64("channels", engine->channels),
              LOG_U64("segments", engine->segments),
              LOG_U64("messages", engine->messages),
              LOG_U64("bytes", engine->bytes),
              LOG_U64("torn_bytes", engine->torn_bytes),
              LOG_U64("ms", report->open_ms));
    if (engine->others > 0)
        log_event(j->log, LOG_WARNING, "journal_foreign",
                  LOG_U64("files", engine->others));
    if (report->is_remote)
        log_event(j->log, LOG_WARNING, "journal_remote", LOG_NONE);
}

/* The descriptor sleeps until something was asked: it is heard once, so that it
 * is readable when there is more. */
static bool journal_start(struct journal_setup *j, struct reactor *reactor,
                          struct sentence *why)
{
    if (!core_open_store(j->core, store_ops(), j->store))
        return sentence_fail(why, "there is no memory for the queues that the "
                                  "journal has");
    j->file = reactor_file_new(reactor, store_file(j->store), on_heard, j);
    if (!j->file || !journal_watch_start(&j->watch, reactor) ||
        !store_start(j->store))
        return sentence_fail(why, "cannot start the journal: %s",
                             strerror(errno));
    j->is_running = true;
    journal_reap(j);
    return true;
}

bool journal_setup_open(struct journal_setup *j, const struct options *o,
                        struct core *core, struct reactor *reactor,
                        struct counters *counters, struct log *log,
                        struct sentence *why)
{
    struct store_report report;
    struct engine_setup setup = {.segment_bytes = options_journal_segment(o),
                                 .limit_bytes = o->journal_limit.number,
                                 .free_bytes = o->journal_free.number};
    *j = (struct journal_setup){.core = core, .log = log};
    if (!o->journal.text)
        return true;
    j->store = store_open(o->journal.text, &setup, &report);
    if (!j->store)
        return journal_fail(o, &report, why);
    j->watch = (struct journal_watch){.store = j->store,
                                      .keeper = &core->keeper,
                                      .counters = counters,
                                      .log = log,
                                      .limit_bytes = o->journal_limit.number};
    log_opened(j, &report);
    return journal_start(j, reactor, why);
}

void journal_setup_measure(void *setup)
{
    const struct journal_setup *j = setup;
    journal_watch_measure(&j->watch);
}

void journal_setup_configure(struct journal_setup *j, const struct options *o)
{
    j->watch.limit_bytes = o->journal_limit.number;
    if (j->store)
        store_set_limits(j->store, o->journal_limit.number,
                         o->journal_free.number);
}

static void journal_take_back(struct journal_setup *j)
{
    struct store_put puts[TAKE_BACK_AT_ONCE];
    int n;
    do {
        n = store_take_back(j->store, puts, TAKE_BACK_AT_ONCE);
        for (int i = 0; i < n; i++)
            block_unref(puts[i].slice.block);
    } while (n == TAKE_BACK_AT_ONCE);
}

bool journal_setup_stop(struct journal_setup *j, uint64_t ms, int enough)
{
    if (!j->is_running)
        return true;
    clock_ms begun = clock_now_ms();
    store_stop(j->store);
    journal_reap(j);
    while (!store_has_stopped(j->store)) {
        struct pollfd files[] = {
            {.fd = store_file(j->store), .events = POLLIN},
            {.fd = enough, .events = POLLIN},
        };
        uint32_t gone_ms = clock_elapsed_ms(clock_now_ms(), begun);
        if (gone_ms >= ms)
            return false;
        (void)poll(files, 2, (int)(ms - gone_ms));
        if (files[1].revents != 0)
            return false;
        journal_reap(j);
    }
    journal_reap(j);
    journal_take_back(j);
    j->is_running = false;
    log_event(j->log, LOG_INFO, "journal_closed", LOG_NONE);
    return true;
}

void journal_setup_close(struct journal_setup *j)
{
    journal_watch_stop(&j->watch);
    reactor_file_free(j->file);
    if (j->store)
        store_close(j->store);
    *j = (struct journal_setup){.store = NULL};
}

size_t journal_setup_descriptors(const struct options *o)
{
    return o->journal.text ? JOURNAL_DESCRIPTORS : 0;
}

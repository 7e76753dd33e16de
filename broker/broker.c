/* SPDX-License-Identifier: MIT */
#include "broker/broker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "broker/base/budget.h"
#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/complaints.h"
#include "broker/core/core.h"
#include "broker/doors.h"
#include "broker/monitor/gauges.h"
#include "broker/monitor/monitor.h"
#include "broker/monitoring.h"
#include "broker/net/listener.h"
#include "broker/net/reactor.h"
#include "broker/options.h"
#include "broker/reload.h"
#include "broker/session/sessions.h"
#include "broker/sources.h"
#include "proto/frame.h"

enum {
    /* Descriptors that are not for clients: standard streams, the loop's own,
     * and some for whoever has to look at a broker in trouble. */
    RESERVED_DESCRIPTORS = 16,
    DRAIN_POLL_MS = 10,
    LEAVE_MIN_MS = 1000,
};

/* A row for every signal that means something. */
struct signal_row {
    int signo;
    void (*fire)(void *broker, int signo);
};

enum { SIGNALS = 4 };

struct broker {
    struct arguments *arguments; /* where options come from, with others */
    struct options *options;
    struct log log;
    struct counters counters;
    struct budget budget;
    struct core core;
    struct sessions sessions;
    struct monitor *monitor; /* NULL when nobody watches */
    struct reactor *reactor;
    struct doors doors;
    struct reactor_signal *signals[SIGNALS];
    struct reactor_timer *drain_timer;
    clock_ms drain_since;
    uint64_t possible_connections; /* what the limit on open files allows */
    uint32_t max_connections;
    bool has_core, has_sessions;
    bool is_accept_paused;
    bool is_accept_failing; /* nothing was accepted since it failed */
    bool is_draining;       /* told to stop */
    bool is_finishing;      /* all was delivered, connections are closed */
};

static uint32_t broker_message_size(const uint8_t *message)
{
    return FRAME_HEAD_BYTES + frame_get_length(message);
}

/* Accepting. */

static void broker_pause_accept(struct broker *b, const char *reason)
{
    if (b->is_accept_paused)
        return;
    b->is_accept_paused = true;
    counter_add(&b->counters, COUNT_accept_pauses, 1);
    log_event(&b->log, LOG_WARNING, "accept_paused", LOG_TEXT("reason", reason),
              LOG_U64("connections", b->sessions.count));
    doors_pause(&b->doors);
}

static void broker_on_accept(void *owner, int fd, const struct sockaddr *peer,
                             socklen_t length)
{
    struct broker *b = owner;
    b->is_accept_failing = false;
    sessions_add(&b->sessions, fd, peer, length);
    if (b->sessions.count >= b->max_connections)
        broker_pause_accept(b, "max_connections");
}

/* Somebody else holds the descriptors: the listener tries again by itself. */
static void broker_on_accept_error(void *owner, int err)
{
    struct broker *b = owner;
    counter_add(&b->counters, COUNT_accept_pauses, 1);
    if (b->is_accept_failing)
        return; /* told already */
    b->is_accept_failing = true;
    log_event(&b->log, LOG_WARNING, "accept_failed",
              LOG_TEXT("reason", strerrorname_np(err)),
              LOG_U64("connections", b->sessions.count));
}

static const struct listener_events listener_events = {broker_on_accept,
                                                       broker_on_accept_error};

static void broker_resume_accept(struct broker *b)
{
    if (!b->is_accept_paused || b->is_draining ||
        b->sessions.count >= b->max_connections)
        return;
    b->is_accept_paused = false;
    log_event(&b->log, LOG_INFO, "accept_resumed",
              LOG_U64("connections", b->sessions.count));
    doors_resume(&b->doors);
}

static void broker_on_closed(void *broker)
{
    broker_resume_accept(broker);
}

/* Stopping. */

static void broker_log_counters(struct broker *b, const char *event)
{
    struct log_field fields[COUNTER_TOTAL + 1];
    gauges_update(&b->counters, &b->budget, &b->log);
    for (size_t i = 0; i < COUNTER_TOTAL; i++)
        fields[i] = LOG_U64(counter_rows[i].name, b->counters.value[i]);
    fields[COUNTER_TOTAL] = (struct log_field){.kind = LOG_END};
    log_always(&b->log, LOG_INFO, event, fields);
}

/* Two steps: first everything is delivered, then every connection is closed
 * in order. Both together have --drain-timeout. */
static void broker_on_drain(void *arg)
{
    struct broker *b = arg;
    uint32_t gone_ms =
        clock_elapsed_ms(reactor_now_ms(b->reactor), b->drain_since);
    if (!b->is_finishing && sessions_are_drained(&b->sessions)) {
        b->is_finishing = true;
        sessions_finish(&b->sessions);
    }
    bool is_done = b->is_finishing && b->sessions.count == 0;
    if (is_done || gone_ms >= b->options->drain_timeout)
        reactor_stop(b->reactor);
    else
        (void)reactor_timer_start(b->drain_timer, DRAIN_POLL_MS);
}

static void broker_log_stopping(struct broker *b, int signo, const char *how)
{
    log_event(
        &b->log, LOG_INFO, "stopping", LOG_TEXT("signal", sigabbrev_np(signo)),
        LOG_U64("connections", b->sessions.count), LOG_TEXT("reason", how));
}

static void broker_on_stop(void *arg, int signo)
{
    struct broker *b = arg;
    if (b->is_draining) {
        broker_log_stopping(b, signo, "now");
        reactor_stop(b->reactor);
        return;
    }
    b->is_draining = true;
    b->core.is_stopping = true;
    monitor_stop(b->monitor);
    b->drain_since = reactor_now_ms(b->reactor);
    doors_close(&b->doors);
    sessions_drain(&b->sessions);
    /* Told when it is true: from here on nothing more is accepted. */
    broker_log_stopping(b, signo, "drain");
    (void)reactor_timer_start(b->drain_timer, 0);
}

static void broker_on_usr1(void *arg, int signo)
{
    (void)signo;
    broker_log_counters(arg, "stats");
}

/* What the options mean. */

static struct core_config broker_core_config(const struct broker *b)
{
    const struct options *o = b->options;
    return (struct core_config){
        .rules = o->rules.rows,
        .rule_count = o->rules.count,
        .prefetch_bytes = o->prefetch,
        .turn_bytes = SESSIONS_READ_BYTES,
        .message_size = broker_message_size,
    };
}

/* A message that takes more than half of the memory could not get in. */
static uint32_t broker_max_frame(struct broker *b)
{
    uint64_t wanted = b->options->max_frame, possible = b->options->memory / 2;
    if (wanted <= possible)
        return (uint32_t)wanted;
    log_event(&b->log, LOG_WARNING, "max_frame_lowered",
              LOG_U64("wanted", wanted), LOG_U64("possible", possible),
              LOG_TEXT("reason", "memory"));
    return (uint32_t)possible;
}

static struct sessions_config broker_sessions_config(struct broker *b)
{
    const struct options *o = b->options;
    /* A client that leaves is given time even when stopping gives none. */
    uint32_t leave_ms = o->drain_timeout > LEAVE_MIN_MS
                            ? (uint32_t)o->drain_timeout
                            : LEAVE_MIN_MS;
    return (struct sessions_config){
        .max_frame_bytes = broker_max_frame(b),
        .wait_ms = {[WAIT_HELLO] = (uint32_t)o->hello_timeout,
                    [WAIT_FRAME] = (uint32_t)o->frame_timeout,
                    [WAIT_LEAVE] = leave_ms,
                    [WAIT_FINISH] = leave_ms,
                    [WAIT_MEMORY] = SESSIONS_FOREVER_MS},
    };
}

static void broker_limit_connections(struct broker *b)
{
    uint64_t wanted = b->options->max_connections;
    uint64_t possible = b->possible_connections;
    if (wanted > possible)
        log_event(&b->log, LOG_WARNING, "max_connections_lowered",
                  LOG_U64("wanted", wanted), LOG_U64("possible", possible),
                  LOG_TEXT("reason", "open_files_limit"));
    uint64_t max = wanted > 0 && wanted < possible ? wanted : possible;
    b->max_connections = max < UINT32_MAX ? (uint32_t)max : UINT32_MAX;
}

static bool broker_open_log(struct broker *b, const struct options *o,
                            char *error)
{
    if (!log_open(&b->log, o->log_file)) {
        snprintf(error, BROKER_ERROR_BYTES, "cannot log to %s: %s", o->log_file,
                 strerror(errno));
        return false;
    }
    b->log.format = (enum log_format)o->log_format;
    return true;
}

/* Reloading: first everything that may fail, then what cannot. */

static void broker_on_mistake(void *arg, const char *sentence)
{
    struct broker *b = arg;
    log_always(&b->log, LOG_ERROR, "reload_mistake",
               LOG_LIST(LOG_TEXT("what", sentence)));
}

static void broker_refuse_reload(struct broker *b, const char *why)
{
    log_always(&b->log, LOG_ERROR, "reload_failed",
               LOG_LIST(LOG_TEXT("why", why)));
}

static bool broker_prepare_reload(struct broker *b, struct options *fresh)
{
    char error[BROKER_ERROR_BYTES];
    bool ok = doors_prepare(&b->doors, &fresh->listen, fresh->socket_mode,
                            error, sizeof error);
    if (ok && !broker_open_log(b, fresh, error)) {
        doors_abort(&b->doors);
        ok = false;
    }
    if (!ok)
        broker_refuse_reload(b, error);
    return ok;
}

/* Those that accepting had to wait for may be fewer now, or more. */
static void broker_review_accept(struct broker *b)
{
    broker_limit_connections(b);
    if (b->sessions.count >= b->max_connections)
        broker_pause_accept(b, "max_connections");
    else
        broker_resume_accept(b);
}

static void broker_apply_options(struct broker *b, struct options *fresh)
{
    struct options *old = b->options;
    reload_keep_fixed(old, fresh, &b->log);
    b->options = fresh;
    b->log.level = (enum log_level)fresh->log_level;
    b->budget.limit_bytes = fresh->memory;
    struct core_config config = broker_core_config(b);
    core_configure(&b->core, &config);
    b->sessions.config = broker_sessions_config(b);
    doors_commit(&b->doors);
    broker_review_accept(b);
    reload_tell(old, fresh, &b->log);
    sources_free(old);
}

static void broker_on_hup(void *arg, int signo)
{
    struct broker *b = arg;
    struct complaints complaints = {.tell = broker_on_mistake, .arg = b};
    (void)signo;
    if (b->is_draining) {
        broker_refuse_reload(b, "stopping");
        return;
    }
    struct options *fresh = sources_read(b->arguments, &complaints);
    if (!fresh)
        broker_refuse_reload(b, "mistakes");
    else if (broker_prepare_reload(b, fresh))
        broker_apply_options(b, fresh);
    else
        sources_free(fresh);
}

/* Starting. */

static const struct signal_row signal_rows[SIGNALS] = {
    {SIGTERM, broker_on_stop},
    {SIGINT, broker_on_stop},
    {SIGHUP, broker_on_hup},
    {SIGUSR1, broker_on_usr1},
};

static bool fail(char *error, const char *what)
{
    snprintf(error, BROKER_ERROR_BYTES, "%s: %s", what, strerror(errno));
    return false;
}

/* The soft limit is a default of shells, not a decision about this program:
 * what the hard limit allows is used. */
static bool broker_count_descriptors(struct broker *b, char *error)
{
    struct rlimit rl;
    if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
        return fail(error, "cannot read the limit of open files");
    if (rl.rlim_cur < rl.rlim_max) {
        rl.rlim_cur = rl.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &rl);
        (void)getrlimit(RLIMIT_NOFILE, &rl);
    }
    uint64_t reserved =
        RESERVED_DESCRIPTORS + monitoring_descriptors(b->options);
    if (rl.rlim_cur <= reserved) {
        snprintf(error, BROKER_ERROR_BYTES,
                 "the limit of open files is %llu, at least %llu are needed; "
                 "raise it with ulimit -n",
                 (unsigned long long)rl.rlim_cur,
                 (unsigned long long)reserved + 1);
        return false;
    }
    b->possible_connections = rl.rlim_cur - reserved;
    return true;
}

static bool broker_open_signals(struct broker *b, char *error)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < SIGNALS; i++) {
        /* What is here now is there again when the loop has ended: a second
         * signal that comes late must not kill. */
        signal(signal_rows[i].signo, SIG_IGN);
        b->signals[i] = reactor_signal_new(b->reactor, signal_rows[i].signo,
                                           signal_rows[i].fire, b);
        if (!b->signals[i])
            return fail(error, "cannot handle signals");
    }
    return true;
}

static void broker_init_core(struct broker *b)
{
    struct core_config config = broker_core_config(b);
    struct core_notices notices = sessions_notices(&b->sessions);
    core_init(&b->core, &config, &notices, &b->counters, &b->budget);
    b->has_core = true;
}

static bool broker_init_sessions(struct broker *b, char *error)
{
    struct sessions_config config = broker_sessions_config(b);
    b->has_sessions = true;
    if (!sessions_init(&b->sessions, &config, b->reactor, &b->core,
                       &b->counters, &b->budget, &b->log))
        return fail(error, "cannot start");
    b->sessions.on_closed = broker_on_closed;
    b->sessions.on_closed_arg = b;
    return true;
}

static bool broker_listen(struct broker *b, char *error)
{
    if (!doors_prepare(&b->doors, &b->options->listen, b->options->socket_mode,
                       error, BROKER_ERROR_BYTES))
        return false;
    doors_commit(&b->doors);
    return true;
}

static bool broker_open(struct broker *b, char *error)
{
    b->budget.limit_bytes = b->options->memory;
    log_init(&b->log, STDERR_FILENO, (enum log_level)b->options->log_level);
    if (!broker_open_log(b, b->options, error))
        return false;
    b->reactor = reactor_new();
    if (!b->reactor)
        return fail(error, "cannot make an event loop");
    doors_init(&b->doors, b->reactor, &listener_events, b, &b->log);
    broker_init_core(b);
    b->drain_timer = reactor_timer_new(b->reactor, broker_on_drain, b);
    if (!b->drain_timer || !broker_init_sessions(b, error) ||
        !broker_count_descriptors(b, error) || !broker_open_signals(b, error))
        return false;
    broker_limit_connections(b);
    return broker_listen(b, error) &&
           monitoring_open(&b->monitor, b->options, &b->sessions, error,
                           BROKER_ERROR_BYTES);
}

struct broker *broker_new(struct arguments *a, struct options *o,
                          char error[BROKER_ERROR_BYTES])
{
    struct broker *b = calloc(1, sizeof *b);
    if (!b) {
        fail(error, "cannot start");
        sources_free(o);
        return NULL;
    }
    b->arguments = a;
    b->options = o;
    if (broker_open(b, error))
        return b;
    broker_free(b);
    return NULL;
}

void broker_run(struct broker *b)
{
    reactor_run(b->reactor, sessions_end_turn, &b->sessions);
    sessions_close_all(&b->sessions);
    core_purge(&b->core);
    broker_log_counters(b, "stopped");
}

void broker_free(struct broker *b)
{
    doors_close(&b->doors);
    if (b->has_sessions)
        sessions_fini(&b->sessions);
    monitor_free(b->monitor);
    if (b->has_core)
        core_fini(&b->core);
    reactor_timer_free(b->drain_timer);
    for (size_t i = 0; i < SIGNALS; i++)
        reactor_signal_free(b->signals[i]);
    if (b->reactor)
        reactor_free(b->reactor);
    log_fini(&b->log);
    sources_free(b->options);
    free(b);
}

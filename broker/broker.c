/* SPDX-License-Identifier: MIT */
#include "broker/broker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/base/budget.h"
#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/configure.h"
#include "broker/core/core.h"
#include "broker/descriptors.h"
#include "broker/doors.h"
#include "broker/monitor/gauges.h"
#include "broker/monitor/monitor.h"
#include "broker/monitoring.h"
#include "broker/net/listener.h"
#include "broker/net/reactor.h"
#include "broker/options/changes.h"
#include "broker/options/load.h"
#include "broker/options/mistakes.h"
#include "broker/options/options.h"
#include "broker/session/sessions.h"
#include "broker/supervisor.h"

enum {
    DRAIN_POLL_MS = 10,
    STOP_MARGIN_MS = 5000, /* to end, after all was delivered or given up */
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
    struct monitoring monitoring;
    struct reactor *reactor;
    struct doors doors;
    struct supervisor supervisor;
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

/* Accepting. */

static void broker_pause_accept(struct broker *b, const char *reason)
{
    if (b->is_accept_paused)
        return;
    b->is_accept_paused = true;
    counter_add(&b->counters, COUNT_accept_pauses, 1);
    log_event(&b->log, LOG_WARNING, "accept_paused", LOG_TEXT("reason", reason),
              LOG_U64("connections", b->sessions.count));
    b->sessions.wants_descriptor = true;
    doors_pause(&b->doors);
}

static void broker_on_accept(void *owner, int fd, const struct sockaddr *peer,
                             socklen_t length)
{
    struct broker *b = owner;
    b->is_accept_failing = false;
    b->sessions.wants_descriptor = false;
    sessions_add(&b->sessions, fd, peer, length);
    if (b->sessions.count >= b->max_connections)
        broker_pause_accept(b, "max_connections");
}

/* Somebody else holds the descriptors: the listener tries again by itself. */
static void broker_on_accept_error(void *owner, int err)
{
    struct broker *b = owner;
    counter_add(&b->counters, COUNT_accept_pauses, 1);
    if (err == EMFILE || err == ENFILE)
        b->sessions.wants_descriptor = true;
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
    if (!b->is_accept_paused || b->is_draining)
        return;
    b->sessions.wants_descriptor = b->sessions.count >= b->max_connections;
    if (b->sessions.wants_descriptor)
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

/* Without a timer nobody would ever look again: then stop now. */
static void broker_drain_in(struct broker *b, uint32_t ms)
{
    if (!reactor_timer_start(b->drain_timer, ms))
        reactor_stop(b->reactor);
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
    if (is_done || gone_ms >= b->options->drain_timeout.number)
        reactor_stop(b->reactor);
    else
        broker_drain_in(b, DRAIN_POLL_MS);
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
    core_stop(&b->core);
    monitor_stop(b->monitoring.monitor);
    b->drain_since = reactor_now_ms(b->reactor);
    doors_close(&b->doors);
    sessions_drain(&b->sessions);
    supervisor_stopping(&b->supervisor,
                        b->options->drain_timeout.number + STOP_MARGIN_MS);
    /* Told when it is true: from here on nothing more is accepted. */
    broker_log_stopping(b, signo, "drain");
    broker_drain_in(b, 0);
}

static void broker_on_usr1(void *arg, int signo)
{
    (void)signo;
    broker_log_counters(arg, "stats");
}

static bool broker_open_log(struct broker *b, const struct options *o,
                            char *error)
{
    if (!log_open(&b->log, o->log_file.text)) {
        snprintf(error, BROKER_ERROR_BYTES, "cannot log to %s: %s",
                 o->log_file.text, strerror(errno));
        return false;
    }
    b->log.format = (enum log_format)o->log_format.number;
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

/* Sockets that were passed take the place of the default. */
static bool broker_prepare_doors(struct broker *b, const struct options *o,
                                 char *error)
{
    static const struct option_value none;
    bool is_passed = doors_has_inherited(&b->doors);
    return doors_prepare(&b->doors,
                         is_passed && o->listen.origin.kind == ORIGIN_DEFAULT
                             ? &none
                             : &o->listen,
                         o->socket_mode.number, error, BROKER_ERROR_BYTES);
}

static bool broker_prepare_reload(struct broker *b, struct options *fresh)
{
    char error[BROKER_ERROR_BYTES];
    bool ok = broker_prepare_doors(b, fresh, error);
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
    b->max_connections =
        configure_connections(b->options, b->possible_connections, &b->log);
    if (b->sessions.count >= b->max_connections)
        broker_pause_accept(b, "max_connections");
    else
        broker_resume_accept(b);
}

static void broker_apply_options(struct broker *b, struct options *fresh)
{
    struct options *old = b->options;
    changes_apply(old, fresh, &b->log);
    b->options = fresh;
    b->log.level = (enum log_level)fresh->log_level.number;
    b->budget.limit_bytes = fresh->memory.number;
    struct core_config config = configure_core(b->options);
    core_configure(&b->core, &config);
    b->sessions.config = configure_sessions(fresh, &b->log);
    monitor_set_interval(b->monitoring.monitor,
                         (uint32_t)fresh->monitor_interval.number);
    doors_commit(&b->doors);
    broker_review_accept(b);
    log_always(&b->log, LOG_INFO, "reloaded", LOG_LIST(LOG_NONE));
    options_free(old);
}

static bool broker_reload(struct broker *b)
{
    struct mistakes mistakes = {.report = broker_on_mistake, .arg = b};
    struct options *fresh = options_load(b->arguments, &mistakes);
    if (!fresh) {
        broker_refuse_reload(b, "mistakes");
        return false;
    }
    if (!broker_prepare_reload(b, fresh)) {
        options_free(fresh);
        return false;
    }
    broker_apply_options(b, fresh);
    return true;
}

static void broker_on_hup(void *arg, int signo)
{
    struct broker *b = arg;
    (void)signo;
    if (b->is_draining) {
        broker_refuse_reload(b, "stopping");
        return;
    }
    supervisor_reloading(&b->supervisor);
    /* Whoever has renamed the log counts on it, whatever the options say; and
     * looks for mistakes in the new one. */
    if (b->options->log_file.text)
        (void)log_open(&b->log, b->options->log_file.text);
    bool ok = broker_reload(b);
    supervisor_ready(&b->supervisor,
                     ok ? "serving" : "serving; the last reload failed");
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
    struct core_config config = configure_core(b->options);
    struct core_owner owner = sessions_core_owner(&b->sessions);
    core_init(&b->core, &config, &owner, &b->counters, &b->budget);
    b->has_core = true;
}

static bool broker_init_sessions(struct broker *b, char *error)
{
    struct sessions_config config = configure_sessions(b->options, &b->log);
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
    if (!supervisor_pass_sockets(&b->doors, error, BROKER_ERROR_BYTES) ||
        !broker_prepare_doors(b, b->options, error))
        return false;
    doors_commit(&b->doors);
    return true;
}

static bool broker_open(struct broker *b, char *error)
{
    b->budget.limit_bytes = b->options->memory.number;
    log_init(&b->log, STDERR_FILENO,
             (enum log_level)b->options->log_level.number);
    if (!broker_open_log(b, b->options, error))
        return false;
    b->reactor = reactor_new();
    if (!b->reactor)
        return fail(error, "cannot make an event loop");
    doors_init(&b->doors, b->reactor, &listener_events, b, &b->log);
    if (!supervisor_init(&b->supervisor, b->reactor, &b->log, error,
                         BROKER_ERROR_BYTES))
        return false;
    broker_init_core(b);
    b->drain_timer = reactor_timer_new(b->reactor, broker_on_drain, b);
    if (!b->drain_timer)
        return fail(error, "cannot start");
    if (!broker_init_sessions(b, error) ||
        !descriptors_for_clients(&b->possible_connections, error,
                                 BROKER_ERROR_BYTES) ||
        !broker_open_signals(b, error))
        return false;
    /* Those who watch need some, too. */
    uint64_t watchers = monitoring_descriptors(b->options);
    if (b->possible_connections > watchers)
        b->possible_connections -= watchers;
    b->max_connections =
        configure_connections(b->options, b->possible_connections, &b->log);
    return broker_listen(b, error) &&
           monitoring_open(&b->monitoring, b->options, &b->sessions, error,
                           BROKER_ERROR_BYTES);
}

struct broker *broker_new(struct arguments *a, struct options *o,
                          char error[BROKER_ERROR_BYTES])
{
    struct broker *b = calloc(1, sizeof *b);
    if (!b) {
        fail(error, "cannot start");
        options_free(o);
        return NULL;
    }
    b->arguments = a;
    b->options = o;
    b->supervisor.notify.fd = -1;
    if (broker_open(b, error))
        return b;
    broker_free(b);
    return NULL;
}

void broker_run(struct broker *b)
{
    supervisor_ready(&b->supervisor, "serving");
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
    monitoring_close(&b->monitoring);
    if (b->has_core)
        core_fini(&b->core);
    supervisor_fini(&b->supervisor);
    reactor_timer_free(b->drain_timer);
    for (size_t i = 0; i < SIGNALS; i++)
        reactor_signal_free(b->signals[i]);
    if (b->reactor)
        reactor_free(b->reactor);
    log_fini(&b->log);
    options_free(b->options);
    free(b);
}

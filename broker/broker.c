/* SPDX-License-Identifier: MIT */
#include "broker/broker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/base/budget.h"
#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/configure.h"
#include "broker/control_setup.h"
#include "broker/core/core.h"
#include "broker/descriptors.h"
#include "broker/journal_setup.h"
#include "broker/listeners.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/gauges.h"
#include "broker/monitor/monitor.h"
#include "broker/monitor_setup.h"
#include "broker/net/reactor.h"
#include "broker/options/changes.h"
#include "broker/options/load.h"
#include "broker/options/options.h"
#include "broker/service.h"
#include "broker/session/clients.h"
#include "broker/session/clients_turn.h"
#include "broker/signals.h"
#include "broker/tls_setup.h"
#include "broker/users_setup.h"
#include "common/mistakes.h"
#include "common/sentence.h"

enum {
    STOP_MARGIN_MS = 5000, /* to end, after all was delivered or given up */
    PART_MS = 500,         /* the most, to hear that it was given up */
    SIGNALS = 4,
};

enum broker_state {
    BROKER_RUNNING,
    BROKER_DRAINING,  /* accepts nothing more; delivers what it has */
    BROKER_FINISHING, /* all was delivered; connections are closed in order */
    BROKER_STOPPED,   /* the loop ends after this turn */
};

struct broker {
    struct arguments *arguments; /* read again on SIGHUP */
    struct options *options;
    enum broker_state state;
    struct log log;
    struct counters counters;
    struct budget budget;
    struct core core;
    struct clients clients;
    struct journal_setup journal;
    struct tls_setup tls;
    struct users_setup users;
    struct monitor_setup watched;
    struct control_setup controlled;
    struct reactor *reactor;
    struct listeners listeners;
    struct service service;
    struct reactor_signal *signals[SIGNALS];
    struct reactor_timer *stop_timer;
    uint64_t possible_connections; /* what the limit on open files allows */
    bool has_clients;
    bool is_forced; /* to stop at once */
};

static void broker_measure(void *broker)
{
    struct broker *b = broker;
    journal_setup_measure(&b->journal);
    tls_setup_measure(&b->tls);
}

static void broker_log_counters(struct broker *b, const char *event)
{
    struct log_field fields[COUNTER_TOTAL + 1];
    gauges_update(&b->counters, &b->budget, &b->log);
    broker_measure(b);
    for (size_t i = 0; i < COUNTER_TOTAL; i++)
        fields[i] = LOG_U64(counter_rows[i].name, b->counters.value[i]);
    fields[COUNTER_TOTAL] = (struct log_field){.kind = LOG_END};
    log_always(&b->log, LOG_INFO, event, fields);
}

static void broker_on_usr1(void *arg, int signo)
{
    (void)signo;
    broker_log_counters(arg, "stats");
}

/* Stopping. */

static void broker_stop_now(struct broker *b)
{
    b->state = BROKER_STOPPED;
    reactor_stop(b->reactor);
}

/* The time is over. Clients that are told so get a little more, to hear it. */
static void broker_on_stop_timer(void *arg)
{
    struct broker *b = arg;
    uint64_t part_ms = b->options->drain_timeout.number;
    if (b->state == BROKER_DRAINING && clients_dismiss(&b->clients)) {
        b->state = BROKER_FINISHING;
        if (reactor_timer_start(
                b->stop_timer, part_ms < PART_MS ? (uint32_t)part_ms : PART_MS))
            return;
    }
    broker_stop_now(b);
}

/* Both steps together have --drain-timeout. */
static void broker_drain(struct broker *b)
{
    b->state = BROKER_DRAINING;
    core_stop(&b->core);
    monitor_stop(b->watched.monitor);
    listeners_close(&b->listeners);
    clients_drain(&b->clients);
    service_stopping(&b->service,
                     b->options->drain_timeout.number + STOP_MARGIN_MS);
    if (!reactor_timer_start(b->stop_timer,
                             (uint32_t)b->options->drain_timeout.number))
        broker_stop_now(b);
}

/* Takes the next steps of stopping that this turn has made possible. Returns
 * true when there is more to do at once. */
static bool broker_go_on_stopping(struct broker *b)
{
    if (b->state == BROKER_FINISHING && b->clients.count == 0)
        broker_stop_now(b);
    if (b->state != BROKER_DRAINING || !clients_are_drained(&b->clients))
        return false;
    b->state = BROKER_FINISHING;
    clients_finish(&b->clients);
    return true;
}

static bool broker_end_turn(void *arg)
{
    struct broker *b = arg;
    bool has_work = clients_turn_end(&b->clients);
    if (b->journal.store)
        journal_watch_turn(&b->journal.watch);
    return broker_go_on_stopping(b) || has_work;
}

/* Logged only now: from here on nothing more is accepted. */
static void broker_log_stopping(struct broker *b, int signo, const char *how)
{
    log_event(
        &b->log, LOG_INFO, "stopping", LOG_TEXT("signal", sigabbrev_np(signo)),
        LOG_U64("connections", b->clients.count), LOG_TEXT("reason", how));
}

static void broker_on_stop(void *arg, int signo)
{
    struct broker *b = arg;
    bool is_first = b->state == BROKER_RUNNING;
    b->is_forced = !is_first;
    if (is_first)
        broker_drain(b);
    else
        broker_stop_now(b);
    broker_log_stopping(b, signo, is_first ? "drain" : "now");
}

/* Reloading: first the steps that may fail, then those that cannot. */

static void broker_on_mistake(void *arg, const char *sentence)
{
    struct broker *b = arg;
    log_always(&b->log, LOG_ERROR, "reload_mistake",
               LOG_LIST(LOG_TEXT("what", sentence)));
}

static bool broker_open_log(struct broker *b, const struct options *o,
                            struct sentence *why)
{
    return log_open(&b->log, o->log_file.text) ||
           sentence_fail(why, "cannot log to %s: %s", o->log_file.text,
                         strerror(errno));
}

static bool is_log_elsewhere(const struct options *a, const struct options *b)
{
    const char *x = a->log_file.text, *y = b->log_file.text;
    return strcmp(x ? x : "", y ? y : "") != 0;
}

/* `is_log_open`: whether the log in use is open; if not, `why` has the reason.
 */
static bool broker_prepare(struct broker *b, const struct options *fresh,
                           bool is_log_open, struct sentence *why)
{
    if (!monitor_reload(b->watched.monitor, why) ||
        !listeners_prepare(&b->listeners, fresh, why))
        return false;
    if (is_log_elsewhere(b->options, fresh))
        is_log_open = broker_open_log(b, fresh, why);
    if (is_log_open && tls_setup_reload(&b->tls, fresh, why))
        return true;
    listeners_abort(&b->listeners);
    return false;
}

static void broker_set_log(struct broker *b)
{
    b->log.level = (enum log_level)b->options->log_level.number;
    b->log.format = (enum log_format)b->options->log_format.number;
}

static void broker_limit_connections(struct broker *b)
{
    struct connection_limits limits =
        configure_connections(b->options, b->possible_connections, &b->log);
    listeners_set_limit(&b->listeners, limits.bound, limits.most);
}

/* Takes `fresh`. */
static void broker_apply(struct broker *b, struct options *fresh)
{
    struct options *old = b->options;
    b->options = fresh;
    broker_set_log(b);
    changes_log(old, fresh, &b->log);
    b->budget.limit_bytes = fresh->memory.number;
    struct core_config config = configure_core(fresh);
    core_configure(&b->core, &config);
    struct clients_config clients = configure_clients(fresh, &b->log);
    clients_configure(&b->clients, &clients);
    journal_setup_configure(&b->journal, fresh);
    monitor_set_interval(b->watched.monitor,
                         (uint32_t)fresh->monitor_interval.number);
    tls_setup_use(&b->tls, fresh);
    listeners_commit(&b->listeners);
    broker_limit_connections(b);
    (void)users_setup_use(&b->users, fresh); /* needs no memory again */
    log_always(&b->log, LOG_INFO, "reloaded", LOG_LIST(LOG_NONE));
    options_free(old);
}

static bool broker_reload(struct broker *b, struct sentence *why)
{
    if (b->state != BROKER_RUNNING)
        return sentence_fail(why, "stopping");
    /* Log rotation relies on a new file even if the options have mistakes, and
     * operators look for the mistakes there. */
    bool is_log_open =
        !b->options->log_file.text || broker_open_log(b, b->options, why);
    struct mistakes mistakes = {.report = broker_on_mistake, .arg = b};
    struct options *fresh =
        options_reload(b->arguments, b->options, &b->log, &mistakes);
    if (!fresh)
        return sentence_fail(why, "mistakes");
    configure_secrecy(fresh);
    if (!broker_prepare(b, fresh, is_log_open, why)) {
        changes_swap_fixed(b->options, fresh);
        options_free(fresh);
        return false;
    }
    broker_apply(b, fresh);
    return true;
}

static void broker_on_hup(void *arg, int signo)
{
    struct broker *b = arg;
    struct sentence why;
    (void)signo;
    if (b->state == BROKER_RUNNING)
        service_reloading(&b->service);
    bool ok = broker_reload(b, &why);
    if (!ok)
        log_always(&b->log, LOG_ERROR, "reload_failed",
                   LOG_LIST(LOG_TEXT("why", why.text)));
    if (b->state == BROKER_RUNNING)
        service_ready(&b->service,
                      ok ? "serving" : "serving; the last reload failed");
}

/* Starting. */

/* The signals that are handled. */
static const struct signal_row {
    int signo;
    void (*fire)(void *broker, int signo);
} signal_rows[SIGNALS] = {
    {SIGTERM, broker_on_stop},
    {SIGINT, broker_on_stop},
    {SIGHUP, broker_on_hup},
    {SIGUSR1, broker_on_usr1},
};

static bool broker_open_loop(struct broker *b, struct sentence *why)
{
    b->reactor = reactor_new();
    if (!b->reactor)
        return sentence_fail(why, "cannot make an event loop: %s",
                             strerror(errno));
    b->stop_timer = reactor_timer_new(b->reactor, broker_on_stop_timer, b);
    return b->stop_timer ||
           sentence_fail(why, "cannot start: %s", strerror(errno));
}

static bool broker_open_signals(struct broker *b, struct sentence *why)
{
    signal(SIGPIPE, SIG_IGN);
    signals_ignore_stops();
    for (size_t i = 0; i < SIGNALS; i++) {
        b->signals[i] = reactor_signal_new(b->reactor, signal_rows[i].signo,
                                           signal_rows[i].fire, b);
        if (!b->signals[i])
            return sentence_fail(why, "cannot handle signals: %s",
                                 strerror(errno));
    }
    signals_release();
    return true;
}

static bool broker_open_clients(struct broker *b, struct sentence *why)
{
    struct core_config core = configure_core(b->options);
    struct core_owner owner = clients_turn_core_owner(&b->clients);
    struct clients_config config = configure_clients(b->options, &b->log);
    b->budget.limit_bytes = b->options->memory.number;
    b->has_clients = true;
    core_init(&b->core, &core, &owner, &b->counters, &b->budget);
    if (!clients_init(&b->clients, &config, b->reactor, &b->core, &b->counters,
                      &b->budget, &b->log))
        return sentence_fail(why, "cannot start: %s", strerror(errno));
    if (!tls_setup_open(&b->tls, b->options, b->reactor, &b->budget,
                        &b->counters, &b->log, why))
        return false;
    b->clients.tls = b->tls.tls;
    b->clients.on_closed = listeners_on_closed;
    b->clients.on_closed_arg = &b->listeners;
    return users_setup_open(&b->users, b->options, &b->clients, &b->watched,
                            b->reactor, &b->log) ||
           sentence_fail(why, "cannot start: %s", strerror(errno));
}

static struct broker_view broker_view(struct broker *b)
{
    return (struct broker_view){.reactor = b->reactor,
                                .core = &b->core,
                                .counters = &b->counters,
                                .budget = &b->budget,
                                .log = &b->log,
                                .measure = broker_measure,
                                .measured = b};
}

/* The addresses are logged when all is open: programs that wait for their lines
 * find the local sockets, too. */
static bool broker_open_listeners(struct broker *b, struct sentence *why)
{
    struct broker_view view = broker_view(b);
    struct listeners *listeners = &b->listeners;
    listeners_init(listeners, b->reactor, &b->clients, &b->counters, &b->log);
    broker_limit_connections(b);
    if (!listeners_inherit(listeners, SERVICE_FIRST_SOCKET,
                           service_take_sockets(), why) ||
        !listeners_prepare(listeners, b->options, why) ||
        !control_setup_open(&b->controlled, b->options, &view, &b->clients,
                            listeners, why) ||
        !monitor_setup_open(&b->watched, b->options, &view, &b->clients,
                            listeners, why))
        return false;
    listeners_commit(listeners);
    control_setup_log(&b->controlled);
    return true;
}

static bool broker_start_monitor(struct broker *b, struct sentence *why)
{
    struct broker_view view = broker_view(b);
    struct tries *tries =
        b->options->known ? clients_obtain_tries(&b->clients) : NULL;
    if (b->options->known && !tries)
        return sentence_fail(why, "cannot start: %s", strerror(errno));
    return monitor_setup_start(&b->watched, b->options, &view, b->tls.tls,
                               tries, why);
}

static bool broker_open_journal(struct broker *b, struct sentence *why)
{
    if (b->options->journal.text)
        service_recovering(&b->service);
    return journal_setup_open(&b->journal, b->options, &b->core, b->reactor,
                              &b->counters, &b->log, why);
}

static uint64_t broker_descriptors(const struct broker *b)
{
    return monitor_setup_descriptors(b->options) +
           control_setup_descriptors(b->options) +
           journal_setup_descriptors(b->options);
}

static bool broker_open(struct broker *b, struct sentence *why)
{
    return broker_open_log(b, b->options, why) && broker_open_loop(b, why) &&
           service_init(&b->service, b->reactor, &b->log, why) &&
           broker_open_clients(b, why) &&
           descriptors_for_clients(broker_descriptors(b),
                                   &b->possible_connections, why) &&
           broker_open_journal(b, why) && broker_open_signals(b, why) &&
           broker_open_listeners(b, why) && broker_start_monitor(b, why);
}

struct broker *broker_new(struct arguments *a, struct options *o,
                          struct sentence *why)
{
    struct broker *b = calloc(1, sizeof *b);
    if (!b) {
        sentence_fail(why, "cannot start: %s", strerror(errno));
        options_free(o);
        return NULL;
    }
    b->arguments = a;
    b->options = o;
    b->service.fd = -1;
    log_init(&b->log, STDERR_FILENO, LOG_INFO);
    broker_set_log(b);
    signals_hold();
    configure_secrecy(o);
    if (broker_open(b, why))
        return b;
    /* Its thread may have been started. */
    (void)journal_setup_stop(&b->journal, INT32_MAX, -1);
    broker_free(b);
    return NULL;
}

/* What is confirmed is on disk already; the rest gets the time that clients
 * had. If the disk does not answer in that time, or the operator asks to stop
 * at once, the store is left as a kill would leave it. */
static bool broker_stop_journal(struct broker *b)
{
    uint64_t ms = b->is_forced ? 0 : b->options->drain_timeout.number;
    int enough = signals_next_stop();
    bool is_whole = journal_setup_stop(&b->journal, ms, enough);
    int signo = signals_end_stop(enough);
    if (signo > 0) {
        b->is_forced = true;
        broker_log_stopping(b, signo, "now");
    }
    if (!is_whole)
        log_event(&b->log, b->is_forced ? LOG_INFO : LOG_ERROR, "journal_left",
                  LOG_U64("waited_ms", ms));
    return is_whole;
}

bool broker_run(struct broker *b)
{
    service_ready(&b->service, "serving");
    reactor_run(b->reactor, broker_end_turn, b);
    clients_close_all(&b->clients);
    bool is_whole = broker_stop_journal(b);
    bool is_ok = !b->journal.has_failed && (is_whole || b->is_forced);
    if (is_whole)
        core_purge(&b->core);
    broker_log_counters(b, "stopped");
    if (!is_whole) /* its thread still uses memory of the core */
        _exit(is_ok ? EXIT_SUCCESS : EXIT_FAILURE);
    return is_ok;
}

void broker_free(struct broker *b)
{
    listeners_close(&b->listeners);
    control_setup_close(&b->controlled);
    monitor_setup_close(&b->watched);
    if (b->has_clients)
        clients_fini(&b->clients);
    tls_setup_close(&b->tls);
    users_setup_close(&b->users);
    journal_setup_close(&b->journal);
    if (b->has_clients)
        core_fini(&b->core);
    service_fini(&b->service);
    for (size_t i = 0; i < SIGNALS; i++)
        reactor_signal_free(b->signals[i]);
    reactor_timer_free(b->stop_timer);
    if (b->reactor)
        reactor_free(b->reactor);
    log_fini(&b->log);
    options_free(b->options);
    free(b);
}

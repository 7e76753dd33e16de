/* SPDX-License-Identifier: MIT */
#include "broker/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/net/listener.h"
#include "broker/session/clients.h"
#include "common/address.h"
#include "common/sentence.h"

/* Accepting. */

static void listeners_pause(struct listeners *ls)
{
    if (ls->is_paused)
        return;
    ls->is_paused = true;
    ls->clients->wants_descriptor = true;
    counter_add(ls->counters, COUNT_accept_pauses, 1);
    log_event(ls->log, LOG_WARNING, "accept_paused",
              LOG_TEXT("reason", "max_connections"),
              LOG_U64("connections", ls->clients->count),
              LOG_U64("paused_publishers",
                      ls->counters->value[COUNT_paused_publishers]));
    for (size_t i = 0; i < ls->count; i++)
        for (struct listener *l = ls->all[i].chain; l; l = listener_next(l))
            listener_pause(l);
}

static void listeners_resume(struct listeners *ls)
{
    if (!ls->is_paused)
        return;
    ls->is_paused = false;
    ls->clients->wants_descriptor = false;
    log_event(ls->log, LOG_INFO, "accept_resumed",
              LOG_U64("connections", ls->clients->count));
    for (size_t i = 0; i < ls->count; i++)
        for (struct listener *l = ls->all[i].chain; l; l = listener_next(l))
            listener_resume(l);
}

void listeners_set_limit(struct listeners *ls, uint32_t bound,
                         uint32_t max_connections)
{
    ls->clients->bound = bound;
    ls->max_connections = max_connections;
    if (ls->clients->count >= max_connections)
        listeners_pause(ls);
    else
        listeners_resume(ls);
}

void listeners_on_closed(void *listeners)
{
    struct listeners *ls = listeners;
    if (ls->is_paused && ls->clients->count >= ls->max_connections)
        ls->clients->wants_descriptor = true; /* the limit was lowered */
    else
        listeners_resume(ls);
}

static void listeners_on_accept(void *owner, int fd,
                                const struct sockaddr *peer, socklen_t length)
{
    struct listeners *ls = owner;
    ls->is_failing = false;
    ls->clients->wants_descriptor = false;
    clients_add(ls->clients, fd, peer, length);
    if (ls->clients->count >= ls->max_connections)
        listeners_pause(ls);
}

/* The listener retries by itself, so one line is enough. */
static void listeners_on_error(void *owner, int err)
{
    struct listeners *ls = owner;
    counter_add(ls->counters, COUNT_accept_pauses, 1);
    if (err == EMFILE || err == ENFILE)
        ls->clients->wants_descriptor = true;
    if (ls->is_failing)
        return;
    ls->is_failing = true;
    log_event(ls->log, LOG_WARNING, "accept_failed",
              LOG_TEXT("reason", strerrorname_np(err)),
              LOG_U64("connections", ls->clients->count));
}

static const struct listener_events listener_events = {listeners_on_accept,
                                                       listeners_on_error};

void listeners_init(struct listeners *ls, struct reactor *r,
                    struct clients *clients, struct counters *counters,
                    struct log *log)
{
    *ls = (struct listeners){
        .reactor = r, .clients = clients, .counters = counters, .log = log};
}

/* One entry. */

static void entry_log_opened(const struct listeners_entry *e, struct log *log)
{
    for (struct listener *l = e->chain; l; l = listener_next(l))
        log_event(log, LOG_INFO, "listening",
                  LOG_TEXT("addr", listener_address(l)));
}

static void entry_close(struct listeners_entry *e)
{
    while (e->chain)
        e->chain = listener_close(e->chain);
    free(e->text);
}

/* Logs each address once it is closed. */
static void entry_end(struct listeners_entry *e, struct log *log)
{
    char address[SLUICE_ADDRESS_TEXT_BYTES];
    while (e->chain) {
        snprintf(address, sizeof address, "%s", listener_address(e->chain));
        e->chain = listener_close(e->chain);
        log_event(log, LOG_INFO, "listening_ended", LOG_TEXT("addr", address));
    }
}

/* The set. */

/* Closes an entry; the others keep their order. */
static void listeners_remove(struct listeners *ls, size_t i)
{
    entry_close(&ls->all[i]);
    ls->count--;
    memmove(&ls->all[i], &ls->all[i + 1], (ls->count - i) * sizeof *ls->all);
}

/* Whether two texts mean one address, one with the default port and one without
 * a port, for example. Names are not resolved. */
static bool is_same_address(const char *x, const char *y)
{
    struct sluice_address a, b;
    return strcmp(x, y) == 0 ||
           (sluice_address_parse(x, SLUICE_DEFAULT_PORT, &a) &&
            sluice_address_parse(y, SLUICE_DEFAULT_PORT, &b) &&
            a.is_unix == b.is_unix && strcmp(a.host, b.host) == 0 &&
            strcmp(a.port, b.port) == 0);
}

/* An entry not matched yet: `host:0` given twice means two listeners. */
static struct listeners_entry *listeners_find(struct listeners *ls,
                                              const char *text)
{
    for (size_t i = 0; i < ls->count; i++)
        if (!ls->all[i].is_wanted && is_same_address(ls->all[i].text, text))
            return &ls->all[i];
    return NULL;
}

/* Takes `chain` even when it fails. */
static bool listeners_add(struct listeners *ls, const char *text,
                          struct listener *chain, bool is_inherited,
                          struct sentence *why)
{
    struct listeners_entry e = {.text = strdup(text),
                                .chain = chain,
                                .is_inherited = is_inherited,
                                .is_new = true,
                                .is_wanted = true};
    if (!e.text || ls->count == LISTENERS_MAX) {
        sentence_fail(why, "cannot listen on %s: %s", text,
                      e.text ? "there are too many addresses"
                             : strerror(ENOMEM));
        entry_close(&e);
        return false;
    }
    for (struct listener *l = chain; ls->is_paused && l; l = listener_next(l))
        listener_pause(l);
    ls->all[ls->count++] = e;
    return true;
}

static bool listeners_inherit_one(struct listeners *ls, int fd,
                                  struct sentence *why)
{
    struct listener *l = listener_adopt(ls->reactor, fd, &listener_events, ls);
    if (!l && errno == ENOMEM)
        return sentence_fail(why, "cannot listen on descriptor %d: %s", fd,
                             strerror(errno));
    if (!l)
        return sentence_fail(why, "descriptor %d is not a listening socket",
                             fd);
    return listeners_add(ls, listener_address(l), l, true, why);
}

bool listeners_inherit(struct listeners *ls, int first, int count,
                       struct sentence *why)
{
    if (count > LISTENERS_INHERITED_MAX)
        return sentence_fail(
            why, "LISTEN_FDS: %d sockets are too many, %d are the most", count,
            LISTENERS_INHERITED_MAX);
    for (int i = 0; i < count; i++)
        if (!listeners_inherit_one(ls, first + i, why))
            return false;
    return true;
}

static bool listeners_open(struct listeners *ls, const char *text,
                           struct sentence *why)
{
    struct listener *chain = NULL;
    return listener_open(ls->reactor, text, SLUICE_DEFAULT_PORT,
                         &listener_events, ls, &chain, why) &&
           listeners_add(ls, text, chain, false, why);
}

static bool listeners_open_all(struct listeners *ls,
                               const struct option_value *listen,
                               struct sentence *why)
{
    for (size_t i = 0; i < listen->count; i++) {
        struct listeners_entry *e = listeners_find(ls, listen->texts[i]);
        if (e)
            e->is_wanted = true;
        else if (!listeners_open(ls, listen->texts[i], why))
            return false;
    }
    return true;
}

static bool listeners_has_inherited(const struct listeners *ls)
{
    for (size_t i = 0; i < ls->count; i++)
        if (ls->all[i].is_inherited)
            return true;
    return false;
}

bool listeners_prepare(struct listeners *ls, const struct options *o,
                       struct sentence *why)
{
    for (size_t i = 0; i < ls->count; i++)
        ls->all[i].is_wanted = false;
    /* Inherited sockets replace the default address. */
    if (o->listen.origin.kind == ORIGIN_DEFAULT && listeners_has_inherited(ls))
        return true;
    /* A unix socket has its mode from the moment it becomes visible. */
    mode_t mask = umask(~(mode_t)o->socket_mode.number & 0777);
    bool ok = listeners_open_all(ls, &o->listen, why);
    umask(mask);
    if (!ok)
        listeners_abort(ls);
    return ok;
}

void listeners_commit(struct listeners *ls)
{
    for (size_t i = ls->count; i-- > 0;) {
        struct listeners_entry *e = &ls->all[i];
        if (e->is_wanted || e->is_inherited)
            continue;
        entry_end(e, ls->log);
        listeners_remove(ls, i);
    }
    for (size_t i = 0; i < ls->count; i++) {
        if (ls->all[i].is_new)
            entry_log_opened(&ls->all[i], ls->log);
        ls->all[i].is_new = false;
    }
}

void listeners_abort(struct listeners *ls)
{
    for (size_t i = ls->count; i-- > 0;)
        if (ls->all[i].is_new && !ls->all[i].is_inherited)
            listeners_remove(ls, i);
}

const char *listeners_first(const struct listeners *ls, bool is_unix)
{
    static const char prefix[] = "unix:";
    for (size_t i = 0; i < ls->count; i++)
        for (struct listener *l = ls->all[i].chain; l; l = listener_next(l)) {
            const char *text = listener_address(l);
            if (*text &&
                (strncmp(text, prefix, strlen(prefix)) == 0) == is_unix)
                return text;
        }
    return NULL;
}

void listeners_close(struct listeners *ls)
{
    while (ls->count > 0)
        listeners_remove(ls, ls->count - 1);
    ls->is_paused = false; /* there is nothing to resume any more */
}

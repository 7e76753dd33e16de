/* SPDX-License-Identifier: MIT */
#include "broker/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/core/core.h"
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
        for (struct listener *l = ls->all[i]->chain; l; l = listener_next(l))
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
        for (struct listener *l = ls->all[i]->chain; l; l = listener_next(l))
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

static struct demands demands_of(const struct door *d)
{
    return (struct demands){.may_use_tls = d->tls != DOOR_TLS_NONE,
                            .must_use_tls = d->tls == DOOR_TLS_REQUIRED,
                            .must_be_known = d->auth != DOOR_AUTH_NONE,
                            .may_use_v1 = d->takes_v1};
}

static void listeners_on_accept(void *owner, int fd,
                                const struct sockaddr *peer, socklen_t length)
{
    const struct listeners_entry *e = owner;
    struct listeners *ls = e->set;
    ls->is_failing = false;
    ls->clients->wants_descriptor = false;
    clients_add(ls->clients, fd, peer, length, demands_of(&e->door));
    if (ls->clients->count >= ls->max_connections)
        listeners_pause(ls);
}

/* The listener retries by itself, so one line is enough. */
static void listeners_on_error(void *owner, int err)
{
    const struct listeners_entry *e = owner;
    struct listeners *ls = e->set;
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

/* An entry without listeners. NULL without memory. */
static struct listeners_entry *entry_new(struct listeners *ls,
                                         const struct door *door)
{
    struct listeners_entry *e = calloc(1, sizeof *e);
    char *address = strdup(door->address);
    if (!e || !address) {
        free(e);
        free(address);
        return NULL;
    }
    *e = (struct listeners_entry){.set = ls,
                                  .address = address,
                                  .door = *door,
                                  .fresh = *door,
                                  .is_new = true,
                                  .is_wanted = true};
    return e;
}

static void entry_free(struct listeners_entry *e)
{
    while (e->chain)
        e->chain = listener_close(e->chain);
    free(e->address);
    free(e);
}

/* What is demanded where other machines can connect, if it is not all. */
static void entry_log_demands(const struct listeners_entry *e, struct log *log)
{
    bool is_safe = e->door.is_local || (e->door.tls == DOOR_TLS_REQUIRED &&
                                        e->door.auth == DOOR_AUTH_REQUIRED);
    if (!is_safe)
        log_event(log, LOG_WARNING, "unprotected", LOG_TEXT("addr", e->address),
                  LOG_TEXT("tls", door_tls_word(&e->door)),
                  LOG_TEXT("auth", door_auth_word(&e->door)));
}

static void entry_log_opened(const struct listeners_entry *e, struct log *log)
{
    for (struct listener *l = e->chain; l; l = listener_next(l))
        log_event(log, LOG_INFO, "listening",
                  LOG_TEXT("addr", listener_address(l)));
    entry_log_demands(e, log);
}

/* Other words behind the same address. */
static void entry_change(struct listeners_entry *e, struct log *log)
{
    bool is_same = e->door.tls == e->fresh.tls &&
                   e->door.auth == e->fresh.auth &&
                   e->door.takes_v1 == e->fresh.takes_v1;
    e->door = e->fresh;
    if (is_same)
        return;
    log_event(log, LOG_INFO, "demands_changed", LOG_TEXT("addr", e->address),
              LOG_TEXT("tls", door_tls_word(&e->door)),
              LOG_TEXT("auth", door_auth_word(&e->door)),
              LOG_TEXT("v1", e->door.takes_v1 ? "yes" : "no"));
    entry_log_demands(e, log);
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
    entry_free(ls->all[i]);
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
                                              const char *address)
{
    for (size_t i = 0; i < ls->count; i++)
        if (!ls->all[i]->is_wanted &&
            is_same_address(ls->all[i]->address, address))
            return ls->all[i];
    return NULL;
}

/* Takes `e`, and what it listens with. */
static bool listeners_add(struct listeners *ls, struct listeners_entry *e,
                          struct sentence *why)
{
    if (ls->count == LISTENERS_MAX) {
        sentence_fail(why, "cannot listen on %s: there are too many addresses",
                      e->address);
        entry_free(e);
        return false;
    }
    for (struct listener *l = e->chain; l; l = listener_next(l)) {
        listener_reset_on_kill(l, core_has_store(ls->clients->core));
        if (ls->is_paused)
            listener_pause(l);
    }
    ls->all[ls->count++] = e;
    return true;
}

/* What it demands is decided when it is known whether the options name it. */
static bool listeners_inherit_one(struct listeners *ls, int fd,
                                  struct sentence *why)
{
    struct door nowhere = door_of_socket("");
    struct listeners_entry *e = entry_new(ls, &nowhere);
    if (e)
        e->chain = listener_adopt(ls->reactor, fd, &listener_events, e);
    if (!e || (!e->chain && errno == ENOMEM)) {
        sentence_fail(why, "cannot listen on descriptor %d: %s", fd,
                      strerror(ENOMEM));
    } else if (!e->chain) {
        sentence_fail(why, "descriptor %d is not a listening socket", fd);
    } else {
        free(e->address);
        e->address = strdup(listener_address(e->chain));
        e->is_inherited = true;
        if (e->address)
            return listeners_add(ls, e, why);
        sentence_fail(why, "cannot listen on descriptor %d: %s", fd,
                      strerror(ENOMEM));
    }
    if (e)
        entry_free(e);
    return false;
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

static bool listeners_open(struct listeners *ls, const struct door *door,
                           struct sentence *why)
{
    struct listeners_entry *e = entry_new(ls, door);
    if (!e)
        return sentence_fail(why, "cannot listen on %s: %s", door->address,
                             strerror(ENOMEM));
    if (listener_open(ls->reactor, e->address, SLUICE_DEFAULT_PORT,
                      &listener_events, e, &e->chain, why))
        return listeners_add(ls, e, why);
    entry_free(e);
    return false;
}

static bool listeners_open_all(struct listeners *ls, const struct options *o,
                               struct sentence *why)
{
    for (size_t i = 0; i < o->listen.count; i++) {
        struct door door;
        if (!door_parse(DOOR_LISTEN, o->listen.texts[i], &door, why) ||
            !door_decide(&door, o, why))
            return false; /* the options were checked */
        struct listeners_entry *e = listeners_find(ls, door.address);
        if (!e && !listeners_open(ls, &door, why))
            return false;
        if (e) {
            e->is_wanted = true;
            e->fresh = door;
        }
    }
    return true;
}

/* Inherited sockets that the options do not name have no words. */
static bool listeners_decide_inherited(struct listeners *ls,
                                       const struct options *o,
                                       struct sentence *why)
{
    for (size_t i = 0; i < ls->count; i++) {
        struct listeners_entry *e = ls->all[i];
        if (e->is_wanted || !e->is_inherited)
            continue;
        e->fresh = door_of_socket(e->address);
        if (!door_decide(&e->fresh, o, why))
            return false;
    }
    return true;
}

static bool listeners_has_inherited(const struct listeners *ls)
{
    for (size_t i = 0; i < ls->count; i++)
        if (ls->all[i]->is_inherited)
            return true;
    return false;
}

bool listeners_prepare(struct listeners *ls, const struct options *o,
                       struct sentence *why)
{
    for (size_t i = 0; i < ls->count; i++)
        ls->all[i]->is_wanted = false;
    /* Inherited sockets replace the default address. */
    bool is_replaced =
        o->listen.origin.kind == ORIGIN_DEFAULT && listeners_has_inherited(ls);
    /* A unix socket has its mode from the moment it becomes visible. */
    mode_t mask = umask(~(mode_t)o->socket_mode.number & 0777);
    bool ok = (is_replaced || listeners_open_all(ls, o, why)) &&
              listeners_decide_inherited(ls, o, why);
    umask(mask);
    if (!ok)
        listeners_abort(ls);
    return ok;
}

void listeners_commit(struct listeners *ls)
{
    for (size_t i = ls->count; i-- > 0;) {
        struct listeners_entry *e = ls->all[i];
        if (e->is_wanted || e->is_inherited)
            continue;
        entry_end(e, ls->log);
        listeners_remove(ls, i);
    }
    for (size_t i = 0; i < ls->count; i++) {
        struct listeners_entry *e = ls->all[i];
        if (e->is_new) {
            e->door = e->fresh;
            entry_log_opened(e, ls->log);
        }
        entry_change(e, ls->log);
        e->is_new = false;
    }
}

void listeners_abort(struct listeners *ls)
{
    for (size_t i = ls->count; i-- > 0;)
        if (ls->all[i]->is_new && !ls->all[i]->is_inherited)
            listeners_remove(ls, i);
}

const char *listeners_first(const struct listeners *ls, bool is_unix)
{
    static const char prefix[] = "unix:";
    for (size_t i = 0; i < ls->count; i++)
        for (struct listener *l = ls->all[i]->chain; l; l = listener_next(l)) {
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

/* SPDX-License-Identifier: MIT */
#include "broker/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/base/log.h"
#include "broker/net/listener.h"
#include "common/address.h"
#include "common/sentence.h"

void listeners_init(struct listeners *ls, struct reactor *r,
                    const struct listener_events *events, void *owner,
                    struct log *log)
{
    *ls = (struct listeners){
        .reactor = r, .events = events, .owner = owner, .log = log};
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

/* An entry not matched yet: `host:0` given twice means two listeners. */
static struct listeners_entry *listeners_find(struct listeners *ls,
                                              const char *text)
{
    for (size_t i = 0; i < ls->count; i++)
        if (!ls->all[i].is_wanted && strcmp(ls->all[i].text, text) == 0)
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
    struct listener *l = listener_adopt(ls->reactor, fd, ls->events, ls->owner);
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
    return listener_open(ls->reactor, text, SLUICE_DEFAULT_PORT, ls->events,
                         ls->owner, &chain, why->text) &&
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
    /* Sockets that were passed take the place of the default. */
    if (o->listen.origin.kind == ORIGIN_DEFAULT && listeners_has_inherited(ls))
        return true;
    /* A unix socket has its mode from the moment that it can be seen. */
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

void listeners_pause(struct listeners *ls)
{
    ls->is_paused = true;
    for (size_t i = 0; i < ls->count; i++)
        for (struct listener *l = ls->all[i].chain; l; l = listener_next(l))
            listener_pause(l);
}

void listeners_resume(struct listeners *ls)
{
    ls->is_paused = false;
    for (size_t i = 0; i < ls->count; i++)
        for (struct listener *l = ls->all[i].chain; l; l = listener_next(l))
            listener_resume(l);
}

void listeners_close(struct listeners *ls)
{
    while (ls->count > 0)
        listeners_remove(ls, ls->count - 1);
}

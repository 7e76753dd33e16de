/* SPDX-License-Identifier: MIT */
#include "broker/doors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/base/log.h"
#include "broker/net/listener.h"
#include "common/address.h"

void doors_init(struct doors *d, struct reactor *r,
                const struct listener_events *events, void *owner,
                struct log *log)
{
    *d = (struct doors){
        .reactor = r, .events = events, .owner = owner, .log = log};
}

static void doors_tell_opened(struct doors *d, const struct door *door)
{
    struct listener *l = door->listeners;
    for (; l; l = listener_next(l))
        log_event(d->log, LOG_INFO, "listening",
                  LOG_TEXT("addr", listener_address(l)));
}

/* Told when it is true. */
static void doors_end(struct doors *d, struct door *door)
{
    char address[SLUICE_ADDRESS_TEXT_BYTES];
    while (door->listeners) {
        snprintf(address, sizeof address, "%s",
                 listener_address(door->listeners));
        door->listeners = listener_close(door->listeners);
        log_event(d->log, LOG_INFO, "listening_ended",
                  LOG_TEXT("addr", address));
    }
}

static void door_close(struct door *door)
{
    while (door->listeners)
        door->listeners = listener_close(door->listeners);
    free(door->text);
    door->text = NULL;
}

/* The others keep their order. */
static void doors_remove(struct doors *d, size_t i)
{
    door_close(&d->all[i]);
    d->count--;
    memmove(&d->all[i], &d->all[i + 1], (d->count - i) * sizeof *d->all);
}

/* One that is not spoken for: port 0 may be given twice, for two of them. */
static struct door *doors_find(struct doors *d, const char *text)
{
    for (size_t i = 0; i < d->count; i++)
        if (!d->all[i].is_wanted && strcmp(d->all[i].text, text) == 0)
            return &d->all[i];
    return NULL;
}

static bool doors_add(struct doors *d, const char *text,
                      struct listener *listeners, char *error, size_t room)
{
    struct door door = {.text = strdup(text),
                        .listeners = listeners,
                        .is_new = true,
                        .is_wanted = true};
    if (!door.text || d->count == DOORS_MAX) {
        const char *why =
            door.text ? "there are too many addresses" : strerror(ENOMEM);
        snprintf(error, room, "cannot listen on %s: %s", text, why);
        door_close(&door);
        return false;
    }
    for (struct listener *l = listeners; d->is_paused && l;
         l = listener_next(l))
        listener_pause(l);
    d->all[d->count++] = door;
    return true;
}

bool doors_inherit(struct doors *d, int fd, char *error, size_t room)
{
    struct listener *l = listener_adopt(d->reactor, fd, d->events, d->owner);
    if (!l && errno == ENOMEM) {
        snprintf(error, room, "cannot listen on descriptor %d: %s", fd,
                 strerror(errno));
        return false;
    }
    if (!l) {
        snprintf(error, room, "descriptor %d is not a listening socket", fd);
        return false;
    }
    if (!doors_add(d, listener_address(l), l, error, room))
        return false;
    d->all[d->count - 1].is_inherited = true;
    return true;
}

bool doors_has_inherited(const struct doors *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->all[i].is_inherited)
            return true;
    return false;
}

static bool doors_open(struct doors *d, const char *text, char *error,
                       size_t room)
{
    struct listener *listeners = NULL;
    char why[LISTENER_ERROR_BYTES];
    if (!listener_open(d->reactor, text, SLUICE_DEFAULT_PORT, d->events,
                       d->owner, &listeners, why)) {
        snprintf(error, room, "%s", why);
        return false;
    }
    return doors_add(d, text, listeners, error, room);
}

static bool doors_open_all(struct doors *d, const struct option_value *list,
                           char *error, size_t room)
{
    for (size_t i = 0; i < list->count; i++) {
        struct door *door = doors_find(d, list->texts[i]);
        if (door)
            door->is_wanted = true;
        else if (!doors_open(d, list->texts[i], error, room))
            return false;
    }
    return true;
}

bool doors_prepare(struct doors *d, const struct option_value *list,
                   uint64_t socket_mode, char *error, size_t room)
{
    for (size_t i = 0; i < d->count; i++)
        d->all[i].is_wanted = false;
    /* A unix socket has its mode from the moment that it can be seen. */
    mode_t mask = umask(~(mode_t)socket_mode & 0777);
    bool ok = doors_open_all(d, list, error, room);
    umask(mask);
    if (!ok)
        doors_abort(d);
    return ok;
}

void doors_commit(struct doors *d)
{
    for (size_t i = d->count; i-- > 0;) {
        struct door *door = &d->all[i];
        if (door->is_wanted || door->is_inherited)
            continue;
        doors_end(d, door);
        doors_remove(d, i);
    }
    for (size_t i = 0; i < d->count; i++) {
        if (d->all[i].is_new)
            doors_tell_opened(d, &d->all[i]);
        d->all[i].is_new = false;
    }
}

void doors_abort(struct doors *d)
{
    for (size_t i = d->count; i-- > 0;)
        if (d->all[i].is_new && !d->all[i].is_inherited)
            doors_remove(d, i);
}

void doors_pause(struct doors *d)
{
    d->is_paused = true;
    for (size_t i = 0; i < d->count; i++)
        for (struct listener *l = d->all[i].listeners; l; l = listener_next(l))
            listener_pause(l);
}

void doors_resume(struct doors *d)
{
    d->is_paused = false;
    for (size_t i = 0; i < d->count; i++)
        for (struct listener *l = d->all[i].listeners; l; l = listener_next(l))
            listener_resume(l);
}

void doors_close(struct doors *d)
{
    while (d->count > 0)
        doors_remove(d, d->count - 1);
}

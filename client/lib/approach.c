/* SPDX-License-Identifier: MIT */
#include "client/lib/approach.h"

#include "common/address.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* All addresses of a host together, as long as each has a second. */
enum { APPROACH_ALL_MS = 10000, APPROACH_LEAST_MS = 1000 };

void sluice_approach_end(struct sluice_approach *a)
{
    if (a->fd >= 0)
        close(a->fd);
    if (a->all)
        freeaddrinfo(a->all);
    *a = (struct sluice_approach){.fd = -1};
}

static enum sluice_error approach_fail(struct sluice_approach *a,
                                       const char *address, int error,
                                       struct sluice_failure *why)
{
    sluice_approach_end(a);
    return sluice_failure_set(
        why, error == ENOMEM ? SLUICE_NO_MEMORY : SLUICE_UNREACHABLE,
        "cannot connect to %.255s: %s", address, strerror(error));
}

/* The socket is the caller's, ready for use. */
static enum sluice_error approach_arrive(struct sluice_approach *a,
                                         const char *address,
                                         struct sluice_failure *why)
{
    if (!sluice_dial_prepare(a->fd))
        return approach_fail(a, address, errno, why);
    int fd = a->fd;
    a->fd = -1;
    sluice_approach_end(a);
    a->fd = fd;
    return SLUICE_OK;
}

/* From a->at on, until an address does not fail at once. `error` is why those
 * before it failed. */
static enum sluice_error approach_try(struct sluice_approach *a,
                                      const char *address, int error,
                                      struct sluice_failure *why)
{
    for (; a->at; a->at = a->at->ai_next) {
        a->fd = socket(a->at->ai_family,
                       a->at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                       a->at->ai_protocol);
        if (a->fd >= 0 && a->room != SLUICE_DIAL_USUAL)
            sluice_dial_set_room(a->fd, a->room);
        if (a->fd >= 0 &&
            connect(a->fd, a->at->ai_addr, a->at->ai_addrlen) == 0)
            return approach_arrive(a, address, why);
        error = errno;
        if (a->fd >= 0 && error == EINPROGRESS) {
            a->due = sluice_deadline_in(a->each_ms);
            return SLUICE_AGAIN;
        }
        if (a->fd >= 0)
            close(a->fd);
        a->fd = -1;
    }
    return approach_fail(a, address, error, why);
}

static enum sluice_error approach_next(struct sluice_approach *a,
                                       const char *address, int error,
                                       struct sluice_failure *why)
{
    close(a->fd);
    a->fd = -1;
    a->at = a->at->ai_next;
    return approach_try(a, address, error, why);
}

enum sluice_error sluice_approach_continue(struct sluice_approach *a,
                                           const char *address,
                                           struct sluice_failure *why)
{
    struct pollfd waiting = {.fd = a->fd, .events = POLLOUT};
    if (poll(&waiting, 1, 0) <= 0) {
        if (sluice_deadline_left(a->due) > 0)
            return SLUICE_AGAIN;
        return approach_next(a, address, ETIMEDOUT, why);
    }
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    return error == 0 ? approach_arrive(a, address, why)
                      : approach_next(a, address, error, why);
}

static enum sluice_error approach_host(struct sluice_approach *a,
                                       const char *text,
                                       const struct sluice_address *address,
                                       struct sluice_failure *why)
{
    int error = sluice_address_resolve(address, false, &a->all);
    if (error != 0) {
        const char *reason =
            error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
        a->all = NULL;
        return sluice_failure_set(why, SLUICE_UNRESOLVED,
                                  "cannot find the host of %.255s: %s", text,
                                  reason);
    }
    int addresses = 0;
    for (const struct addrinfo *to = a->all; to; to = to->ai_next)
        addresses++;
    a->each_ms = APPROACH_ALL_MS / (addresses > 0 ? addresses : 1);
    if (a->each_ms < APPROACH_LEAST_MS)
        a->each_ms = APPROACH_LEAST_MS;
    a->at = a->all;
    return approach_try(a, text, ENOENT, why);
}

/* Connecting to a unix socket never takes time, but its sentences do. */
enum sluice_error sluice_approach_begin(struct sluice_approach *a,
                                        const char *address,
                                        enum sluice_dial_room room,
                                        struct sluice_failure *why)
{
    struct sluice_address parsed;
    *a = (struct sluice_approach){.fd = -1, .room = room};
    if (!sluice_address_parse(address, SLUICE_DEFAULT_PORT, &parsed) ||
        !sluice_address_is_peer(&parsed) || parsed.is_unix)
        return sluice_dial(address, SLUICE_DEADLINE_NOW, room, &a->fd, why);
    return approach_host(a, address, &parsed, why);
}

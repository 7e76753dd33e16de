/* SPDX-License-Identifier: MIT */
#include "client/lib/dial.h"

#include "client/lib/permission.h"
#include "client/sluice.h"
#include "common/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A broker host that has vanished is noticed after about a minute. */
enum { DIAL_KEEP_IDLE_S = 30, DIAL_KEEP_EVERY_S = 10, DIAL_KEEP_TRIES = 3 };

/* Bytes of a receive buffer. The system has a least one, and takes that. */
static const int dial_rooms[] = {
    [SLUICE_DIAL_USUAL] = 256 << 10,
    [SLUICE_DIAL_LITTLE] = 1,
};

static void dial_set(int fd, int level, int name, int value)
{
    /* A socket that refuses such an option works without it. */
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

void sluice_dial_set_room(int fd, enum sluice_dial_room room)
{
    dial_set(fd, SOL_SOCKET, SO_RCVBUF, dial_rooms[room]);
}

bool sluice_dial_prepare(int fd)
{
    int type;
    socklen_t length = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0)
        return false;
    if (type != SOCK_STREAM) {
        errno = ESOCKTNOSUPPORT;
        return false;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return false;
    dial_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    dial_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    dial_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, DIAL_KEEP_IDLE_S);
    dial_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, DIAL_KEEP_EVERY_S);
    dial_set(fd, IPPROTO_TCP, TCP_KEEPCNT, DIAL_KEEP_TRIES);
    return true;
}

/* Waits for a connect() under way. 0, or the errno it ended with. */
static int dial_await(int fd, sluice_deadline deadline)
{
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    int ready = poll(&waiting, 1, sluice_deadline_left(deadline));
    if (ready < 0)
        return errno;
    if (ready == 0)
        return ETIMEDOUT;
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return errno;
    return error;
}

/* Connects one address; the socket, or -1 with errno. */
static int dial_inet(const struct addrinfo *to, sluice_deadline deadline,
                     enum sluice_dial_room room)
{
    int fd =
        socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
               to->ai_protocol);
    if (fd < 0)
        return -1;
    if (room !=
        SLUICE_DIAL_USUAL) /* which the system adapts while it is used */
        sluice_dial_set_room(fd, room);
    int error = 0;
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0)
        error = errno == EINPROGRESS ? dial_await(fd, deadline) : errno;
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

/* One address that does not answer must leave time for those after it. */
static sluice_deadline dial_share(sluice_deadline deadline,
                                  const struct addrinfo *to)
{
    if (deadline == SLUICE_DEADLINE_NEVER || deadline == SLUICE_DEADLINE_NOW)
        return deadline;
    int addresses = 0;
    for (; to; to = to->ai_next)
        addresses++;
    return sluice_deadline_clock() + sluice_deadline_left(deadline) / addresses;
}

static enum sluice_error dial_fail(const char *text, int error,
                                   struct sluice_failure *why)
{
    enum sluice_error code = error == ETIMEDOUT ? SLUICE_TIMEOUT
                             : error == EINTR   ? SLUICE_INTERRUPTED
                             : error == ENOMEM  ? SLUICE_NO_MEMORY
                                                : SLUICE_UNREACHABLE;
    return sluice_failure_set(why, code, "cannot connect to %.255s: %s", text,
                              strerror(error));
}

static enum sluice_error dial_host(const char *text,
                                   const struct sluice_address *address,
                                   sluice_deadline deadline,
                                   enum sluice_dial_room room, int *fd,
                                   struct sluice_failure *why)
{
    struct addrinfo *all = NULL;
    int error = sluice_address_resolve(address, false, &all);
    if (error != 0)
        return sluice_failure_set(
            why, SLUICE_UNRESOLVED, "cannot find the host of %.255s: %s", text,
            error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    *fd = -1;
    errno = ETIMEDOUT;
    for (const struct addrinfo *to = all; to && *fd < 0; to = to->ai_next) {
        *fd = dial_inet(to, dial_share(deadline, to), room);
        if (*fd < 0 && errno == EINTR)
            break;
    }
    int reason = errno;
    freeaddrinfo(all);
    return *fd >= 0 ? SLUICE_OK : dial_fail(text, reason, why);
}

/* Starting the broker would not help, joining its group does. */
static enum sluice_error dial_denied(const char *text, const char *path,
                                     struct sluice_failure *why)
{
    char reason[256];
    sluice_permission_explain(path, reason, sizeof reason);
    return sluice_failure_set(why, SLUICE_DENIED,
                              "cannot connect to %.120s: %s%s%s", text,
                              strerror(EACCES), *reason ? ": " : "", reason);
}

/* A non-blocking connect() to a unix socket whose backlog is full fails with
 * nothing to wait for, so this one blocks, as long as SO_SNDTIMEO allows. */
static enum sluice_error dial_path(const char *text,
                                   const struct sluice_address *address,
                                   sluice_deadline deadline, int *out,
                                   struct sluice_failure *why)
{
    struct sockaddr_un to;
    if (!sluice_address_to_unix(address, &to))
        return sluice_failure_set(why, SLUICE_BAD_ADDRESS,
                                  "the path of %.255s is longer than the %zu "
                                  "bytes that a socket's may have",
                                  text, sizeof to.sun_path - 1);
    int type = SOCK_STREAM | SOCK_CLOEXEC;
    if (deadline == SLUICE_DEADLINE_NOW)
        type |= SOCK_NONBLOCK;
    int fd = socket(AF_UNIX, type, 0);
    if (fd < 0)
        return dial_fail(text, errno, why);
    int left = sluice_deadline_left(deadline);
    if (left > 0) {
        struct timeval limit = {left / 1000, left % 1000 * 1000L};
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        int error = errno == EAGAIN ? ETIMEDOUT : errno;
        close(fd);
        return error == EACCES ? dial_denied(text, to.sun_path, why)
                               : dial_fail(text, error, why);
    }
    *out = fd;
    return SLUICE_OK;
}

enum sluice_error sluice_dial(const char *text, sluice_deadline deadline,
                              enum sluice_dial_room room, int *fd,
                              struct sluice_failure *why)
{
    struct sluice_address address;
    if (!sluice_address_parse(text, SLUICE_DEFAULT_PORT, &address) ||
        !sluice_address_is_peer(&address))
        return sluice_failure_set(
            why, SLUICE_BAD_ADDRESS,
            "'%.255s' is not an address: " SLUICE_ADDRESS_FORM, text);
    enum sluice_error error =
        address.is_unix ? dial_path(text, &address, deadline, fd, why)
                        : dial_host(text, &address, deadline, room, fd, why);
    if (error != SLUICE_OK)
        return error;
    if (sluice_dial_prepare(*fd))
        return SLUICE_OK;
    error = dial_fail(text, errno, why);
    close(*fd);
    return error;
}

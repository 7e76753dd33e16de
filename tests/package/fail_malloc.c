/* SPDX-License-Identifier: MIT
 *
 * To be preloaded: the $FAIL_AT-th allocation fails, counted from the start of
 * the process until it waits for events or, with $FAIL_IN_SESSION, from its
 * first accepted connection. The failure is reported on standard error.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);

static atomic_long left;     /* allocations until the one that fails */
static atomic_bool is_armed; /* they are counted */

__attribute__((constructor)) static void fail_malloc_init(void)
{
    const char *at = getenv("FAIL_AT");
    left = at ? atol(at) : 0;
    is_armed = at && !getenv("FAIL_IN_SESSION");
}

static bool is_due(void)
{
    static const char told[] = "allocation failed on purpose\n";
    if (!is_armed || atomic_fetch_sub(&left, 1) != 1)
        return false;
    ssize_t n = write(STDERR_FILENO, told, sizeof told - 1);
    (void)n;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return is_due() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return is_due() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *p, size_t bytes)
{
    return is_due() ? NULL : __libc_realloc(p, bytes);
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    int (*next)(int, struct sockaddr *, socklen_t *, int) =
        (int (*)(int, struct sockaddr *, socklen_t *, int))dlsym(RTLD_NEXT,
                                                                 "accept4");
    int accepted = next(fd, address, length, flags);
    if (accepted >= 0 && getenv("FAIL_AT"))
        is_armed = true;
    return accepted;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
    int (*next)(int, struct epoll_event *, int, int) =
        (int (*)(int, struct epoll_event *, int, int))dlsym(RTLD_NEXT,
                                                            "epoll_wait");
    if (!getenv("FAIL_IN_SESSION"))
        is_armed = false;
    return next(fd, events, max, timeout_ms);
}

/* SPDX-License-Identifier: MIT */
#include "client/monitor/guard.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

/* 0 when the system does not say. */
static size_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *in = fopen("/proc/self/statm", "re");
    if (!in)
        return 0;
    if (fscanf(in, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(in);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The lowest number that is free: at least so many are open. */
static size_t open_descriptors(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return GUARD_DESCRIPTORS * 1024; /* none is free, most likely */
    close(fd);
    return (size_t)fd;
}

static size_t above(size_t n, size_t allowance)
{
    return n > allowance ? n - allowance : 0;
}

void guard_init(struct guard *g)
{
    g->limit_bytes = resident_bytes() + GUARD_BYTES;
}

const char *guard_check(const struct guard *g,
                        const struct guard_allowance *http)
{
    if (above(resident_bytes(), http->bytes) > g->limit_bytes)
        return "too much memory";
    if (above(open_descriptors(), http->descriptors) > GUARD_DESCRIPTORS)
        return "too many connections";
    return NULL;
}

void guard_relieve(struct guard *g, const struct guard_allowance *http)
{
    malloc_trim(0);
    size_t left = above(resident_bytes(), http->bytes) + GUARD_STEP_BYTES;
    if (left > g->limit_bytes)
        g->limit_bytes = left;
}

/* SPDX-License-Identifier: MIT */
#include "broker/base/process.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t microseconds(const struct timeval *tv)
{
    return (uint64_t)tv->tv_sec * 1000000 + (uint64_t)tv->tv_usec;
}

uint64_t process_cpu_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime);
}

/* The second number of statm (proc(5)), in pages. */
uint64_t process_rss_bytes(void)
{
    unsigned long long pages = 0;
    FILE *in = fopen("/proc/self/statm", "re");
    if (!in)
        return 0;
    if (fscanf(in, "%*u %llu", &pages) != 1)
        pages = 0;
    fclose(in);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

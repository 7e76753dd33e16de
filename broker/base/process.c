/* SPDX-License-Identifier: MIT */
#include "broker/base/process.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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
    char line[128], *rest = line;
    FILE *in = fopen("/proc/self/statm", "re");
    if (!in)
        return 0;
    bool has_line = fgets(line, sizeof line, in) != NULL;
    fclose(in);
    if (!has_line)
        return 0;
    (void)strtoull(line, &rest, 10); /* all that is mapped */
    return strtoull(rest, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/faults.h"

#include <stdbool.h>

/* Wrapped calls until one fails, that one included. 0: none fails. */
static uint32_t failing;

struct event;
struct timeval;

#define MAY_FAIL(type, call, parameters, arguments, failed)                    \
    type __real_##call parameters;                                             \
    type __wrap_##call parameters;                                             \
    type __wrap_##call parameters                                              \
    {                                                                          \
        bool fails = failing > 0 && --failing == 0;                            \
        return fails ? (failed) : __real_##call arguments;                     \
    }

MAY_FAIL(void *, malloc, (size_t n), (n), NULL)
MAY_FAIL(void *, calloc, (size_t n, size_t size), (n, size), NULL)
MAY_FAIL(void *, realloc, (void *p, size_t n), (p, n), NULL)
MAY_FAIL(int, event_add, (struct event * e, const struct timeval *tv), (e, tv),
         -1)

void faults_fail_nth(uint32_t nth)
{
    failing = nth;
}

void *faults_real_malloc(size_t n)
{
    return __real_malloc(n);
}

/* SPDX-License-Identifier: MIT */
#include "tests/bench/load/dialect.h"

#include "tests/bench/load/tls.h"

#include <string.h>

static const struct dialect *const dialects[] = {
    &dialect_sluice, &dialect_relay, &dialect_nats,
    &dialect_redis,  &dialect_mqtt,
};

const struct dialect *dialect_find(const char *name)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (strcmp(dialects[i]->name, name) == 0)
            return dialects[i];
    return NULL;
}

bool dialect_say(int fd, const void *words, size_t n)
{
    return tls_write(fd, words, n) == (ssize_t)n;
}

bool dialect_hear(int fd, const char *end)
{
    char heard[4096];
    size_t n = 0, length = strlen(end);
    while (n < sizeof heard) {
        ssize_t got = tls_read(fd, heard + n, sizeof heard - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        if (n >= length && memcmp(heard + n - length, end, length) == 0)
            return true;
    }
    return false;
}

bool dialect_hear_bytes(int fd, size_t n)
{
    char heard[64];
    size_t at = 0;
    while (n <= sizeof heard && at < n) {
        ssize_t got = tls_read(fd, heard + at, n - at);
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return at == n;
}

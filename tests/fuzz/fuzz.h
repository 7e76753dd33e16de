/* SPDX-License-Identifier: MIT
 *
 * fuzz - a script of bytes, read from its beginning, for fuzz targets.
 */
#ifndef SLUICE_TESTS_FUZZ_FUZZ_H
#define SLUICE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Broken promises must stop the fuzzer in every build. */
#define FUZZ_CHECK(condition)                                                  \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

struct script {
    const uint8_t *bytes;
    size_t left;
};

/* The next byte; 0 at the end. */
static inline uint8_t script_byte(struct script *s)
{
    if (s->left == 0)
        return 0;
    s->left--;
    return *s->bytes++;
}

/* The next `n` bytes, or as many as there are, which is set in *got. */
static inline const uint8_t *script_bytes(struct script *s, size_t n,
                                          size_t *got)
{
    const uint8_t *bytes = s->bytes;
    *got = n < s->left ? n : s->left;
    s->bytes += *got;
    s->left -= *got;
    return bytes;
}

/* A copy in memory of its exact size, where the sanitizer sees every read
 * beyond it. To be freed. */
static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n + (n == 0));
    FUZZ_CHECK(copy);
    if (n > 0)
        memcpy(copy, bytes, n);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif

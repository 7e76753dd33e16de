/* SPDX-License-Identifier: MIT
 *
 * Faults that the fuzzer of sessions finds in its corpus: $FUZZ_PLANT names one
 * that is there, which is how its invariants are tested.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/head_writer.h"

struct session;

static bool is_planted(const char *which)
{
    const char *planted = getenv("FUZZ_PLANT");
    return planted && strcmp(planted, which) == 0;
}

/* rest: a session that may be read again is not. */
void __real_units_review_rest(struct session *s);
void __wrap_units_review_rest(struct session *s);

void __wrap_units_review_rest(struct session *s)
{
    if (!is_planted("rest"))
        __real_units_review_rest(s);
}

/* go: a client that may publish again is not told. */
bool __real_answer_go(struct session *s, const uint8_t *name, uint32_t length);
bool __wrap_answer_go(struct session *s, const uint8_t *name, uint32_t length);

bool __wrap_answer_go(struct session *s, const uint8_t *name, uint32_t length)
{
    return is_planted("go") || __real_answer_go(s, name, length);
}

/* octet: the first frame of an answer is one octet too long. */
uint32_t __real_head_end(const struct head_writer *w);
uint32_t __wrap_head_end(const struct head_writer *w);

uint32_t __wrap_head_end(const struct head_writer *w)
{
    return __real_head_end(w) + is_planted("octet");
}

/* SPDX-License-Identifier: MIT
 *
 * The interests found for a name are those whose patterns match it, once each,
 * whatever was added and removed before.
 *
 *     input   steps: what (1 byte), length (1 byte), the text of a pattern
 *             or name
 *
 *     what    0 to 127: adds that interest, or removes it when it is there;
 *             from 128 on: asks
 */
#include "broker/core/interests.h"

#include "tests/fuzz/fuzz.h"

enum { WATCHERS = 128 };

struct watcher {
    struct interest interest;
    struct pattern pattern;
    bool is_there;
    unsigned seen;
};

static struct watcher watchers[WATCHERS];

/* In the smallest pieces. */
static void ask(struct interests *in, const uint8_t *name, size_t n)
{
    uint8_t *exact = fuzz_copy(name, n);
    interests_seek(in, exact, n);
    while (interests_are_sought(in)) {
        int32_t work = 1;
        struct interest *i = interests_next(in, &work);
        if (i)
            LIST_OF(i, struct watcher, interest)->seen++;
    }
    for (unsigned i = 0; i < WATCHERS; i++) {
        struct watcher *w = &watchers[i];
        bool expected = w->is_there && pattern_matches(&w->pattern, exact, n);
        FUZZ_CHECK(w->seen == expected);
        w->seen = 0;
    }
    free(exact);
}

static void toggle(struct interests *in, struct watcher *w, struct span text)
{
    if (w->is_there)
        interests_remove(in, &w->interest);
    w->is_there =
        !w->is_there && pattern_read(&w->pattern, text) && !w->pattern.is_exact;
    if (w->is_there)
        FUZZ_CHECK(interests_add(in, &w->interest, &w->pattern));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct script script = {bytes, n};
    struct budget budget = {0};
    struct interests in;
    interests_init(&in, &budget);
    while (script.left > 0) {
        uint8_t what = script_byte(&script);
        size_t got;
        const uint8_t *text = script_bytes(&script, script_byte(&script), &got);
        if (what >= WATCHERS)
            ask(&in, text, got);
        else
            toggle(&in, &watchers[what],
                   (struct span){(const char *)text, (uint32_t)got});
    }
    for (unsigned i = 0; i < WATCHERS; i++)
        if (watchers[i].is_there)
            toggle(&in, &watchers[i], (struct span){NULL, 0});
    interests_fini(&in);
    FUZZ_CHECK(budget.used_bytes == 0);
    return 0;
}

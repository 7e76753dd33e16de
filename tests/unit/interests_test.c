/* SPDX-License-Identifier: MIT
 *
 * The interests that match a name are those whose patterns the naive matcher
 * says match it, whatever was added and removed before or between two pieces of
 * the search; and all memory is freed.
 */
#include "broker/core/interests.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/pattern_naive.h"
#include "tests/unit/unit.h"

enum {
    MANY = 300,
    ROUNDS = 200,
    NAMES = 60,
    TEXT_MAX = 256,
};

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);

static int failing; /* the allocation that fails, counted down; 0: none */

static bool fails(void)
{
    return failing > 0 && --failing == 0;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

struct watcher {
    struct interest interest;
    char pattern[TEXT_MAX];
    bool is_there;
    unsigned seen; /* in this question */
};

struct fixture {
    struct budget budget;
    struct interests interests;
    struct watcher watchers[MANY];
    uint64_t random;
};

static uint32_t chance(struct fixture *f, uint32_t n)
{
    f->random = f->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(f->random >> 33) % n;
}

static int open_interests(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!f)
        return -1;
    f->random = 7;
    interests_init(&f->interests, &f->budget);
    return 0;
}

static int close_interests(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < MANY; i++)
        if (f->watchers[i].is_there)
            interests_remove(&f->interests, &f->watchers[i].interest);
    interests_fini(&f->interests);
    int left = f->budget.used_bytes != 0;
    free(f);
    return left;
}

static bool add(struct fixture *f, unsigned i, const char *text)
{
    struct watcher *w = &f->watchers[i];
    struct pattern p;
    assert_true(pattern_read(&p, span_of(text)));
    snprintf(w->pattern, sizeof w->pattern, "%s", text);
    w->is_there = interests_add(&f->interests, &w->interest, &p);
    return w->is_there;
}

static void take_away(struct fixture *f, unsigned i)
{
    interests_remove(&f->interests, &f->watchers[i].interest);
    f->watchers[i].is_there = false;
}

/* Goes on with the search, in a piece of that size; how many it found. */
static unsigned seek_on(struct fixture *f, int32_t work)
{
    unsigned count = 0;
    struct interest *i;
    while ((i = interests_next(&f->interests, &work)) != NULL) {
        LIST_OF(i, struct watcher, interest)->seen++;
        count++;
    }
    return count;
}

static void seek(struct fixture *f, const char *name, size_t n)
{
    for (unsigned i = 0; i < MANY; i++)
        f->watchers[i].seen = 0;
    interests_seek(&f->interests, (const uint8_t *)name, n);
}

/* How many match `name`. */
static unsigned ask(struct fixture *f, const char *name)
{
    unsigned count = 0;
    size_t n = strlen(name);
    char *copy = malloc(n); /* its exact size */
    assert_non_null(copy);
    memcpy(copy, name, n);
    seek(f, copy, n);
    while (interests_are_sought(&f->interests))
        count += seek_on(f, 1 + (int32_t)chance(f, 9));
    free(copy);
    return count;
}

static void check(struct fixture *f, const char *name)
{
    ask(f, name);
    for (unsigned i = 0; i < MANY; i++) {
        const struct watcher *w = &f->watchers[i];
        bool expected = w->is_there && naive_matches(w->pattern, name);
        if (w->seen != expected)
            fail_msg("%s and '%s': %u", w->pattern, name, w->seen);
    }
}

/* Segments that meet often, and those of the fences. */
static char *put_segments(struct fixture *f, char *at, const char *const *from,
                          uint32_t count)
{
    for (unsigned n = 1 + chance(f, 5); n > 0; n--)
        at += sprintf(at, "%s%s", from[chance(f, count)], n > 1 ? "/" : "");
    return at;
}

static void make_pattern(struct fixture *f, char out[TEXT_MAX])
{
    static const char *const segments[] = {"*", "*",     "",    "a",
                                           "b", "queue", "sys", "aa"};
    static const char *const ends[] = {"/**", "/*", "/**"};
    char *at = out;
    if (chance(f, 8) == 0) {
        strcpy(out, chance(f, 2) > 0 ? "**" : "*");
        return;
    }
    if (chance(f, 2) > 0)
        *at++ = '/';
    at = put_segments(f, at, segments, UNIT_COUNT(segments));
    strcpy(at, ends[chance(f, UNIT_COUNT(ends))]);
}

static void make_name(struct fixture *f, char out[TEXT_MAX])
{
    static const char *const segments[] = {"",    "a",  "b", "queue",
                                           "sys", "aa", "c"};
    char *at = out;
    if (chance(f, 2) > 0)
        *at++ = '/';
    at = put_segments(f, at, segments, UNIT_COUNT(segments));
    if (at == out)
        strcpy(out, "x");
}

static void test_matches_as_the_naive_matcher_does(void **state)
{
    struct fixture *f = *state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char text[TEXT_MAX];
        for (unsigned n = chance(f, MANY); n > 0; n--) {
            unsigned i = chance(f, MANY);
            if (f->watchers[i].is_there) {
                take_away(f, i);
                continue;
            }
            make_pattern(f, text);
            assert_true(add(f, i, text));
        }
        for (unsigned n = 0; n < NAMES; n++) {
            make_name(f, text);
            check(f, text);
        }
    }
}

static void test_nothing_is_owned_for_nobody(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->budget.used_bytes, 0);
    assert_int_equal(ask(f, "/a"), 0);
    assert_true(add(f, 0, "/*"));
    uint64_t one = f->budget.used_bytes;
    for (unsigned i = 1; i < MANY; i++)
        assert_true(add(f, i, "/*"));
    /* Equal patterns are kept once. */
    assert_int_equal(f->budget.used_bytes, one);
    assert_int_equal(ask(f, "/a"), MANY);
}

static void test_equal_patterns_are_asked_in_order(void **state)
{
    struct fixture *f = *state;
    char text[PATTERN_TEXT_MAX];
    assert_true(add(f, 1, "/t/*"));
    assert_true(add(f, 0, "/%74/*"));
    const struct pattern *p = interest_pattern(&f->watchers[0].interest);
    assert_ptr_equal(p, interest_pattern(&f->watchers[1].interest));
    assert_int_equal(pattern_write(p, text), 4);
    assert_memory_equal(text, "/t/*", 4);
    take_away(f, 1);
    assert_int_equal(ask(f, "/t/x"), 1);
    assert_int_equal(f->watchers[0].seen, 1);
}

/* Names and patterns of nothing but slashes and stars. */
static void test_the_longest_names_and_patterns(void **state)
{
    struct fixture *f = *state;
    char text[TEXT_MAX], name[TEXT_MAX];
    unsigned count = 0;
    for (unsigned segments = 1; segments <= 128; segments++) {
        char *at = text;
        for (unsigned i = 0; i < segments; i++)
            at += sprintf(at, i > 0 ? "/*" : "*");
        assert_true(add(f, count++, text));
        if (segments < 127 && sprintf(at, "/**") > 0)
            assert_true(add(f, count++, text));
    }
    for (unsigned n = 1; n <= 255; n++) {
        memset(name, '/', n);
        name[n] = '\0';
        check(f, name);
    }
}

/* Every pattern of a long run of 'a' and '*' matches, or fails at its end. */
static void test_patterns_that_differ_late(void **state)
{
    struct fixture *f = *state;
    char name[TEXT_MAX], *at = name;
    for (unsigned i = 0; i < 127; i++)
        at += sprintf(at, i > 0 ? "/a" : "a");
    for (unsigned i = 0; i < MANY; i++) {
        char text[TEXT_MAX];
        strcpy(text, name);
        for (unsigned j = 0; j < 127; j++)
            if (chance(f, 2) > 0 || j == 0)
                text[2 * j] = '*';
        assert_true(add(f, i, text));
    }
    assert_int_equal(ask(f, name), MANY);
    name[2 * 126] = 'b';
    check(f, name);
}

/* Every allocation of an addition fails once; then nothing has changed. */
static void test_without_memory_nothing_changes(void **state)
{
    struct fixture *f = *state;
    static const char *const patterns[] = {"/*", "/a/*", "/b/*", "/*/**", "**"};
    unsigned refused = 0;
    for (unsigned i = 0; i < UNIT_COUNT(patterns); i++) {
        uint64_t before = f->budget.used_bytes;
        for (int n = 1;; n++) {
            failing = n;
            bool is_there = add(f, i, patterns[i]);
            failing = 0;
            if (is_there)
                break;
            refused++;
            /* The map of the shapes keeps its table once it has one. */
            assert_in_range(f->budget.used_bytes, before, before + 1024);
            check(f, "/a/b");
        }
        check(f, "/a/b");
    }
    assert_in_range(refused, 2 * UNIT_COUNT(patterns) - 2, 100);
}

/* Those that are there all the time are found once each. */
static void test_what_changes_meanwhile_disturbs_no_search(void **state)
{
    struct fixture *f = *state;
    char text[TEXT_MAX], name[TEXT_MAX];
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool has_changed[MANY] = {false};
        make_name(f, name);
        seek(f, name, strlen(name));
        while (interests_are_sought(&f->interests)) {
            (void)seek_on(f, 1 + (int32_t)chance(f, 20));
            unsigned i = chance(f, MANY);
            has_changed[i] = true;
            make_pattern(f, text);
            if (f->watchers[i].is_there)
                take_away(f, i);
            else
                assert_true(add(f, i, text));
        }
        for (unsigned i = 0; i < MANY; i++) {
            const struct watcher *w = &f->watchers[i];
            bool expected = w->is_there && naive_matches(w->pattern, name);
            if (!has_changed[i] && w->seen != expected)
                fail_msg("%s and '%s': %u", w->pattern, name, w->seen);
        }
    }
}

/* A piece ends after so much work, however many match. */
static void test_a_search_is_made_in_pieces(void **state)
{
    struct fixture *f = *state;
    unsigned pieces = 0, found = 0;
    for (unsigned i = 0; i < MANY; i++)
        assert_true(add(f, i, i % 2 > 0 ? "/*" : "/a/*"));
    seek(f, "/x", 2);
    while (interests_are_sought(&f->interests)) {
        unsigned more = seek_on(f, 10);
        assert_in_range(more, 0, 10);
        found += more;
        pieces++;
    }
    assert_int_equal(found, MANY / 2);
    assert_in_range(pieces, MANY / 20, MANY / 20 + 2);
    seek(f, "/x", 2);
    interests_stop(&f->interests);
    assert_int_equal(seek_on(f, 10), 0);
}

#define INTERESTS_TEST(test)                                                   \
    cmocka_unit_test_setup_teardown(test, open_interests, close_interests)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INTERESTS_TEST(test_matches_as_the_naive_matcher_does),
        INTERESTS_TEST(test_nothing_is_owned_for_nobody),
        INTERESTS_TEST(test_equal_patterns_are_asked_in_order),
        INTERESTS_TEST(test_the_longest_names_and_patterns),
        INTERESTS_TEST(test_patterns_that_differ_late),
        INTERESTS_TEST(test_without_memory_nothing_changes),
        INTERESTS_TEST(test_what_changes_meanwhile_disturbs_no_search),
        INTERESTS_TEST(test_a_search_is_made_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

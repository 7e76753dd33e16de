/* SPDX-License-Identifier: MIT
 *
 * A pattern is compared segment by segment, a name made of the wildcard
 * characters is a name like any other, and no pattern crosses a fence.
 */
#include "proto/pattern.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/pattern_naive.h"
#include "tests/unit/unit.h"

/* The name in memory of its exact size, so that a read beyond it is seen. */
static bool matches(const struct pattern *p, const char *name, size_t n)
{
    uint8_t *copy = malloc(n + (n == 0));
    assert_non_null(copy);
    memcpy(copy, name, n);
    bool result = pattern_matches(p, copy, n);
    free(copy);
    return result;
}

static bool read_exactly(struct pattern *p, const char *text, size_t n)
{
    char *copy = malloc(n + (n == 0));
    assert_non_null(copy);
    memcpy(copy, text, n);
    bool result = pattern_read(p, (struct span){copy, (uint32_t)n});
    free(copy);
    return result;
}

static const struct {
    const char *pattern, *name;
    bool matches;
} plain[] = {
    {"**", "", true},
    {"**", "/any/thing", true},
    {"**", "/queue/a", true}, /* no fence for a rule */
    {"/**", "/sys/a", true},
    {"*", "t", true},
    {"*", "", true},
    {"*", "/t", false},
    {"/queue/*", "/queue/a", true},
    {"/queue/*", "/queue/", true},
    {"/queue/*", "/queue", false},
    {"/queue/*", "/queue/a/b", false},
    {"/queue/**", "/queue/a/b", true},
    {"/queue/**", "/queue/", true},
    {"/queue/**", "/queue", false}, /* a rule is for what lies below */
    {"/queue/**", "/queuefoo", false},
    {"/*/b", "/a/b", true},
    {"/*/b", "/a/c", false},
    {"/*/b", "/b", false},
    {"/a", "/a", true},
    {"/a", "/A", false},
    {"/a", "/a/", false},
    {"/a", "/ab", false},
    {"/ab", "/a", false},
    {"/a/*", "/a/**", true},
    {"/a/b", "/a/*", false},
    {"/100%", "/100%", true}, /* no spelling, either */
    {"/%41", "/A", false},
    {"/a b=c", "/a b=c", true},
    {"@a", "@a", true},
};

static void test_plain_patterns_match_by_segments(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(plain); i++) {
        struct pattern p;
        const char *name = plain[i].name;
        assert_true(pattern_read_plain(&p, span_of(plain[i].pattern)));
        if (matches(&p, name, strlen(name)) != plain[i].matches)
            fail_msg("%s and '%s'", plain[i].pattern, name);
    }
}

static void test_names_are_bytes(void **state)
{
    (void)state;
    struct pattern any = pattern_plain("/*"), a = pattern_plain("/a");
    assert_true(matches(&any, "/a\0b", 4));
    assert_false(matches(&a, "/a\0b", 4));
}

static void test_what_is_no_pattern(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    "/a*",  "*a",   "/**/a", "a**",
                                        "***", "/*b*", "/**a", "**/",   "/***"};
    struct pattern p;
    for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
        assert_false(pattern_read_plain(&p, span_of(wrong[i])));
        assert_false(pattern_read(&p, span_of(wrong[i])));
    }
}

static void test_what_is_no_pattern_in_a_head(void **state)
{
    (void)state;
    static const char *const wrong[] = {"@x",  "/a%2Fb", "/%2f*", "/a b",
                                        "/a=", "/a%",    "/a%4",  "/a%4g",
                                        "/\n", "/\x7f",  "/\x80"};
    struct pattern p;
    for (size_t i = 0; i < UNIT_COUNT(wrong); i++)
        if (read_exactly(&p, wrong[i], strlen(wrong[i])))
            fail_msg("%s", wrong[i]);
    assert_false(read_exactly(&p, "/\0", 2));
}

/* A wildcard counts as it is written. */
static void test_a_pattern_has_255_octets(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "/*", "/**"};
    struct pattern p;
    for (size_t i = 0; i < UNIT_COUNT(ends); i++)
        for (size_t spelled = 0; spelled < 2; spelled++) {
            char text[PATTERN_TEXT_MAX + 16], *at = text;
            for (size_t n = strlen(ends[i]); n < 255; n++)
                at += sprintf(at, "%s", spelled ? "%61" : "a");
            strcpy(at, ends[i]);
            assert_true(read_exactly(&p, text, strlen(text)));
            memmove(text + 1, text, strlen(text) + 1);
            text[0] = 'a';
            assert_false(read_exactly(&p, text, strlen(text)));
        }
}

static void test_the_most_segments(void **state)
{
    (void)state;
    char text[256], name[256];
    struct pattern p;
    memset(name, '/', 255);
    for (size_t i = 0; i < 255; i++)
        text[i] = i % 2 ? '/' : '*';
    assert_true(read_exactly(&p, text, 255)); /* 128 segments, all any */
    assert_true(matches(&p, name, 127));
    assert_false(matches(&p, name, 126));
    assert_false(matches(&p, name, 128));
    memset(text, '/', 254);
    text[254] = '*'; /* 255 segments, all but one empty */
    assert_true(read_exactly(&p, text, 255));
    assert_int_equal(p.length, 255);
    assert_true(matches(&p, name, 254));
    assert_false(matches(&p, name, 255));
    memset(text, '/', 255);
    assert_true(read_exactly(&p, text, 255));
    assert_true(p.is_exact);
    assert_true(matches(&p, name, 255));
}

static const struct {
    const char *text;
    enum pattern_world world;
} worlds[] = {
    {"/queue", PATTERN_QUEUES},     {"/queue/*", PATTERN_QUEUES},
    {"/queuefoo", PATTERN_QUEUES},  {"/queuefoo/**", PATTERN_QUEUES},
    {"/%71ueue/*", PATTERN_QUEUES}, {"/queu", PATTERN_TOPICS},
    {"/queu/*", PATTERN_TOPICS},    {"/*/queue", PATTERN_TOPICS},
    {"*/queue", PATTERN_TOPICS},    {"queue/*", PATTERN_TOPICS},
    {"/sys", PATTERN_SYS},          {"/sys/**", PATTERN_SYS},
    {"/sys/*/a", PATTERN_SYS},      {"/s%79s/a", PATTERN_SYS},
    {"/sysfoo", PATTERN_TOPICS},    {"/sysfoo/*", PATTERN_TOPICS},
    {"/sy/*", PATTERN_TOPICS},      {"sys/**", PATTERN_TOPICS},
    {"**", PATTERN_TOPICS},         {"/**", PATTERN_TOPICS},
    {"/*/**", PATTERN_TOPICS},      {"/null", PATTERN_TOPICS},
    {"/%2A", PATTERN_TOPICS},       {"*", PATTERN_TOPICS},
};

static void test_each_pattern_stays_in_its_world(void **state)
{
    (void)state;
    static const char *const names[] = {
        "/queue", "/queue/a", "/queuefoo", "/queuefoo/x", "/sys",
        "/sys/",  "/sys/x/a", "/sysfoo",   "/a",          "a"};
    for (size_t i = 0; i < UNIT_COUNT(worlds); i++) {
        struct pattern p;
        assert_true(pattern_read(&p, span_of(worlds[i].text)));
        assert_int_equal(p.world, worlds[i].world);
        for (size_t j = 0; j < UNIT_COUNT(names); j++) {
            size_t n = strlen(names[j]);
            if (matches(&p, names[j], n))
                assert_int_equal(pattern_world_of((const uint8_t *)names[j], n),
                                 p.world);
        }
    }
}

/* Every text over a few segments of each kind, against every name. */
static const char *const segments[] = {"",       "a", "queue", "sys",
                                       "queuea", "*", "**"};
enum { SEGMENTS = 7, NAME_SEGMENTS = 5, DEPTH = 4 };

/* The `which`-th text of up to DEPTH segments; NULL beyond the last. */
static const char *combine(unsigned which, unsigned base, char out[64])
{
    unsigned depth = 1, count = base;
    while (depth < DEPTH && which >= count) {
        which -= count;
        count *= base;
        depth++;
    }
    if (which >= count)
        return NULL;
    char *at = out;
    for (; depth > 0; depth--, which /= base)
        at += sprintf(at, "%s%s", segments[which % base], depth > 1 ? "/" : "");
    return out;
}

static void compare_with_naive(const char *text)
{
    char name[64], back[PATTERN_TEXT_MAX];
    struct pattern p;
    const char *rest = strstr(text, "**");
    bool is_pattern = *text && (!rest || rest[2] == '\0');
    assert_int_equal(pattern_read(&p, span_of(text)), is_pattern);
    if (!is_pattern)
        return;
    size_t n = pattern_write(&p, back);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(back, text, n);
    for (unsigned i = 0; combine(i, NAME_SEGMENTS, name); i++)
        if (pattern_matches(&p, (uint8_t *)name, strlen(name)) !=
                naive_matches(text, name) &&
            *name)
            fail_msg("%s and '%s'", text, name);
}

static void test_matches_as_the_naive_matcher_does(void **state)
{
    (void)state;
    char text[64];
    unsigned i = 0;
    for (; combine(i, SEGMENTS, text); i++)
        compare_with_naive(text);
    assert_int_equal(i, 7 + 49 + 343 + 2401);
}

static void test_spellings_of_one_pattern_are_equal(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"/t/*/x", "/%74/*/%78"},
                                           {"/%2A/**", "/%2a/**"},
                                           {"/a%20b", "/%61%20%62"},
                                           {"a/@b/*", "a/%40b/*"}};
    for (size_t i = 0; i < UNIT_COUNT(pairs); i++) {
        struct pattern a, b;
        char text[PATTERN_TEXT_MAX];
        assert_true(pattern_read(&a, span_of(pairs[i][0])));
        assert_true(pattern_read(&b, span_of(pairs[i][1])));
        assert_int_equal(a.length, b.length);
        assert_memory_equal(a.octets, b.octets, a.length);
        assert_int_equal(pattern_write(&b, text), strlen(pairs[i][0]));
        assert_memory_equal(text, pairs[i][0], strlen(pairs[i][0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_patterns_match_by_segments),
        cmocka_unit_test(test_names_are_bytes),
        cmocka_unit_test(test_what_is_no_pattern),
        cmocka_unit_test(test_what_is_no_pattern_in_a_head),
        cmocka_unit_test(test_a_pattern_has_255_octets),
        cmocka_unit_test(test_the_most_segments),
        cmocka_unit_test(test_each_pattern_stays_in_its_world),
        cmocka_unit_test(test_matches_as_the_naive_matcher_does),
        cmocka_unit_test(test_spellings_of_one_pattern_are_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

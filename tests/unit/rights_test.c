/* SPDX-License-Identifier: MIT
 *
 * A subscription is allowed when the lines match every channel that its pattern
 * matches, and only then: tried against all names that few words can make.
 */
#include "users/rights.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/chance.h"
#include "tests/unit/unit.h"

/* A world of patterns and names. */

enum {
    WORDS = 3,         /* that patterns are made of, beside wildcards */
    NAME_WORDS = 5,    /* that names are made of: those, and two more */
    DEPTH_MAX = 4,     /* segments of a pattern */
    NAME_DEPTH = 6,    /* of a name */
    NAMES_MAX = 19530, /* 5 + 25 + ... + 15625 */
    PATTERNS_MAX = 425,
    SETS = (NAMES_MAX + 63) / 64,
    TEXT_BYTES = 64,
};

/* The words as they are in names, and in patterns. */
static const struct vocabulary {
    const char *words[NAME_WORDS], *spelled[WORDS];
} vocabularies[] = {
    {{"a", "b", "c", "x", "yy"}, {"a", "b", "c"}},
    {{"", "sys", "a", "x", "y"}, {"", "sys", "a"}},
    {{"", "queue", "queueb", "x", "sys"}, {"", "queue", "queueb"}},
    {{"", "*", "**", "x", "%2A"}, {"", "%2A", "%2a%2A"}},
    {{"", "\xff\x01", "@", "/", "x"}, {"", "%FF%01", "@"}},
};

static struct world {
    unsigned depth;
    size_t names, patterns;
    char name[NAMES_MAX][TEXT_BYTES];
    struct rights_line line[PATTERNS_MAX];
    uint64_t matches[PATTERNS_MAX][SETS];
} world;

/* Text number `i` of those with `segments` words. */
static void write_text(char *out, const char *const *words, size_t count,
                       unsigned segments, size_t i)
{
    *out = '\0';
    for (unsigned k = 0; k < segments; k++, i /= count) {
        if (k > 0)
            strcat(out, "/");
        strcat(out, words[i % count]);
    }
}

static size_t power(size_t base, unsigned exponent)
{
    return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

/* A slash in a word is a separator, so that such a name is there twice. */
static void make_names(const struct vocabulary *v)
{
    for (unsigned n = 1; n <= world.depth + 2; n++)
        for (size_t i = 0; i < power(NAME_WORDS, n); i++) {
            write_text(world.name[world.names], v->words, NAME_WORDS, n, i);
            world.names += *world.name[world.names] != '\0';
        }
}

static void add_pattern(const char *text)
{
    struct rights_line *line = &world.line[world.patterns];
    if (!pattern_read(&line->pattern, span_of(text)))
        return; /* the empty one, or one that begins with '@' */
    uint64_t *set = world.matches[world.patterns++];
    memset(set, 0, sizeof world.matches[0]);
    for (size_t i = 0; i < world.names; i++)
        if (pattern_matches(&line->pattern, (const uint8_t *)world.name[i],
                            strlen(world.name[i])))
            set[i / 64] |= (uint64_t)1 << i % 64;
}

static void make_patterns(const struct vocabulary *v)
{
    const char *words[WORDS + 1] = {v->spelled[0], v->spelled[1], v->spelled[2],
                                    "*"};
    char text[TEXT_BYTES];
    for (unsigned n = 0; n <= world.depth; n++)
        for (size_t i = 0; i < power(WORDS + 1, n); i++) {
            write_text(text, words, WORDS + 1, n, i);
            add_pattern(text);
            if (n == world.depth)
                continue;
            strcat(text, n > 0 ? "/**" : "**");
            add_pattern(text);
        }
}

static void make_world(const struct vocabulary *v, unsigned depth)
{
    world.depth = depth;
    world.names = world.patterns = 0;
    make_names(v);
    make_patterns(v);
}

/* The slow answer, and the one that is tried. */

static bool is_covered(size_t p, const size_t *lines, size_t count)
{
    for (size_t word = 0; word <= world.names / 64; word++) {
        uint64_t left = world.matches[p][word];
        for (size_t i = 0; i < count; i++)
            left &= ~world.matches[lines[i]][word];
        if (left)
            return false;
    }
    return true;
}

/* Returns the answer, which both give. */
static bool check(size_t p, const size_t *lines, size_t count)
{
    const struct rights_line *rows[8];
    struct rights rights = {.subscribe = {count, rows}};
    rights_set by;
    for (size_t i = 0; i < count; i++)
        rows[i] = &world.line[lines[i]];
    bool expected = is_covered(p, lines, count);
    bool allowed = rights_may_subscribe(&rights, &world.line[p].pattern, &by);
    if (allowed == expected && by >> count == 0)
        return allowed;
    char text[PATTERN_TEXT_MAX + 1] = "";
    text[pattern_write(&world.line[p].pattern, text)] = '\0';
    for (size_t i = 0; i < count; i++) {
        char line[PATTERN_TEXT_MAX + 1] = "";
        line[pattern_write(&rows[i]->pattern, line)] = '\0';
        print_message("line: %s\n", line);
    }
    fail_msg("%s should be %s", text, expected ? "allowed" : "refused");
    return expected;
}

/* Every pattern against every single line. */
static void test_each_pair_of_patterns_is_decided_as_by_trying_all(void **state)
{
    (void)state;
    for (size_t v = 0; v < UNIT_COUNT(vocabularies); v++) {
        make_world(&vocabularies[v], DEPTH_MAX);
        for (size_t p = 0; p < world.patterns; p++)
            for (size_t line = 0; line < world.patterns; line++)
                check(p, &line, 1);
    }
}

/* Two and three lines, which together allow what none does. */
static void test_small_sets_of_lines_are_decided_as_by_trying_all(void **state)
{
    (void)state;
    for (size_t v = 0; v < UNIT_COUNT(vocabularies); v++) {
        make_world(&vocabularies[v], 2);
        size_t n = world.patterns, a[3];
        for (size_t p = 0; p < n; p++)
            for (a[0] = 0; a[0] < n; a[0]++)
                for (a[1] = a[0]; a[1] < n; a[1]++)
                    for (a[2] = a[1]; a[2] < n; a[2]++)
                        check(p, a, 3);
    }
}

/* As in the real world, most lines resemble the pattern asked for: they are
 * taken from the same folder of the list. */
static void
test_a_million_random_sets_are_decided_as_by_trying_all(void **state)
{
    (void)state;
#ifdef UNIT_HAS_ASAN
    enum { TIMES = 40000 };
#else
    enum { TIMES = 200000 };
#endif
    uint64_t seed = 12;
    for (size_t v = 0; v < UNIT_COUNT(vocabularies); v++) {
        size_t allowed = 0;
        make_world(&vocabularies[v], DEPTH_MAX);
        for (unsigned i = 0; i < TIMES; i++) {
            size_t count = 1 + chance_of(&seed, 6), lines[8];
            size_t p = chance_of(&seed, (uint32_t)world.patterns);
            for (size_t k = 0; k < count; k++)
                lines[k] = chance_of(&seed, (uint32_t)world.patterns);
            allowed += check(p, lines, count);
        }
        assert_true(allowed > TIMES / 50);
        assert_true(allowed < TIMES / 2);
    }
}

/* Cases worth their names. */

static bool may_subscribe(const char *pattern, const char *const *lines,
                          rights_set *by)
{
    struct rights_line read[RIGHTS_LINES_MAX];
    const struct rights_line *rows[RIGHTS_LINES_MAX];
    struct rights rights = {.subscribe = {0, rows}};
    struct pattern p;
    for (size_t *n = &rights.subscribe.count; *lines; lines++, ++*n) {
        assert_true(pattern_read(&read[*n].pattern, span_of(*lines)));
        rows[*n] = &read[*n];
    }
    assert_true(pattern_read(&p, span_of(pattern)));
    return rights_may_subscribe(&rights, &p, by);
}

#define LINES(...)                                                             \
    (const char *const[])                                                      \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }

static void test_lines_allow_together_what_none_allows_alone(void **state)
{
    (void)state;
    rights_set by;
    assert_true(
        may_subscribe("/topic/**", LINES("/topic", "/x", "/topic/*/**"), &by));
    assert_int_equal(by, 5);
    assert_false(may_subscribe("/topic/**", LINES("/topic/*/**"), &by));
    assert_false(may_subscribe("/topic/**", LINES("/topic"), &by));
}

static void test_wildcards_cross_no_fence(void **state)
{
    (void)state;
    static const char *const all[] = {"**", NULL};
    assert_true(may_subscribe("**", all, NULL));
    assert_true(may_subscribe("/**", all, NULL));
    assert_false(may_subscribe("/queue/**", all, NULL));
    assert_false(may_subscribe("/queue/a", all, NULL));
    assert_false(may_subscribe("/sys/**", all, NULL));
    assert_false(may_subscribe("/sys/memory", all, NULL));
    assert_true(may_subscribe("/sys/memory", LINES("/sys/**"), NULL));
}

static void test_no_lines_allow_nothing_but_the_sink(void **state)
{
    (void)state;
    struct rights none = {.may_monitor = false};
    rights_set by;
    assert_false(rights_may_publish(&none, (const uint8_t *)"/a", 2, &by));
    assert_true(rights_may_publish(&none, (const uint8_t *)"/null", 5, &by));
    assert_int_equal(by, 0);
    assert_true(may_subscribe("/null", LINES(NULL), NULL));
    assert_false(may_subscribe("/nul", LINES(NULL), NULL));
    assert_false(may_subscribe("**", LINES(NULL), NULL));
    assert_false(may_subscribe("/**", LINES(NULL), NULL));
}

static void test_publishing_asks_the_lines_for_publishing(void **state)
{
    (void)state;
    struct rights_line publish[2], subscribe[1];
    assert_true(pattern_read(&publish[0].pattern, span_of("/a")));
    assert_true(pattern_read(&publish[1].pattern, span_of("/b/*")));
    assert_true(pattern_read(&subscribe[0].pattern, span_of("/c")));
    const struct rights_line *some[] = {&publish[0], &publish[1]},
                             *others[] = {&subscribe[0]};
    struct rights r = {.publish = {2, some}, .subscribe = {1, others}};
    rights_set by;
    assert_true(rights_may_publish(&r, (const uint8_t *)"/b/x", 4, &by));
    assert_int_equal(by, 2);
    assert_false(rights_may_publish(&r, (const uint8_t *)"/c", 2, &by));
    assert_int_equal(by, 0);
}

/* As many segments as there can be: 256 witnesses, and the longest names. */
static void test_the_longest_patterns_are_decided(void **state)
{
    (void)state;
    char line[256], pattern[256];
    memset(line, '/', 255);
    line[255] = '\0';
    assert_false(may_subscribe("**", LINES(line), NULL));
    assert_true(may_subscribe("**", LINES(line, "**"), NULL));
    for (size_t i = 0; i < 255; i++)
        pattern[i] = i % 2 ? '/' : '*';
    pattern[255] = '\0';
    assert_true(may_subscribe(pattern, LINES(pattern), NULL));
    assert_true(may_subscribe(pattern, LINES(line, "**"), NULL));
    assert_false(may_subscribe(pattern, LINES(line, "*/*"), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_each_pair_of_patterns_is_decided_as_by_trying_all),
        cmocka_unit_test(test_small_sets_of_lines_are_decided_as_by_trying_all),
        cmocka_unit_test(
            test_a_million_random_sets_are_decided_as_by_trying_all),
        cmocka_unit_test(test_lines_allow_together_what_none_allows_alone),
        cmocka_unit_test(test_wildcards_cross_no_fence),
        cmocka_unit_test(test_no_lines_allow_nothing_but_the_sink),
        cmocka_unit_test(test_publishing_asks_the_lines_for_publishing),
        cmocka_unit_test(test_the_longest_patterns_are_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

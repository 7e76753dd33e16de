/* SPDX-License-Identifier: MIT
 *
 * Which subscriptions a message is for, beside a list that is searched from its
 * beginning to its end.
 */
#include "client/lib/proto_names.h"

#include "client/lib/units/readers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { READERS = 600, ROUNDS = 4000, NAME_ROOM = 32 };

static uint64_t chance_state = 1;

static uint32_t chance(uint32_t below)
{
    chance_state = chance_state * UINT64_C(6364136223846793005) + 1;
    return (uint32_t)(chance_state >> 33) % below;
}

/* Few enough for many to match. One in thirty is a wildcard, if any may be. */
static void some_segment(char *text, size_t room, const char *wildcard)
{
    uint32_t n = chance(30);
    if (n == 0 && wildcard)
        snprintf(text, room, "/%s", wildcard);
    else
        snprintf(text, room, "/%s%u", n % 2 ? "queue" : "", n);
}

static struct pattern some_pattern(void)
{
    char text[2 * NAME_ROOM];
    some_segment(text, NAME_ROOM, "*");
    some_segment(text + strlen(text), NAME_ROOM, chance(2) ? "*" : "**");
    struct pattern p;
    assert_true(pattern_read(&p, span_of(text)));
    return p;
}

static struct sluice_reader *search(struct sluice_reader *from,
                                    const struct pattern_name *name)
{
    while (from && (from->state != SLUICE_READER_LIVE ||
                    !pattern_matches_name(&from->pattern, name)))
        from = from->next;
    return from;
}

static uint32_t check_matches(const struct sluice_readers *readers)
{
    char text[2 * NAME_ROOM];
    uint8_t octets[sizeof text];
    struct pattern_name name;
    uint32_t found = 0;
    some_segment(text, NAME_ROOM, NULL);
    some_segment(text + strlen(text), NAME_ROOM, NULL);
    memcpy(octets, text, strlen(text));
    pattern_cut(&name, octets, strlen(text));
    struct sluice_reader *wanted = search(readers->first, &name);
    struct sluice_reader *got = sluice_readers_match(readers, NULL, &name);
    for (; wanted; found++) {
        assert_ptr_equal(got, wanted);
        got = sluice_readers_match(readers, got, &name);
        wanted = search(wanted->next, &name);
    }
    assert_null(got);
    return found;
}

static void test_a_message_is_for_the_same_ones_as_in_a_list(void **state)
{
    (void)state;
    struct sluice_readers readers = {.first = NULL};
    struct sluice_reader *all[READERS] = {NULL};
    uint32_t found = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t i = chance(READERS);
        if (all[i])
            sluice_readers_remove(&readers, all[i]);
        struct pattern p = some_pattern();
        all[i] = chance(4) == 0 ? NULL : sluice_readers_add(&readers, &p);
        if (all[i])
            all[i]->state =
                chance(10) == 0 ? SLUICE_READER_ASKED : SLUICE_READER_LIVE;
        found += check_matches(&readers);
    }
    assert_true(found > ROUNDS / 2);
    sluice_readers_fini(&readers);
}

static void test_one_that_is_asked_is_found_by_its_pattern(void **state)
{
    (void)state;
    struct sluice_readers readers = {.first = NULL};
    static const char *const texts[] = {"/a", "/a/*", "/queue/**", "/a/%2A"};
    struct pattern p;
    assert_true(pattern_read(&p, span_of("/a")));
    assert_null(sluice_readers_find(&readers, &p));
    struct sluice_reader *made[4];
    for (int i = 0; i < 4; i++) {
        assert_true(pattern_read(&p, span_of(texts[i])));
        made[i] = sluice_readers_add(&readers, &p);
        assert_null(sluice_readers_find(&readers, &p)); /* NEW */
        made[i]->state = SLUICE_READER_ASKED;
    }
    for (int i = 0; i < 4; i++) {
        assert_true(pattern_read(&p, span_of(texts[i])));
        assert_ptr_equal(sluice_readers_find(&readers, &p), made[i]);
    }
    sluice_readers_fini(&readers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_is_for_the_same_ones_as_in_a_list),
        cmocka_unit_test(test_one_that_is_asked_is_found_by_its_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

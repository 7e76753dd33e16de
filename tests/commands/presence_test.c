/* SPDX-License-Identifier: MIT
 *
 * Everyone in a room learns who comes, goes and vanishes, and of two with one
 * name exactly one stays.
 */
#include "client/presence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TRIAL_MS = 5000 };

static struct presence ann;

static int begin(void **state)
{
    (void)state;
    presence_init(&ann, "ann", 0x10, 0, TRIAL_MS);
    return 0;
}

static struct presence_news hear(const char *message, int64_t now_ms)
{
    return presence_hear(&ann, sluice_text(message), now_ms);
}

static void check(struct presence_news news, enum presence_change change,
                  const char *name, bool must_answer)
{
    assert_int_equal(news.change, change);
    assert_string_equal(news.name.text, name);
    assert_int_equal(news.must_answer, must_answer);
}

static void test_those_who_come_and_go_are_named_once(void **state)
{
    (void)state;
    check(hear("join bob 1", 0), PRESENCE_CAME, "bob", true);
    check(hear("here bob 1", 0), PRESENCE_NOTHING, "", false);
    check(hear("here cat 2", 0), PRESENCE_WAS_HERE, "cat", false);
    check(hear("leave bob 1", 0), PRESENCE_LEFT, "bob", false);
    check(hear("leave bob 1", 0), PRESENCE_NOTHING, "", false);
    assert_int_equal(ann.count, 1);
}

static void test_messages_may_be_typed_by_hand(void **state)
{
    (void)state;
    check(hear("join dan\n", 0), PRESENCE_CAME, "dan", true);
    check(hear("leave  dan", 0), PRESENCE_LEFT, "dan", false);
}

static void test_what_is_no_such_message_changes_nothing(void **state)
{
    (void)state;
    static const char *const strange[] = {
        "",       "join",          "join ",       "bob",
        "JOIN a", "join a\nb",     "join a:b",    "join \xc3\xa4",
        "jump a", "join a b\x1b[", "here\nann 1", "join a\tb",
    };
    char longest[200] = "join ";
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        check(hear(strange[i], 0), PRESENCE_NOTHING, "", false);
    memset(longest + 5, 'a', PRESENCE_NAME_MAX + 1);
    check(hear(longest, 0), PRESENCE_NOTHING, "", false);
    memset(longest + 5, ' ', 190);
    check(hear(longest, 0), PRESENCE_NOTHING, "", false);
    assert_int_equal(ann.count, 0);
}

static void test_our_own_messages_change_nothing(void **state)
{
    (void)state;
    static const char *const words[] = {"join", "here", "leave"};
    for (size_t i = 0; i < 3; i++) {
        char text[PRESENCE_MESSAGE_BYTES];
        presence_write(&ann, words[i], text);
        check(hear(text, 0), PRESENCE_NOTHING, "", false);
    }
}

static void
test_a_newcomer_gives_way_and_one_who_is_there_does_not(void **state)
{
    (void)state;
    check(hear("here ann 1", TRIAL_MS - 1), PRESENCE_TAKEN, "ann", false);
    check(hear("join ann 1", TRIAL_MS), PRESENCE_NOTHING, "", true);
    assert_int_not_equal(hear("here ann 1", TRIAL_MS).change, PRESENCE_TAKEN);
}

static void test_others_hear_of_a_name_once(void **state)
{
    (void)state;
    check(hear("here bob 1", 0), PRESENCE_WAS_HERE, "bob", false);
    check(hear("join bob 2", 0), PRESENCE_NOTHING, "", true);
    check(hear("leave bob 2", 0), PRESENCE_NOTHING, "", false);
    check(hear("leave bob 1", 0), PRESENCE_LEFT, "bob", false);
}

static void test_of_two_that_come_at_once_one_stays(void **state)
{
    (void)state;
    struct presence other;
    char mine[PRESENCE_MESSAGE_BYTES], its[PRESENCE_MESSAGE_BYTES];
    presence_init(&other, "ann", 0x20, 0, TRIAL_MS);
    presence_write(&ann, "join", mine);
    presence_write(&other, "join", its);
    assert_true(presence_hear(&ann, sluice_text(its), 1).must_answer);
    assert_false(presence_hear(&other, sluice_text(mine), 1).must_answer);
    presence_write(&ann, "here", mine);
    assert_int_equal(presence_hear(&other, sluice_text(mine), 2).change,
                     PRESENCE_TAKEN);
}

static void test_those_who_vanish_are_gone_after_a_while(void **state)
{
    (void)state;
    hear("join bob 1", 0);
    hear("join cat 2", 0);
    hear("here cat 2", 1000);
    check(presence_miss(&ann, PRESENCE_LOST_MS - 1), PRESENCE_NOTHING, "",
          false);
    check(presence_miss(&ann, PRESENCE_LOST_MS), PRESENCE_LOST, "bob", false);
    check(presence_miss(&ann, PRESENCE_LOST_MS), PRESENCE_NOTHING, "", false);
    check(presence_miss(&ann, PRESENCE_LOST_MS + 1000), PRESENCE_LOST, "cat",
          false);
}

static void test_it_says_here_from_time_to_time(void **state)
{
    (void)state;
    assert_int_equal(presence_due_ms(&ann), PRESENCE_BEAT_MS);
    assert_false(presence_must_beat(&ann, PRESENCE_BEAT_MS - 1));
    assert_true(presence_must_beat(&ann, PRESENCE_BEAT_MS));
    assert_false(presence_must_beat(&ann, PRESENCE_BEAT_MS));
    assert_int_equal(presence_due_ms(&ann), 2 * PRESENCE_BEAT_MS);
    hear("join bob 1", 0);
    assert_true(presence_must_beat(&ann, 10 * PRESENCE_BEAT_MS));
    assert_int_equal(presence_due_ms(&ann), PRESENCE_LOST_MS);
}

static void test_a_crowd_is_bounded(void **state)
{
    (void)state;
    char text[PRESENCE_MESSAGE_BYTES];
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "join n%d", i);
        assert_true(hear(text, 0).must_answer);
    }
    assert_int_equal(ann.count, PRESENCE_PEOPLE_MAX);
    check(hear("leave n999", 0), PRESENCE_NOTHING, "", false);
    check(hear("leave n0", 0), PRESENCE_LEFT, "n0", false);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(presence_is_name("a-B_9."));
    assert_false(presence_is_name(""));
    assert_false(presence_is_name("two words"));
    assert_false(presence_is_name("a:"));
    assert_true(presence_is_name("12345678901234567890123456789012"));
    assert_false(presence_is_name("123456789012345678901234567890123"));
}

#define PRESENCE_TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PRESENCE_TEST(test_those_who_come_and_go_are_named_once),
        PRESENCE_TEST(test_messages_may_be_typed_by_hand),
        PRESENCE_TEST(test_what_is_no_such_message_changes_nothing),
        PRESENCE_TEST(test_our_own_messages_change_nothing),
        PRESENCE_TEST(test_a_newcomer_gives_way_and_one_who_is_there_does_not),
        PRESENCE_TEST(test_others_hear_of_a_name_once),
        PRESENCE_TEST(test_of_two_that_come_at_once_one_stays),
        PRESENCE_TEST(test_those_who_vanish_are_gone_after_a_while),
        PRESENCE_TEST(test_it_says_here_from_time_to_time),
        PRESENCE_TEST(test_a_crowd_is_bounded),
        PRESENCE_TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

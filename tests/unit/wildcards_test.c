/* SPDX-License-Identifier: MIT
 *
 * Wildcard subscriptions find all their channels, however little is done of
 * that in a turn and whatever else happens meanwhile; and in no turn much is
 * done of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/session/units/hub.h"
#include "tests/unit/session_rig.h"
#include "tests/unit/unit.h"

enum {
    MANY = 1500,  /* channels */
    CROWD = 300,  /* clients */
    PATTERNS = 5, /* of each of them */
    MEMBERS = 6,  /* of the random test, */
    STEPS = 4000,
    /* What one lane costs at least; see wildcards.c. */
    JOIN_WORK = 6,
    LITTLE_WORK = 300,
    LANES_A_TURN = LITTLE_WORK / JOIN_WORK + 1,
    QUIET_TURNS = 4,
};

static struct errands *errands_of(struct fixture *f)
{
    return &f->house.clients.hub->errands;
}

/* A unit without a body. */
static void say_unit(struct fixture *f, int fd, const char *text)
{
    say_frame(f, fd, text);
    say_frame(f, fd, "");
}

static void open_units(struct fixture *f, int fd)
{
    errands_of(f)->turn_work = LITTLE_WORK;
    say_bytes(f, fd, STRING("\0\0\0\x9\0SLUICE/2\0\0\0\0"));
    assert_non_null(strstr(heard(f, fd), "INFO "));
}

/* Topics that exist because they keep a message each, published by the client
 * `fd` of version 1. */
static void make_topics(struct fixture *f, int fd, unsigned n)
{
    say_frame(f, fd, "");
    for (unsigned i = 0; i < n; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "/topic/%u", i);
        say_pair(f, fd, name, "kept");
    }
    assert_int_equal(count(f, COUNT_channels), n);
}

/* Runs until nothing is left to be found, at most so much in each turn. Returns
 * the number of turns. */
static unsigned settle(struct fixture *f)
{
    unsigned n = 0;
    for (int quiet = 0; quiet < QUIET_TURNS; quiet++) {
        uint64_t before = count(f, COUNT_subscribers);
        bool is_due = errands_are_due(errands_of(f));
        turns(f, 1);
        uint64_t now = count(f, COUNT_subscribers);
        if (is_due && now > before)
            assert_in_range(now - before, 1, LANES_A_TURN);
        n += is_due;
        quiet = is_due ? 0 : quiet;
    }
    return n;
}

/* How often `part` is in what came. */
static unsigned occurrences(const char *text, const char *part)
{
    unsigned n = 0;
    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        n++;
    }
    return n;
}

static void test_a_subscription_finds_its_channels_turn_by_turn(void **state)
{
    struct fixture *f = *state;
    int c = house_connect(&f->house);
    open_units(f, f->b);
    open_units(f, c);
    make_topics(f, f->a, MANY);
    say_unit(f, f->b, "SUB /topic/* rid=1");
    assert_in_range(count(f, COUNT_subscribers), 1, MANY - 1);
    say_unit(f, c, "PING x"); /* others are served */
    assert_non_null(strstr(heard(f, c), "PONG x"));
    check_heard(f, f->b, ""); /* no message before the answer */
    assert_in_range(settle(f), 2, MANY);
    assert_int_equal(count(f, COUNT_subscribers), MANY);
    const char *got = heard(f, f->b);
    assert_memory_equal(got, "OK rid=1||MSG ", 14);
    assert_int_equal(occurrences(got, "new=1|kept|"), MANY);
    hang_up(&c);
}

static void test_a_subscription_ends_turn_by_turn(void **state)
{
    struct fixture *f = *state;
    open_units(f, f->b);
    make_topics(f, f->a, MANY);
    say_unit(f, f->b, "SUB /topic/1 rid=1");
    say_unit(f, f->b, "SUB /topic/* rid=2");
    settle(f);
    (void)heard(f, f->b);
    say_unit(f, f->b, "UNSUB /topic/* rid=3");
    assert_in_range(count(f, COUNT_subscribers), 2, MANY - 1);
    check_heard(f, f->b, "");
    say_unit(f, f->b, "PING x"); /* waits, too */
    for (uint64_t before; errands_are_due(errands_of(f));) {
        before = count(f, COUNT_subscribers);
        turns(f, 1);
        assert_in_range(before - count(f, COUNT_subscribers), 0, LANES_A_TURN);
    }
    settle(f);
    assert_int_equal(count(f, COUNT_subscribers), 1);
    check_heard(f, f->b, "OK rid=3||PONG x||");
    say_pair(f, f->a, "/topic/1", "more");
    check_heard(f, f->b, "MSG /topic/1 2|more|");
}

static void test_a_channel_finds_its_subscribers_turn_by_turn(void **state)
{
    static const char *const patterns[PATTERNS] = {"/*/*", "/**", "/x/*",
                                                   "/*/y", "/x/**"};
    static int crowd[CROWD];
    struct fixture *f = *state;
    for (unsigned i = 0; i < CROWD; i++) {
        crowd[i] = house_connect(&f->house);
        open_units(f, crowd[i]);
        for (unsigned j = 0; j < PATTERNS; j++) {
            char text[32];
            (void)snprintf(text, sizeof text, "SUB %s", patterns[j]);
            say_unit(f, crowd[i], text);
        }
    }
    say_frame(f, f->a, "");
    say_frame(f, f->b, "");
    say_pair(f, f->a, "/x/y", "1");
    say_pair(f, f->b, "/x/y", "2");
    assert_true(errands_are_due(errands_of(f)));
    assert_in_range(settle(f), 1, CROWD);
    assert_int_equal(count(f, COUNT_subscribers), CROWD);
    say_pair(f, f->a, "/x/y", "3");
    for (unsigned i = 0; i < CROWD; i++) {
        check_heard(f, crowd[i],
                    "MSG /x/y 1 new=1|1|MSG /x/y 2|2|MSG /x/y 3|3|");
        hang_up(&crowd[i]);
    }
    turns(f, 3);
    assert_int_equal(count(f, COUNT_subscribers), 0);
}

/* Nobody reads the channel after all: nothing is left of it. */
static void test_an_appearance_for_nobody_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    open_units(f, f->b);
    say_unit(f, f->b, "SUB /x/*");
    say_frame(f, f->a, "");
    errands_of(f)->turn_work = 0;
    turns(f, 1);
    say_pair(f, f->a, "/y/z", "lost");
    assert_int_equal(count(f, COUNT_channels), 1); /* it is not known yet */
    errands_of(f)->turn_work = LITTLE_WORK;
    settle(f);
    assert_int_equal(count(f, COUNT_channels), 0);
    assert_int_equal(count(f, COUNT_dropped_no_subscriber), 1);
    check_heard(f, f->b, "");
}

/* A client that goes in the middle leaves nothing; closing the rig counts. */
static void test_a_client_may_go_while_its_channels_are_sought(void **state)
{
    struct fixture *f = *state;
    int c = house_connect(&f->house);
    open_units(f, f->b);
    open_units(f, c);
    make_topics(f, f->a, MANY);
    say_unit(f, f->b, "SUB /** rid=1");
    settle(f);
    (void)heard(f, f->b);
    say_unit(f, c, "SUB /topic/* rid=1");
    assert_in_range(count(f, COUNT_subscribers), MANY + 1, 2 * MANY - 1);
    hang_up(&c);
    settle(f);
    assert_int_equal(count(f, COUNT_subscribers), MANY);
    say_unit(f, f->b, "UNSUB /** rid=2");
    hang_up(&f->b);
    settle(f);
    assert_int_equal(count(f, COUNT_subscribers), 0);
    assert_int_equal(count(f, COUNT_channels), 0);
}

static void test_many_patterns_of_one_client_are_told_apart(void **state)
{
    enum { SOME = 100 };
    struct fixture *f = *state;
    char text[64];
    open_units(f, f->b);
    for (int i = 0; i < 2 * SOME; i++) {
        (void)snprintf(text, sizeof text, "SUB /%d/* rid=1", i % SOME);
        say_unit(f, f->b, text);
        const char *answer = i < SOME ? "OK rid=1|" : "ERR exists rid=1|";
        assert_memory_equal(heard(f, f->b), answer, strlen(answer));
    }
    for (int i = 0; i < 2 * SOME; i++) {
        (void)snprintf(text, sizeof text, "UNSUB /%d/* rid=1", i % SOME);
        say_unit(f, f->b, text);
        const char *answer = i < SOME ? "OK rid=1|" : "ERR gone rid=1|";
        assert_memory_equal(heard(f, f->b), answer, strlen(answer));
    }
}

/* The end of what came, when it is more than can be looked at. */
static const char *last_heard(struct fixture *f, int fd)
{
    enum { TAIL = 64 };
    size_t n = 0;
    ssize_t got;
    while ((got = recv(fd, f->got + n, sizeof f->got - n, 0)) > 0) {
        n += (size_t)got;
        size_t tail = n < TAIL ? n : TAIL;
        memmove(f->got, f->got + n - tail, tail);
        n = tail;
        turns(f, 2);
    }
    for (size_t i = 0; i < n; i++)
        f->got[i] = (char)(f->got[i] ? f->got[i] : '.');
    f->got[n] = '\0';
    return f->got;
}

static void test_more_lanes_than_a_client_may_have_end_it(void **state)
{
    struct fixture *f = *state;
    enum { LANES_MAX = 16384 };
    open_units(f, f->b);
    make_topics(f, f->a, LANES_MAX);
    errands_of(f)->turn_work = ERRANDS_TURN_WORK;
    say_unit(f, f->b, "SUB /topic/* rid=1");
    while (errands_are_due(errands_of(f)))
        turns(f, 1);
    assert_int_equal(count(f, COUNT_subscribers), LANES_MAX);
    (void)last_heard(f, f->b);
    say_pair(f, f->a, "/topic/more", "1");
    const char *got = last_heard(f, f->b);
    assert_non_null(strstr(got, "ERR overrun"));
    assert_non_null(strstr(got, "BYE...."));
    assert_int_equal(count(f, COUNT_subscribers), 0);
}

/* Has the next sweep begin. */
static void sweep(struct fixture *f)
{
    struct unit_hub *hub = f->house.clients.hub;
    if (!list_is_empty(&hub->sweep.link))
        return;
    hub->swept = (struct map_walk){0};
    errands_add(&hub->errands, &hub->sweep);
}

static void test_what_only_wildcards_read_is_given_up_in_time(void **state)
{
    struct fixture *f = *state;
    open_units(f, f->b);
    say_unit(f, f->b, "SUB /*");
    say_frame(f, f->a, "");
    say_pair(f, f->a, "/x", "1");
    check_heard(f, f->b, "MSG /x 1 new=1|1|");
    sweep(f);
    settle(f);
    say_pair(f, f->a, "/x", "2");
    sweep(f);
    settle(f);
    assert_int_equal(count(f, COUNT_channels), 1); /* a message came since */
    sweep(f);
    settle(f);
    assert_int_equal(count(f, COUNT_channels), 0);
    assert_int_equal(count(f, COUNT_subscribers), 0);
    check_heard(f, f->b, "MSG /x 2|2|");
    say_pair(f, f->a, "/x", "3");
    check_heard(f, f->b, "MSG /x 3 new=1|3|");
}

static void test_a_name_of_its_own_keeps_a_channel(void **state)
{
    struct fixture *f = *state;
    open_units(f, f->b);
    say_unit(f, f->b, "SUB /*");
    say_unit(f, f->b, "SUB /x rid=1");
    say_frame(f, f->a, "/y");
    check_heard(f, f->b, "OK rid=1 seq=0||");
    for (int i = 0; i < 3; i++) {
        sweep(f);
        settle(f);
    }
    assert_int_equal(count(f, COUNT_channels), 2);
    say_unit(f, f->b, "UNSUB /x rid=2");
    hang_up(&f->a);
    turns(f, 2);
    for (int i = 0; i < 2; i++) {
        sweep(f);
        settle(f);
    }
    assert_int_equal(count(f, COUNT_channels), 0);
}

/* What is owed is still told, however long that takes. */
static void test_a_reader_that_is_owed_something_keeps_a_channel(void **state)
{
    enum { MUCH = 40 };
    struct fixture *f = *state;
    char large[250] = {0};
    memset(large, 'x', sizeof large - 1);
    open_units(f, f->b);
    say_unit(f, f->b, "SUB /*");
    say_frame(f, f->a, "");
    for (int i = 0; i < MUCH; i++)
        say_pair(f, f->a, "/x", large);
    for (int i = 0; i < 3; i++) {
        sweep(f);
        settle(f);
    }
    assert_int_equal(count(f, COUNT_channels), 1);
    assert_int_equal(occurrences(heard(f, f->b), large), MUCH);
    for (int i = 0; i < 2; i++) {
        sweep(f);
        settle(f);
    }
    assert_int_equal(count(f, COUNT_channels), 0);
}

/* Half of the lanes have left already. */
static void
test_a_message_for_a_channel_that_is_given_up_reaches_all(void **state)
{
    static int crowd[CROWD];
    struct fixture *f = *state;
    for (unsigned i = 0; i < CROWD; i++) {
        crowd[i] = house_connect(&f->house);
        open_units(f, crowd[i]);
        say_unit(f, crowd[i], "SUB /*");
    }
    say_frame(f, f->a, "");
    say_pair(f, f->a, "/x", "1");
    settle(f);
    sweep(f);
    settle(f);
    sweep(f);
    while (count(f, COUNT_subscribers) > CROWD / 2)
        turns(f, 1);
    say_pair(f, f->a, "/x", "2");
    settle(f);
    assert_int_equal(count(f, COUNT_subscribers), CROWD);
    for (unsigned i = 0; i < CROWD; i++) {
        check_heard(f, crowd[i], "MSG /x 1 new=1|1|MSG /x 2 new=1|2|");
        hang_up(&crowd[i]);
    }
    settle(f);
}

/* Numbers that were received before the answer are counted by it, also those
 * that were published after the request. */
static void test_the_answer_follows_on_what_came_before_it(void **state)
{
    enum { MUCH = 24, MORE = 4 };
    struct fixture *f = *state;
    char large[250] = {0}, expected[64];
    memset(large, 'x', sizeof large - 1);
    open_units(f, f->b);
    say_unit(f, f->b, "SUB /*");
    say_unit(f, f->b, "SUB /x rid=1");
    check_heard(f, f->b, "OK rid=1 seq=0||");
    say_frame(f, f->a, "");
    for (int i = 0; i < MUCH; i++)
        say_pair(f, f->a, "/x", large);
    say_unit(f, f->b, "UNSUB /x rid=2");
    for (int i = 0; i < MORE; i++)
        say_pair(f, f->a, "/x", large);
    const char *got = heard(f, f->b), *answer = strstr(got, "OK rid=2");
    assert_non_null(answer);
    unsigned all = occurrences(got, large), late = occurrences(answer, large);
    (void)snprintf(expected, sizeof expected, "OK rid=2 seq=%u|", all - late);
    assert_memory_equal(answer, expected, strlen(expected));
    assert_in_range(all - late, MUCH, MUCH + MORE);
    assert_int_equal(all, MUCH + MORE);
}

/* What was missed before the end of a pattern is told before its answer, also
 * if another one goes on: P17. */
static void
test_gaps_are_told_before_the_end_of_one_pattern_of_two(void **state)
{
    enum { MUCH = 200 };
    struct fixture *f = *state;
    char large[250] = {0};
    memset(large, 'x', sizeof large - 1);
    open_units(f, f->b);
    say_unit(f, f->b, "SUB /sys/*");
    say_unit(f, f->b, "SUB /sys/**");
    say_frame(f, f->a, "");
    struct channel *ch = directory_obtain(&f->house.core.directory,
                                          (const uint8_t *)"/sys/x", 6);
    assert_non_null(ch);
    for (int i = 0; i < MUCH; i++) {
        char frame[4 + sizeof large] = {0, 0, 0, (char)(sizeof large - 1)};
        memcpy(frame + 4, large, sizeof large - 1);
        assert_int_equal(
            channel_publish(ch, (const uint8_t *)frame, 3 + sizeof large),
            PUBLISH_OK);
        turns(f, 1);
    }
    say_unit(f, f->b, "UNSUB /sys/* rid=2");
    check_logged(f, "event=slow_consumer");
    const char *got = heard(f, f->b), *answer = strstr(got, "OK rid=2");
    const char *gap = strstr(got, "GAP /sys/x ");
    assert_true(gap && answer && gap < answer);
    assert_null(strstr(answer, "GAP"));
    assert_int_equal(count(f, COUNT_subscribers), 1);
}

/* At random, with so little work in each turn that everything overlaps. */

struct member {
    int fd;
    bool has[8]; /* of the patterns */
};

static const char *const any_pattern[8] = {"/*",    "/a/*", "/*/b", "/**",
                                           "/a/**", "/*/*", "/a",   "/a/b"};
static const char *const any_name[] = {"/a", "/b", "/a/b", "/c/b", "/c/d"};

static unsigned next(unsigned *seed, unsigned n)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % n;
}

static bool is_wanted(const struct member *m, const char *name)
{
    bool is_wanted = false;
    for (unsigned i = 0; i < UNIT_COUNT(any_pattern); i++) {
        struct pattern p;
        assert_true(pattern_read(&p, span_of(any_pattern[i])));
        is_wanted |= m->has[i] &&
                     (p.is_exact ? strcmp(any_pattern[i], name) == 0
                                 : pattern_matches(&p, (const uint8_t *)name,
                                                   strlen(name)));
    }
    return is_wanted;
}

/* Each gets what it wants of a message to each name, once. */
static void check_members(struct fixture *f, struct member *members)
{
    for (unsigned i = 0; i < MEMBERS; i++)
        (void)heard(f, members[i].fd);
    for (unsigned n = 0; n < UNIT_COUNT(any_name); n++) {
        say_pair(f, f->a, any_name[n], "checked");
        settle(f);
        for (unsigned i = 0; i < MEMBERS; i++) {
            unsigned got = occurrences(heard(f, members[i].fd), "|checked|");
            if (got != is_wanted(&members[i], any_name[n]))
                fail_msg("member %u, %s: %u", i, any_name[n], got);
        }
    }
}

static void change(struct fixture *f, struct member *m, unsigned i)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%sSUB %s rid=1", m->has[i] ? "UN" : "",
                   any_pattern[i]);
    m->has[i] = !m->has[i];
    say_unit(f, m->fd, text);
}

static void replace(struct fixture *f, struct member *m)
{
    hang_up(&m->fd);
    *m = (struct member){.fd = house_connect(&f->house)};
    open_units(f, m->fd);
}

static void test_nobody_is_missed_however_things_overlap(void **state)
{
    struct fixture *f = *state;
    struct member members[MEMBERS] = {{.fd = -1}};
    unsigned seed = 11;
    uint64_t freed = f->house.core.directory.epoch;
    for (unsigned i = 0; i < MEMBERS; i++) {
        members[i].fd = -1;
        replace(f, &members[i]);
    }
    say_frame(f, f->a, "");
    errands_of(f)->turn_work = 3;
    for (unsigned step = 0; step < STEPS; step++) {
        struct member *m = &members[next(&seed, MEMBERS)];
        unsigned what = next(&seed, 40);
        if (what == 0)
            replace(f, m);
        else if (what < 12)
            sweep(f);
        else if (what < 26)
            change(f, m, next(&seed, UNIT_COUNT(any_pattern)));
        else
            say_pair(f, f->a, any_name[next(&seed, UNIT_COUNT(any_name))], "m");
        if (step % 100 == 0) {
            settle(f);
            check_members(f, members);
        }
    }
    for (unsigned i = 0; i < MEMBERS; i++)
        for (unsigned j = 0; j < UNIT_COUNT(any_pattern); j++)
            if (members[i].has[j])
                change(f, &members[i], j);
    settle(f);
    for (unsigned i = 0; i < MEMBERS; i++)
        (void)heard(f, members[i].fd);
    assert_int_equal(count(f, COUNT_subscribers), 0);
    assert_true(f->house.core.directory.epoch > freed + STEPS / 200);
    for (unsigned i = 0; i < MEMBERS; i++)
        hang_up(&members[i].fd);
}

#define WILDCARDS_TEST(test)                                                   \
    cmocka_unit_test_setup_teardown(test, session_rig_open, session_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WILDCARDS_TEST(test_a_subscription_finds_its_channels_turn_by_turn),
        WILDCARDS_TEST(test_a_subscription_ends_turn_by_turn),
        WILDCARDS_TEST(test_a_channel_finds_its_subscribers_turn_by_turn),
        WILDCARDS_TEST(test_an_appearance_for_nobody_leaves_nothing),
        WILDCARDS_TEST(test_a_client_may_go_while_its_channels_are_sought),
        WILDCARDS_TEST(test_more_lanes_than_a_client_may_have_end_it),
        WILDCARDS_TEST(test_what_only_wildcards_read_is_given_up_in_time),
        WILDCARDS_TEST(test_a_name_of_its_own_keeps_a_channel),
        WILDCARDS_TEST(test_a_reader_that_is_owed_something_keeps_a_channel),
        WILDCARDS_TEST(
            test_a_message_for_a_channel_that_is_given_up_reaches_all),
        WILDCARDS_TEST(test_the_answer_follows_on_what_came_before_it),
        WILDCARDS_TEST(test_gaps_are_told_before_the_end_of_one_pattern_of_two),
        WILDCARDS_TEST(test_many_patterns_of_one_client_are_told_apart),
        WILDCARDS_TEST(test_nobody_is_missed_however_things_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The loop runs in turns: callbacks, then the end of the turn, and only then
 * are deferred objects freed.
 */
#include "broker/net/reactor.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#include "broker/base/list.h"
#include "broker/net/stream.h"
#include "tests/unit/unit.h"

struct fixture {
    struct reactor *reactor;
    struct reactor_timer *timer;
    char story[64]; /* one letter for each thing that happened */
    struct deferred deferred;
};

static struct fixture f;

static void tell(char what)
{
    size_t n = strlen(f.story);
    assert_true(n + 1 < sizeof f.story);
    f.story[n] = what;
}

static void on_timer(void *arg)
{
    assert_ptr_equal(arg, &f);
    tell('t');
    reactor_stop(f.reactor);
}

static bool end_turn(void *arg)
{
    assert_ptr_equal(arg, &f);
    tell('e');
    return false;
}

static void free_deferred(struct deferred *d)
{
    assert_ptr_equal(d, &f.deferred);
    tell('f');
}

static void turn(void)
{
    (void)reactor_turn(f.reactor, false, end_turn, &f);
}

static int open_reactor(void **state)
{
    (void)state;
    f = (struct fixture){.deferred = {.free = free_deferred}};
    f.reactor = reactor_new();
    f.timer = reactor_timer_new(f.reactor, on_timer, &f);
    return f.timer ? 0 : -1;
}

static int close_reactor(void **state)
{
    (void)state;
    reactor_timer_free(f.timer);
    reactor_free(f.reactor);
    return 0;
}

static void test_turn_that_has_nothing_does_not_wait(void **state)
{
    (void)state;
    turn();
    turn();
    assert_string_equal(f.story, "ee");
}

static void defer_and_stop(void *arg)
{
    (void)arg;
    reactor_defer(f.reactor, &f.deferred);
    tell('d');
    reactor_stop(f.reactor);
}

static void test_deferred_is_freed_once_after_the_turn(void **state)
{
    (void)state;
    struct reactor_timer *timer =
        reactor_timer_new(f.reactor, defer_and_stop, NULL);
    assert_true(reactor_timer_start(timer, 0));
    reactor_run(f.reactor, end_turn, &f);
    turn();
    reactor_timer_free(timer);
    assert_string_equal(f.story, "defe");
}

static void free_and_defer_again(struct deferred *d)
{
    d->free = free_deferred;
    tell('a');
    reactor_defer(f.reactor, d);
}

static void test_freeing_may_defer_more(void **state)
{
    (void)state;
    f.deferred.free = free_and_defer_again;
    reactor_defer(f.reactor, &f.deferred);
    turn();
    assert_string_equal(f.story, "eaf");
}

static void test_what_is_left_goes_with_the_reactor(void **state)
{
    (void)state;
    struct reactor *r = reactor_new();
    reactor_defer(r, &f.deferred);
    reactor_free(r);
    assert_string_equal(f.story, "f");
}

static void test_timer_fires_once_per_start(void **state)
{
    (void)state;
    assert_false(reactor_timer_is_running(f.timer));
    for (int i = 0; i < 2; i++) {
        assert_true(reactor_timer_start(f.timer, 1));
        assert_true(reactor_timer_is_running(f.timer));
        reactor_run(f.reactor, end_turn, &f);
        assert_false(reactor_timer_is_running(f.timer));
        turn();
    }
    assert_string_equal(f.story, "teetee");
}

static void on_nothing(void *arg)
{
    assert_ptr_equal(arg, &f);
}

static bool end_after_three(void *arg)
{
    if (++*(int *)arg == 3)
        reactor_stop(f.reactor);
    return true;
}

/* The timer is an hour away: only "more to do" ends the waiting. */
static void test_more_to_do_means_no_waiting(void **state)
{
    (void)state;
    int turns = 0;
    struct reactor_timer *first = reactor_timer_new(f.reactor, on_nothing, &f);
    assert_true(reactor_timer_start(first, 0));
    assert_true(reactor_timer_start(f.timer, 3600 * 1000));
    reactor_run(f.reactor, end_after_three, &turns);
    assert_int_equal(turns, 3);
    reactor_timer_free(first);
}

static void yield(void *arg)
{
    (void)arg;
    tell('y');
    reactor_yield(f.reactor);
}

/* Both timers are due at once, and nothing is due after that. */
static void test_yielding_ends_the_turn_and_forgets_nobody(void **state)
{
    (void)state;
    struct reactor_timer *first = reactor_timer_new(f.reactor, yield, NULL);
    assert_true(reactor_timer_start(first, 0));
    assert_true(reactor_timer_start(f.timer, 0));
    reactor_run(f.reactor, end_turn, &f);
    assert_string_equal(f.story, "yete");
    reactor_timer_free(first);
}

static void test_now_is_the_same_all_turn(void **state)
{
    (void)state;
    clock_ms now = reactor_now_ms(f.reactor);
    for (int i = 0; i < 200000; i++)
        assert_int_equal(reactor_now_ms(f.reactor), now);
    turn();
    clock_ms later = reactor_now_ms(f.reactor);
    assert_in_range(clock_elapsed_ms(later, now), 0, INT32_MAX);
}

static void on_signal(void *arg, int signo)
{
    assert_ptr_equal(arg, &f);
    assert_int_equal(signo, SIGUSR1);
    tell('s');
    reactor_stop(f.reactor);
}

static void test_signals_come_from_the_loop(void **state)
{
    (void)state;
    struct reactor_signal *s =
        reactor_signal_new(f.reactor, SIGUSR1, on_signal, &f);
    assert_non_null(s);
    raise(SIGUSR1);
    assert_string_equal(f.story, "");
    reactor_run(f.reactor, end_turn, &f);
    assert_string_equal(f.story, "se");
    reactor_signal_free(s);
}

/* A chore that is done after some steps, and says in the story which it is. */
struct task {
    struct chore chore;
    char name;
    int left;
};

static bool task_step(struct chore *c)
{
    struct task *t = LIST_OF(c, struct task, chore);
    tell(t->name);
    return --t->left > 0;
}

static struct task task_of(char name, int steps)
{
    return (struct task){.name = name, .left = steps};
}

/* REACTOR_STEPS_MAX of them, so that one of five is left for the next turn. */
static void test_chores_take_turns_before_the_turn(void **state)
{
    (void)state;
    struct task a = task_of('a', 3), b = task_of('b', 2);
    chore_init(&a.chore, task_step);
    chore_init(&b.chore, task_step);
    reactor_add_chore(f.reactor, &a.chore);
    reactor_add_chore(f.reactor, &b.chore);
    reactor_add_chore(f.reactor, &a.chore); /* it is there already */
    turn();
    turn();
    assert_string_equal(f.story, "ababeae");
}

/* The timer is due all the time, and the chore has more steps than fit. */
static void test_chores_do_not_delay_what_is_ready(void **state)
{
    (void)state;
    struct task a = task_of('a', REACTOR_STEPS_MAX + 1);
    chore_init(&a.chore, task_step);
    reactor_add_chore(f.reactor, &a.chore);
    assert_true(reactor_timer_start(f.timer, 0));
    assert_true(reactor_turn(f.reactor, true, end_turn, &f));
    assert_int_equal(strlen(f.story), REACTOR_STEPS_MAX + 2);
    assert_string_equal(f.story + REACTOR_STEPS_MAX, "te");
    assert_false(reactor_turn(f.reactor, true, end_turn, &f));
    assert_string_equal(f.story + REACTOR_STEPS_MAX + 2, "ae");
}

static void test_chore_that_was_removed_takes_no_step(void **state)
{
    (void)state;
    struct task a = task_of('a', 1);
    chore_init(&a.chore, task_step);
    reactor_add_chore(f.reactor, &a.chore);
    reactor_remove_chore(&a.chore);
    reactor_remove_chore(&a.chore);
    turn();
    assert_string_equal(f.story, "e");
}

enum { DESCRIPTORS = 200 };

/* Has libevent allocate what it keeps of descriptors, within a turn. */
static bool watch_descriptors(void *arg)
{
    static const struct stream_events nothing;
    struct stream *streams[DESCRIPTORS];
    for (size_t i = 0; i < DESCRIPTORS; i++)
        streams[i] = stream_open(arg, eventfd(0, EFD_CLOEXEC), &nothing, NULL);
    for (size_t i = 0; i < DESCRIPTORS; i++)
        if (streams[i])
            stream_close(streams[i]);
    reactor_stop(arg);
    return true;
}

static void *run_reactor(void *arg)
{
    (void)reactor_turn(arg, false, watch_descriptors, arg);
    return NULL;
}

/* And what one thread has allocated another may free, later. */
static void test_reactors_of_several_threads_share_nothing(void **state)
{
    (void)state;
    struct reactor *reactors[2];
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        reactors[i] = reactor_new();
        assert_non_null(reactors[i]);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, run_reactor, reactors[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < 2; i++)
        reactor_free(reactors[i]);
}

#define REACTOR_TEST(test)                                                     \
    cmocka_unit_test_setup_teardown(test, open_reactor, close_reactor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REACTOR_TEST(test_turn_that_has_nothing_does_not_wait),
        REACTOR_TEST(test_deferred_is_freed_once_after_the_turn),
        REACTOR_TEST(test_freeing_may_defer_more),
        REACTOR_TEST(test_what_is_left_goes_with_the_reactor),
        REACTOR_TEST(test_timer_fires_once_per_start),
        REACTOR_TEST(test_more_to_do_means_no_waiting),
        REACTOR_TEST(test_yielding_ends_the_turn_and_forgets_nobody),
        REACTOR_TEST(test_now_is_the_same_all_turn),
        REACTOR_TEST(test_signals_come_from_the_loop),
        REACTOR_TEST(test_chores_take_turns_before_the_turn),
        REACTOR_TEST(test_chores_do_not_delay_what_is_ready),
        REACTOR_TEST(test_chore_that_was_removed_takes_no_step),
        cmocka_unit_test(test_reactors_of_several_threads_share_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * Which connection goes to make room for a new one, and which has timed out.
 */
#include "common/http_pool.h"

#include "tests/unit/unit.h"

enum { ROOM = 5 };

static const struct http_site site = {
    .head_ms = 10, .answer_ms = 100, .stall_ms = 1000, .unsent_max = 100};

static struct {
    struct http_pool pool;
    struct http_connection c[ROOM];
    struct http_connection *victim, *read; /* the last ones */
} f;

static void note_victim(struct http_connection *c)
{
    f.victim = c;
    http_pool_remove(&f.pool, c);
}

static bool read_nothing(struct http_connection *c)
{
    f.read = c;
    return true;
}

static bool read_request(struct http_connection *c)
{
    c->stage = HTTP_ANSWERING;
    return true;
}

static bool read_end(struct http_connection *c)
{
    http_pool_remove(&f.pool, c);
    return false;
}

static int set_up(void **state)
{
    (void)state;
    f.victim = f.read = NULL;
    assert_true(http_pool_init(&f.pool, ROOM));
    for (unsigned i = 0; i < ROOM; i++) {
        http_pool_make_room(&f.pool, read_nothing, note_victim);
        assert_null(f.victim);
        http_connection_init(&f.c[i], &site, i);
        http_pool_add(&f.pool, &f.c[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    while (f.pool.count > 0) {
        struct http_connection *c = f.pool.all[0];
        http_pool_remove(&f.pool, c);
        http_connection_fini(c);
    }
    http_pool_fini(&f.pool);
    return 0;
}

static void check_victims(const enum http_stage stages[ROOM],
                          const int expected[ROOM])
{
    for (int i = 0; i < ROOM; i++)
        f.c[i].stage = stages[i];
    for (int i = 0; i < ROOM; i++) {
        http_pool_make_room(&f.pool, read_nothing, note_victim);
        assert_int_equal(f.pool.count, ROOM - 1);
        assert_ptr_equal(f.victim, &f.c[expected[i]]);
        f.victim->stage = HTTP_STREAMING; /* the youngest of the last rank */
        http_pool_add(&f.pool, f.victim);
    }
}

static void test_the_silent_go_first_then_who_asks_then_who_has_it(void **state)
{
    (void)state;
    check_victims((enum http_stage[]){HTTP_ANSWERING, HTTP_LEAVING, HTTP_ASKING,
                                      HTTP_SILENT, HTTP_SILENT},
                  (int[]){3, 4, 2, 1, 0});
}

static void test_of_equals_the_oldest_goes(void **state)
{
    (void)state;
    check_victims((enum http_stage[]){HTTP_ASKING, HTTP_ASKING, HTTP_ASKING,
                                      HTTP_ASKING, HTTP_ASKING},
                  (int[]){0, 1, 2, 3, 4});
}

static void test_who_waits_and_streams_are_worth_an_answer(void **state)
{
    (void)state;
    check_victims((enum http_stage[]){HTTP_STREAMING, HTTP_ANSWERING,
                                      HTTP_WAITING, HTTP_SILENT,
                                      HTTP_ANSWERING},
                  (int[]){3, 0, 1, 2, 4});
}

static void test_a_request_that_waits_unread_saves_its_connection(void **state)
{
    (void)state;
    f.c[0].stage = HTTP_LEAVING;
    http_pool_make_room(&f.pool, read_request, note_victim);
    assert_ptr_equal(f.victim, &f.c[0]);
    for (int i = 1; i < ROOM; i++)
        assert_int_equal(f.c[i].stage, HTTP_ANSWERING);
}

static void test_one_that_has_left_makes_room(void **state)
{
    (void)state;
    http_pool_make_room(&f.pool, read_end, note_victim);
    assert_null(f.victim);
    assert_int_equal(f.pool.count, ROOM - 1);
    assert_ptr_equal(f.pool.all[0], &f.c[1]);
}

static void test_an_answer_is_not_read_before_it_goes(void **state)
{
    (void)state;
    for (int i = 0; i < ROOM; i++)
        f.c[i].stage = HTTP_ANSWERING;
    http_pool_make_room(&f.pool, read_nothing, note_victim);
    assert_null(f.read);
    assert_ptr_equal(f.victim, &f.c[0]);
}

static void test_streams_are_counted(void **state)
{
    (void)state;
    assert_int_equal(http_pool_streams(&f.pool), 0);
    f.c[1].stage = f.c[4].stage = HTTP_STREAMING;
    assert_int_equal(http_pool_streams(&f.pool), 2);
}

static void test_the_first_whose_time_is_over(void **state)
{
    (void)state;
    f.c[0].stage = HTTP_STREAMING; /* nothing limits it */
    f.c[1].stage = HTTP_ANSWERING;
    assert_int_equal(http_pool_left_ms(&f.pool, 5), 7);
    assert_null(http_pool_due(&f.pool, 11));
    assert_ptr_equal(http_pool_due(&f.pool, 12), &f.c[2]);
    assert_int_equal(http_pool_left_ms(&f.pool, 12), 0);
}

static void test_an_empty_one_waits_for_nothing(void **state)
{
    (void)state;
    struct http_pool pool;
    assert_true(http_pool_init(&pool, 1));
    assert_int_equal(http_pool_left_ms(&pool, 7), UINT32_MAX);
    assert_null(http_pool_due(&pool, 7));
    http_pool_fini(&pool);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_silent_go_first_then_who_asks_then_who_has_it),
        TEST(test_of_equals_the_oldest_goes),
        TEST(test_who_waits_and_streams_are_worth_an_answer),
        TEST(test_a_request_that_waits_unread_saves_its_connection),
        TEST(test_one_that_has_left_makes_room),
        TEST(test_an_answer_is_not_read_before_it_goes),
        TEST(test_streams_are_counted),
        TEST(test_the_first_whose_time_is_over),
        cmocka_unit_test(test_an_empty_one_waits_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

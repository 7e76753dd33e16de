/* SPDX-License-Identifier: MIT
 *
 * Hosts take turns, and those whose handshakes came to nothing come last: so a
 * crowd of them does not keep others waiting.
 */
#include "broker/net/tls_lines.h"

#include "broker/net/suspects.h"
#include "broker/net/tls_link.h"
#include "tests/unit/unit.h"

enum { LINKS = 64 };

static struct tls_lines lines;
static struct tls_link links[LINKS];

static struct tls_link *push(int i, uint8_t host, bool is_suspect)
{
    links[i] = (struct tls_link){.host = host, .is_suspect = is_suspect};
    list_init(&links[i].link);
    tls_lines_push(&lines, &links[i]);
    return &links[i];
}

static struct tls_link *pop(void)
{
    return tls_lines_pop(&lines, NULL, NULL);
}

static bool is_odd(const void *arg, uint32_t host)
{
    (void)arg;
    return host % 2 == 1;
}

static void test_hosts_take_turns(void **state)
{
    (void)state;
    tls_lines_init(&lines);
    struct tls_link *first = push(0, 7, false), *second = push(1, 7, false);
    struct tls_link *other = push(2, 9, false);
    assert_int_equal(tls_lines_count(&lines), 3);
    assert_ptr_equal(pop(), first);
    assert_ptr_equal(pop(), other);
    assert_ptr_equal(pop(), second);
    assert_null(pop());
}

static void test_a_host_that_may_not_is_passed_over(void **state)
{
    (void)state;
    tls_lines_init(&lines);
    (void)push(0, 2, false);
    struct tls_link *may = push(1, 3, false);
    assert_ptr_equal(tls_lines_pop(&lines, is_odd, NULL), may);
    assert_null(tls_lines_pop(&lines, is_odd, NULL));
    assert_true(tls_lines_have(&lines, 2) && !tls_lines_have(&lines, 3));
}

/* However many came before. */
static void test_others_come_before_suspects(void **state)
{
    (void)state;
    tls_lines_init(&lines);
    for (int i = 0; i < LINKS - 1; i++)
        (void)push(i, (uint8_t)i, true);
    struct tls_link *honest = push(LINKS - 1, 200, false);
    assert_ptr_equal(pop(), honest);
    assert_int_equal(tls_lines_count(&lines), LINKS - 1);
}

/* However many keep coming. */
static void test_suspects_have_a_share_of_the_turns(void **state)
{
    int served = 0;
    (void)state;
    tls_lines_init(&lines);
    for (int i = 0; i < LINKS; i++)
        (void)push(i, (uint8_t)i, i % 2 == 0);
    for (int i = 0; i < LINKS / 2; i++)
        served += pop()->is_suspect;
    assert_int_equal(served, LINKS / 2 / TLS_LINES_TURN);
}

static void test_who_leaves_a_line_is_not_served(void **state)
{
    (void)state;
    tls_lines_init(&lines);
    struct tls_link *suspect = push(0, 1, true), *clear = push(1, 1, false);
    tls_lines_remove(&lines, clear);
    tls_lines_remove(&lines, suspect);
    assert_int_equal(tls_lines_count(&lines), 0);
    assert_null(pop());
}

static void test_a_suspect_is_remembered_and_forgotten(void **state)
{
    static struct suspects suspects;
    clock_ms now = UINT32_MAX - SUSPECTS_MS; /* the clock begins again */
    (void)state;
    assert_false(suspects_have(&suspects, 5, now));
    for (uint32_t begin_ms = 0; begin_ms < SUSPECTS_MS; begin_ms += 7001) {
        suspects_note(&suspects, 5, now);
        assert_true(suspects_have(&suspects, 5, now + SUSPECTS_MS - 1));
        assert_false(suspects_have(&suspects, 4, now + SUSPECTS_MS - 1));
        now += 2 * SUSPECTS_MS + begin_ms;
        assert_false(suspects_have(&suspects, 5, now));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_take_turns),
        cmocka_unit_test(test_a_host_that_may_not_is_passed_over),
        cmocka_unit_test(test_others_come_before_suspects),
        cmocka_unit_test(test_suspects_have_a_share_of_the_turns),
        cmocka_unit_test(test_who_leaves_a_line_is_not_served),
        cmocka_unit_test(test_a_suspect_is_remembered_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * Passwords are checked beside the loop, in turn by where they come from, and
 * as many as there is room for.
 */
#include "broker/auth/checks.h"

#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/auth_rig.h"
#include "tests/unit/unit.h"

enum { PATIENCE_MS = 60000 };

static struct checks *checks;

/* The thread waits at the gate in front of each hash while it is closed, and
 * writes down the first letter of each password. */
static sem_t gate;
static bool is_gated; /* set before the thread has anything to do */
static char order[64];

/* The last setting that a hash was made with. */
static char setting[CRYPT_OUTPUT_SIZE];

char *__real_crypt_rn(const char *phrase, const char *setting, void *data,
                      int size);
char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data,
                      int size);
char *__wrap_crypt_rn(const char *phrase, const char *hash_setting, void *data,
                      int size)
{
    snprintf(setting, sizeof setting, "%s", hash_setting);
    if (is_gated) {
        while (sem_wait(&gate) != 0)
            ;
        strncat(order, phrase, 1);
    }
    return __real_crypt_rn(phrase, hash_setting, data, size);
}

static int set_up(void **state)
{
    (void)state;
    checks = checks_new();
    order[0] = '\0';
    is_gated = false;
    return checks && sem_init(&gate, 0, 0) == 0 ? 0 : -1;
}

static void open_gate(unsigned times)
{
    while (times-- > 0)
        assert_int_equal(sem_post(&gate), 0);
}

static int tear_down(void **state)
{
    (void)state;
    checks_free(checks);
    return 0;
}

static struct check_result next(void)
{
    struct check_result result;
    struct pollfd readable = {.fd = checks_fd(checks, CHECKS_SESSIONS),
                              .events = POLLIN};
    while (!checks_take(checks, CHECKS_SESSIONS, &result))
        assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
    return result;
}

static const struct network nowhere; /* a unix socket */

static bool submit_claim(enum checks_asker asker, uint64_t id,
                         struct check_claim claim)
{
    return checks_submit(checks, asker, id, &nowhere, &claim);
}

static bool submit(uint64_t id, const char *source, const char *hash,
                   const char *secret)
{
    struct network from = source ? rig_peer(source) : nowhere;
    struct check_claim claim = {hash, NULL, secret, strlen(secret), false};
    return checks_submit(checks, CHECKS_SESSIONS, id, &from, &claim);
}

static bool submit_suspect(uint64_t id, const char *source, const char *hash,
                           const char *secret)
{
    struct network from = rig_peer(source);
    struct check_claim claim = {hash, NULL, secret, strlen(secret), true};
    return checks_submit(checks, CHECKS_SESSIONS, id, &from, &claim);
}

static void test_the_right_password_is_right_and_others_are_not(void **state)
{
    (void)state;
    const char *hash = rig_hash("secret", QUICK_COST);
    static const char *const wrong[] = {"Secret", "", "secret ", "secre"};
    assert_true(submit(7, "192.0.2.1", hash, "secret"));
    struct check_result result = next();
    assert_int_equal(result.id, 7);
    assert_true(result.is_right);
    for (unsigned i = 0; i < UNIT_COUNT(wrong); i++) {
        assert_true(submit(8, NULL, hash, wrong[i]));
        assert_false(next().is_right);
    }
    assert_true(submit(9, NULL, "$y$nonsense", "secret"));
    assert_false(next().is_right);
}

/* The work of a hash is in its setting: of another method or cost, it would
 * take another time. */
static void test_nobodys_password_takes_the_work_of_a_users(void **state)
{
    (void)state;
    for (unsigned long cost = 1; cost <= 3; cost++) {
        const char *hash = rig_hash("secret", cost);
        struct check_claim claim = {NULL, hash, "secret", 6, false};
        assert_true(submit_claim(CHECKS_SESSIONS, 1, claim));
        assert_false(next().is_right); /* though the hash is its own */
        assert_string_equal(setting, hash);
    }
}

static void test_where_nobody_has_one_it_takes_the_usual_work(void **state)
{
    (void)state;
    assert_true(submit(1, NULL, NULL, "secret"));
    assert_false(next().is_right);
    const char *usual = rig_hash("secret", USUAL_COST);
    assert_memory_equal(setting, usual, strlen("$y$j9T$"));
}

static void test_what_is_not_a_password_is_refused(void **state)
{
    (void)state;
    char much[CHECKS_SECRET_MAX + 2];
    memset(much, 'a', sizeof much);
    struct check_claim claim = {NULL, NULL, much, CHECKS_SECRET_MAX + 1, false},
                       cut = {NULL, NULL, "a\0b", 3, false};
    assert_false(submit_claim(CHECKS_SESSIONS, 1, claim));
    assert_false(submit_claim(CHECKS_SESSIONS, 1, cut));
    claim.length = CHECKS_SECRET_MAX;
    assert_true(submit_claim(CHECKS_SESSIONS, 1, claim));
    assert_false(next().is_right);
}

static void test_one_source_has_eight_places(void **state)
{
    (void)state;
    const char *hash = rig_hash("secret", QUICK_COST);
    for (unsigned i = 1; i <= CHECKS_SOURCE_MAX; i++)
        assert_true(submit(i, "192.0.2.1", hash, "secret"));
    assert_false(submit(9, "192.0.2.1", hash, "secret"));
    assert_true(submit(10, "192.0.2.2", hash, "secret"));
    assert_true(next().is_right);
}

static void test_all_places_are_64(void **state)
{
    (void)state;
    char text[32];
    const char *hash = rig_hash("secret", QUICK_COST);
    unsigned taken = 0;
    for (unsigned i = 0; i < 2 * CHECKS_MAX; i++) {
        snprintf(text, sizeof text, "192.0.2.%u", i);
        taken += submit(i + 1, text, hash, "secret");
    }
    assert_int_equal(taken, CHECKS_MAX);
    for (unsigned i = 0; i < taken; i++)
        assert_true(next().is_right);
    assert_true(submit(1, "192.0.2.1", hash, "secret"));
}

/* Who waits is not tried in vain each time that another check ends. */
static void test_a_source_knows_whether_there_is_room(void **state)
{
    (void)state;
    const char *hash = rig_hash("secret", QUICK_COST);
    struct network full = rig_peer("192.0.2.1"), other = rig_peer("192.0.2.2");
    is_gated = true;
    for (unsigned i = 1; i <= CHECKS_SOURCE_MAX; i++) {
        assert_true(checks_have_room(checks, &full));
        assert_true(submit(i, "192.0.2.1", hash, "secret"));
    }
    assert_false(checks_have_room(checks, &full));
    assert_true(checks_have_room(checks, &other));
    open_gate(1);
    assert_true(next().is_right);
    assert_true(checks_have_room(checks, &full));
    open_gate(CHECKS_SOURCE_MAX - 1);
}

static void test_sources_are_taken_in_turn(void **state)
{
    (void)state;
    const char *hash = rig_hash("a", QUICK_COST);
    is_gated = true;
    for (unsigned i = 1; i <= 4; i++)
        assert_true(submit(i, "192.0.2.1", hash, "a"));
    assert_true(submit(5, "192.0.2.2", hash, "b"));
    assert_true(submit(6, "192.0.2.2", hash, "b"));
    assert_true(submit(7, "192.0.2.3", hash, "c"));
    open_gate(7);
    for (unsigned i = 0; i < 7; i++)
        (void)next();
    assert_string_equal(order, "abcabaa");
}

static void test_suspects_come_behind_all_but_each_fourth_time(void **state)
{
    (void)state;
    char source[32];
    const char *hash = rig_hash("a", QUICK_COST);
    is_gated = true;
    assert_true(submit(1, "192.0.2.1", hash, "first"));
    for (unsigned i = 2; i <= 4; i++) {
        snprintf(source, sizeof source, "192.0.2.%u", i);
        assert_true(submit_suspect(i, source, hash, "suspect"));
    }
    for (unsigned i = 5; i <= 8; i++) {
        snprintf(source, sizeof source, "192.0.2.%u", i);
        assert_true(submit(i, source, hash, "clear"));
    }
    open_gate(8);
    for (unsigned i = 0; i < 8; i++)
        (void)next();
    assert_string_equal(order, "fccsccss");
}

/* One that runs, and two that wait. */
static void test_a_cancelled_check_has_no_result(void **state)
{
    (void)state;
    const char *hash = rig_hash("a", QUICK_COST);
    is_gated = true;
    for (uint64_t id = 1; id <= 4; id++)
        assert_true(submit(id, NULL, hash, "a"));
    for (uint64_t id = 1; id <= 3; id++)
        checks_cancel(checks, CHECKS_SESSIONS, id);
    open_gate(2);
    assert_int_equal(next().id, 4);
    struct check_result result;
    assert_false(checks_take(checks, CHECKS_SESSIONS, &result));
}

/* Their numbers are their own: the same one may be in use twice. */
static void test_who_asks_gets_its_own_results(void **state)
{
    (void)state;
    const char *hash = rig_hash("a", QUICK_COST);
    struct check_result result;
    struct check_claim claim = {hash, NULL, "a", 1, false};
    assert_true(submit_claim(CHECKS_DOCUMENTS, 5, claim));
    assert_true(submit_claim(CHECKS_DOCUMENTS, 6, claim));
    checks_cancel(checks, CHECKS_SESSIONS, 6);
    assert_true(submit(5, NULL, hash, "b"));
    result = next();
    assert_int_equal(result.id, 5);
    assert_false(result.is_right);
    assert_false(checks_take(checks, CHECKS_SESSIONS, &result));
    struct pollfd readable = {.fd = checks_fd(checks, CHECKS_DOCUMENTS),
                              .events = POLLIN};
    for (uint64_t id = 5; id <= 6; id++) {
        while (!checks_take(checks, CHECKS_DOCUMENTS, &result))
            assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
        assert_true(result.is_right);
        assert_in_range(result.id, 5, 6);
    }
}

static void test_an_end_with_checks_that_wait(void **state)
{
    (void)state;
    const char *hash = rig_hash("a", QUICK_COST);
    is_gated = true;
    for (uint64_t id = 1; id <= CHECKS_SOURCE_MAX; id++)
        assert_true(submit(id, NULL, hash, "a"));
    open_gate(CHECKS_SOURCE_MAX);
    (void)next();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_the_right_password_is_right_and_others_are_not, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            test_nobodys_password_takes_the_work_of_a_users, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_where_nobody_has_one_it_takes_the_usual_work, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_a_password_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_source_has_eight_places,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_places_are_64, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_source_knows_whether_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sources_are_taken_in_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_suspects_come_behind_all_but_each_fourth_time, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_a_cancelled_check_has_no_result,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_asks_gets_its_own_results,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_end_with_checks_that_wait,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

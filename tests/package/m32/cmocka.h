/* SPDX-License-Identifier: MIT
 *
 * As much of cmocka as the unit tests use, for machines that have no cmocka of
 * the other word size. A test that fails ends the program.
 */
#ifndef SLUICE_TESTS_PACKAGE_M32_CMOCKA_H
#define SLUICE_TESTS_PACKAGE_M32_CMOCKA_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
};

#define cmocka_unit_test(f)                                                    \
    {                                                                          \
#f, f, NULL, NULL                                                      \
    }
#define cmocka_unit_test_setup(f, s)                                           \
    {                                                                          \
#f, f, s, NULL                                                         \
    }
#define cmocka_unit_test_setup_teardown(f, s, t)                               \
    {                                                                          \
#f, f, s, t                                                            \
    }

#define fail_msg(...)                                                          \
    do {                                                                       \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                        \
        fprintf(stderr, __VA_ARGS__);                                          \
        fputc('\n', stderr);                                                   \
        exit(1);                                                               \
    } while (0)
#define fail()             fail_msg("fail")
#define print_message(...) ((void)printf(__VA_ARGS__))
#define skip()             return /* the test says why */
#define assert_true(x)                                                         \
    do {                                                                       \
        if (!(x))                                                              \
            fail_msg("%s", #x);                                                \
    } while (0)
#define assert_false(x)                  assert_true(!(x))
#define assert_null(x)                   assert_true((x) == NULL)
#define assert_non_null(x)               assert_true((x) != NULL)
#define assert_ptr_equal(a, b)           assert_true((a) == (b))
#define assert_ptr_not_equal(a, b)       assert_true((a) != (b))
#define assert_int_equal(a, b)           assert_true((uintmax_t)(a) == (uintmax_t)(b))
#define assert_int_not_equal(a, b)       assert_true((uintmax_t)(a) != (uintmax_t)(b))
#define assert_string_equal(a, b)        assert_true(strcmp(a, b) == 0)
#define assert_string_not_equal(a, b)    assert_true(strcmp(a, b) != 0)
#define assert_memory_equal(a, b, n)     assert_true(memcmp(a, b, n) == 0)
#define assert_memory_not_equal(a, b, n) assert_true(memcmp(a, b, n) != 0)
/* As a function: whether a bound is 0 is nothing to warn about. */
static inline int cmocka_is_in(uintmax_t x, uintmax_t low, uintmax_t high)
{
    return x >= low && x <= high;
}

#define assert_in_range(x, low, high)                                          \
    assert_true(                                                               \
        cmocka_is_in((uintmax_t)(x), (uintmax_t)(low), (uintmax_t)(high)))

static inline int cmocka_run(const struct CMUnitTest *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *state = NULL;
        if (tests[i].setup && tests[i].setup(&state) != 0)
            fail_msg("%s: its setup fails", tests[i].name);
        tests[i].run(&state);
        if (tests[i].teardown && tests[i].teardown(&state) != 0)
            fail_msg("%s: its teardown fails", tests[i].name);
        printf("ok: %s\n", tests[i].name);
    }
    return 0;
}

#define cmocka_run_group_tests(tests, setup, teardown)                         \
    cmocka_run(tests, sizeof(tests) / sizeof *(tests))

#endif

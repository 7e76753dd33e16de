/* SPDX-License-Identifier: MIT
 *
 * A typing error is recognised; another word is not.
 */
#include "common/suggest.h"

#include <string.h>

#include "tests/unit/unit.h"

static const char *suggest(const char *typed)
{
    static const char *const words[] = {"listen", "send", "--listen",
                                        "--log-level"};
    struct suggestion s = suggest_for(typed);
    for (size_t i = 0; i < UNIT_COUNT(words); i++)
        suggest_try(&s, words[i]);
    return s.best;
}

static void test_typing_errors(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *meant;
    } rows[] = {{"listen", "listen"},
                {"lsiten", "listen"},
                {"lisn", "listen"},
                {"sendd", "send"},
                {"--listn", "--listen"},
                {"--loglevel", "--log-level"},
                {"--log_level", "--log-level"}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        assert_string_equal(suggest(rows[i].typed), rows[i].meant);
}

static void test_other_words_are_near_nothing(void **state)
{
    (void)state;
    assert_null(suggest("publish"));
    assert_null(suggest("--monitor-bind"));
}

static void test_no_length_is_too_long(void **state)
{
    (void)state;
    char typed[1000];
    memset(typed, 'l', sizeof typed);
    typed[sizeof typed - 1] = '\0';
    assert_null(suggest(typed));
    struct suggestion s = suggest_for("listen");
    suggest_try(&s, typed);
    assert_null(s.best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typing_errors),
        cmocka_unit_test(test_other_words_are_near_nothing),
        cmocka_unit_test(test_no_length_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * A sentence says why, whatever its parts are, and reports failure.
 */
#include "common/sentence.h"

#include <string.h>

#include "tests/unit/unit.h"

static void test_it_is_formatted_and_false(void **state)
{
    (void)state;
    struct sentence why;
    assert_false(sentence_fail(&why, "cannot %s %d", "open", 3));
    assert_string_equal(why.text, "cannot open 3");
}

static void test_a_long_part_is_cut(void **state)
{
    (void)state;
    struct sentence why[2];
    char part[2 * SENTENCE_BYTES];
    memset(part, 'a', sizeof part);
    part[sizeof part - 1] = '\0';
    memset(why, 'x', sizeof why);
    assert_false(sentence_fail(&why[0], "cannot open %s", part));
    assert_int_equal(strlen(why[0].text), SENTENCE_BYTES - 1);
    assert_int_equal(why[1].text[0], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_formatted_and_false),
        cmocka_unit_test(test_a_long_part_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

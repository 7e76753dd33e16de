/* SPDX-License-Identifier: MIT
 *
 * Sets of numbers as ranges, beside a plain array of booleans.
 */
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <string.h>

#include "common/ranges.h"
#include "tests/unit/chance.h"

enum { NUMBERS = 200, STEPS = 20000 };

static void assert_same(const struct ranges *r, const bool *is_in)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        /* Rising, not empty, not touching. */
        assert_true(r->rows[i].first < r->rows[i].end);
        assert_true(i == 0 || r->rows[i - 1].end < r->rows[i].first);
        for (; number < r->rows[i].first; number++)
            assert_false(is_in[number]);
        for (; number < r->rows[i].end; number++)
            assert_true(is_in[number]);
    }
    for (; number < NUMBERS; number++)
        assert_false(is_in[number]);
}

static uint64_t count_in(const bool *is_in, uint64_t first, uint64_t end)
{
    uint64_t count = 0;
    for (uint64_t n = first; n < end; n++)
        count += is_in[n];
    return count;
}

static void assert_gap(const struct ranges *r, const bool *is_in,
                       uint64_t number)
{
    uint64_t end, gap = ranges_gap(r, number, &end);
    while (number < NUMBERS && is_in[number])
        number++;
    assert_int_equal(gap, number);
    if (end == UINT64_MAX)
        end = NUMBERS;
    assert_int_equal(count_in(is_in, gap, end), 0);
    assert_true(end == NUMBERS || is_in[end]);
}

static void ranges_are_what_was_added_and_not_cut(void **state)
{
    (void)state;
    uint64_t chance = chance_setting("SLUICE_SEED", 11);
    struct ranges r = {0};
    bool is_in[NUMBERS + 1] = {false};
    for (int i = 0; i < STEPS; i++) {
        uint64_t first = chance_of(&chance, NUMBERS - 1);
        uint64_t end =
            first + 1 +
            chance_of(&chance, i % 9 ? 4 : NUMBERS - (uint32_t)first);
        end = end > NUMBERS ? NUMBERS : end;
        if (chance_of(&chance, 30) == 0) {
            ranges_cut(&r, end);
            memset(is_in, 0, end * sizeof *is_in);
        } else {
            assert_true(ranges_reserve(&r));
            ranges_add(&r, first, end);
            for (uint64_t n = first; n < end; n++)
                is_in[n] = true;
        }
        assert_same(&r, is_in);
        first = chance_of(&chance, NUMBERS);
        end = first + chance_of(&chance, NUMBERS - (uint32_t)first + 1);
        assert_int_equal(ranges_overlap(&r, first, end),
                         count_in(is_in, first, end));
        assert_int_equal(ranges_has(&r, first), is_in[first]);
        assert_gap(&r, is_in, first);
    }
    ranges_clear(&r);
    assert_int_equal(r.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_what_was_added_and_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

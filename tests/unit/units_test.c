/* SPDX-License-Identifier: MIT
 *
 * Sizes, durations and counts: what people write is understood, and everything
 * else is refused without touching the value.
 */
#include "common/units.h"

#include "tests/unit/unit.h"

typedef bool units_parser(const char *text, uint64_t *value);

struct units_case {
    const char *text;
    uint64_t value;
};

static const uint64_t untouched = 0x5eed;

static void check_accepted(units_parser *parse, const struct units_case *row,
                           size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t value = untouched;
        if (!parse(row[i].text, &value))
            fail_msg("'%s' was refused", row[i].text);
        assert_int_equal(value, row[i].value);
    }
}

static void check_refused(units_parser *parse, const char *const *texts)
{
    for (; *texts; texts++) {
        uint64_t value = untouched;
        if (parse(*texts, &value))
            fail_msg("'%s' was accepted", *texts);
        assert_int_equal(value, untouched);
    }
}

static void test_sizes_are_bytes_or_powers_of_1024(void **state)
{
    (void)state;
    static const struct units_case rows[] = {
        {"0", 0},
        {"1", 1},
        {"007", 7},
        {"64k", 65536},
        {"64K", 65536},
        {"16m", 16 << 20},
        {"1g", 1 << 30},
        {"4294967296", 4294967296u},
        {"18446744073709551615", UINT64_MAX},
        {"17179869183g", 17179869183u * (UINT64_C(1) << 30)},
    };
    check_accepted(units_parse_size, rows, sizeof rows / sizeof *rows);
}

static void test_sizes_that_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "k",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1kb",
        "1.5m",
        "0x10",
        "64kk",
        "ten",
        "1e3",
        "1k ",
        "1\n",
        "18446744073709551616",
        "17179869184g",
        "99999999999999999999999",
        NULL,
    };
    check_refused(units_parse_size, texts);
}

static void test_durations_have_units_and_fractions(void **state)
{
    (void)state;
    static const struct units_case rows[] = {
        {"0", 0},         {"5", 5000},    {"0.5", 500},       {"250ms", 250},
        {"5s", 5000},     {"2m", 120000}, {"1h", 3600000},    {"1.5s", 1500},
        {"0.25m", 15000}, {"0.001", 1},   {"10.000s", 10000},
    };
    check_accepted(units_parse_duration_ms, rows, sizeof rows / sizeof *rows);
}

static void test_only_zero_is_no_time(void **state)
{
    (void)state;
    static const struct units_case rows[] = {
        {"0.0001s", 1},     {"0.5ms", 1},      {"0.0000000000001", 1},
        {"0.00000000h", 0}, {"1.0004s", 1001},
    };
    check_accepted(units_parse_duration_ms, rows, sizeof rows / sizeof *rows);
}

static void test_durations_that_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "s",
        "-1s",
        "+1",
        "1.",
        ".5",
        "1,5",
        "1 s",
        "inf",
        "nan",
        "0x1p3",
        "1.5.5",
        "5S",
        "1d",
        "1e3",
        "1..5",
        "1min",
        "18446744073709551616ms",
        "18446744073709552",
        "5124095576031h",
        NULL,
    };
    check_refused(units_parse_duration_ms, texts);
}

static void test_the_longest_durations(void **state)
{
    (void)state;
    static const struct units_case rows[] = {
        {"18446744073709551615ms", UINT64_MAX},
        {"18446744073709551", UINT64_C(18446744073709551000)},
    };
    check_accepted(units_parse_duration_ms, rows, sizeof rows / sizeof *rows);
}

static void test_counts_are_digits(void **state)
{
    (void)state;
    static const struct units_case rows[] = {
        {"0", 0}, {"12", 12}, {"18446744073709551615", UINT64_MAX}};
    check_accepted(units_parse_count, rows, sizeof rows / sizeof *rows);
    static const char *const texts[] = {
        "", "-1", "1k", "1.0", " 1", "18446744073709551616", NULL};
    check_refused(units_parse_count, texts);
}

static void test_the_shortest_text_is_written(void **state)
{
    (void)state;
    static const struct {
        void (*format)(uint64_t value, char *out);
        bool (*parse)(const char *text, uint64_t *value);
        uint64_t value;
        const char *text;
    } rows[] = {
        {units_format_size, units_parse_size, 0, "0"},
        {units_format_size, units_parse_size, 1, "1"},
        {units_format_size, units_parse_size, 1025, "1025"},
        {units_format_size, units_parse_size, 64 << 10, "64k"},
        {units_format_size, units_parse_size, 3 << 20, "3m"},
        {units_format_size, units_parse_size, 1 << 30, "1g"},
        {units_format_size, units_parse_size, UINT64_MAX,
         "18446744073709551615"},
        {units_format_duration_ms, units_parse_duration_ms, 0, "0"},
        {units_format_duration_ms, units_parse_duration_ms, 250, "250ms"},
        {units_format_duration_ms, units_parse_duration_ms, 5000, "5s"},
        {units_format_duration_ms, units_parse_duration_ms, 90000, "90s"},
        {units_format_duration_ms, units_parse_duration_ms, 120000, "2m"},
        {units_format_duration_ms, units_parse_duration_ms, 86400000, "24h"},
        {units_format_count, units_parse_count, UINT64_MAX,
         "18446744073709551615"},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char text[UNITS_BYTES];
        uint64_t again = ~rows[i].value;
        rows[i].format(rows[i].value, text);
        assert_string_equal(text, rows[i].text);
        assert_true(rows[i].parse(text, &again));
        assert_int_equal(again, rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_are_bytes_or_powers_of_1024),
        cmocka_unit_test(test_sizes_that_are_none),
        cmocka_unit_test(test_durations_have_units_and_fractions),
        cmocka_unit_test(test_only_zero_is_no_time),
        cmocka_unit_test(test_durations_that_are_none),
        cmocka_unit_test(test_the_longest_durations),
        cmocka_unit_test(test_counts_are_digits),
        cmocka_unit_test(test_the_shortest_text_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

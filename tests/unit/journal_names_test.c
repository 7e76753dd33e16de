/* SPDX-License-Identifier: MIT
 *
 * Only names that a journal gives its files are read as such, and FORMAT is
 * read as it was written, or said to be something else.
 */
#include "proto/journal_names.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static void test_a_segment_is_called_by_its_id(void **state)
{
    (void)state;
    char name[JOURNAL_FILE_NAME];
    journal_name_segment(name, 1);
    assert_string_equal(name, "0000000000000001.seg");
    journal_name_segment(name, UINT64_MAX);
    assert_string_equal(name, "ffffffffffffffff.seg");
    assert_int_equal(journal_name_segment_id(name), UINT64_MAX);
    assert_int_equal(journal_name_segment_id("00000000000000ab.seg"), 0xab);
}

static void test_other_names_are_not_those_of_segments(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "1.seg",
        "0000000000000000.seg",
        "00000000000000AB.seg",
        "0000000000000001.se",
        "0000000000000001.segs",
        "0000000000000001",
        "00000000000000001.seg",
        "000000000000000g.seg",
        "spare-0.seg",
    };
    for (size_t i = 0; i < UNIT_COUNT(others); i++)
        assert_int_equal(journal_name_segment_id(others[i]), 0);
}

static void test_spares_are_numbered(void **state)
{
    (void)state;
    char name[JOURNAL_FILE_NAME];
    for (unsigned i = 0; i < JOURNAL_SPARES; i++) {
        journal_name_spare(name, i);
        assert_int_equal(journal_name_spare_number(name), i);
    }
    assert_int_equal(journal_name_spare_number("spare-6.seg"), -1);
    assert_int_equal(journal_name_spare_number("spare-"), -1);
    assert_int_equal(journal_name_spare_number("spare-00.seg"), -1);
    assert_int_equal(journal_name_spare_number("spare-0.seg.old"), -1);
}

/* FORMAT, and room for more behind it. */
struct format {
    char text[JOURNAL_FORMAT_TEXT + 8];
    uint8_t uuid[JOURNAL_UUID];
};

static struct format written(void)
{
    struct format f = {.text = ""};
    for (size_t i = 0; i < JOURNAL_UUID; i++)
        f.uuid[i] = (uint8_t)(i * 17);
    journal_put_format(f.text, f.uuid);
    return f;
}

static void test_format_is_read_as_written(void **state)
{
    (void)state;
    struct format f = written();
    uint8_t uuid[JOURNAL_UUID];
    unsigned version = 0;
    assert_string_equal(
        f.text, "sluice journal 1\nuuid 00112233445566778899aabbccddeeff\n");
    assert_int_equal(
        journal_get_format(uuid, &version, f.text, JOURNAL_FORMAT_TEXT),
        JOURNAL_SOUND);
    assert_int_equal(version, 1);
    assert_memory_equal(uuid, f.uuid, JOURNAL_UUID);
}

static void test_a_change_anywhere_in_format_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < JOURNAL_FORMAT_TEXT; i++) {
        struct format f = written();
        uint8_t uuid[JOURNAL_UUID];
        unsigned version;
        f.text[i] = (char)(f.text[i] ^ 0x40);
        assert_int_not_equal(
            journal_get_format(uuid, &version, f.text, JOURNAL_FORMAT_TEXT),
            JOURNAL_SOUND);
        assert_int_not_equal(journal_get_format(uuid, &version, f.text, i),
                             JOURNAL_SOUND);
    }
    struct format f = written();
    unsigned version;
    assert_int_equal(
        journal_get_format(f.uuid, &version, f.text, JOURNAL_FORMAT_TEXT + 1),
        JOURNAL_MALFORMED);
}

static void test_a_newer_version_is_named(void **state)
{
    (void)state;
    static const char newer[] = "sluice journal 17\nwhatever it has";
    uint8_t uuid[JOURNAL_UUID];
    unsigned version;
    assert_int_equal(journal_get_format(uuid, &version, newer, strlen(newer)),
                     JOURNAL_NEWER);
    assert_int_equal(version, 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_segment_is_called_by_its_id),
        cmocka_unit_test(test_other_names_are_not_those_of_segments),
        cmocka_unit_test(test_spares_are_numbered),
        cmocka_unit_test(test_format_is_read_as_written),
        cmocka_unit_test(test_a_change_anywhere_in_format_is_found),
        cmocka_unit_test(test_a_newer_version_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

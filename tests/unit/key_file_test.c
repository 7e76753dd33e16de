/* SPDX-License-Identifier: MIT
 *
 * A file of keys has one key to a line, and nobody else may read a secret one.
 */
#include "common/key_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sentence.h"
#include "tests/unit/unit.h"

#define KEY_A "0123456789abcdefghij0123456789ABCDEFGHIJ"
#define KEY_B "#.-:+=^!/*?&<>()[]{}@%$#.-:+=^!/*?&<>()["

static char path[] = "/tmp/key_file_test-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd >= 0 ? close(fd) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void test_comments_and_owners_are_no_keys(void **state)
{
    (void)state;
    struct key_list list;
    struct sentence why;
    write_file("# who may watch\n\n" KEY_A " ann\r\n \n" KEY_B "\tbob\n"
               "#\n" KEY_A);
    assert_true(key_file_read_list(path, &list, &why));
    assert_int_equal(list.count, 3);
    assert_string_equal(list.keys[0], KEY_A);
    assert_string_equal(list.keys[1], KEY_B);
    assert_string_equal(list.keys[2], KEY_A);
    key_list_fini(&list);
}

static void test_anything_else_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char *const wrong[] = {"short", KEY_A "x", "\"" KEY_A,
                                        "ann " KEY_A};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct key_list list;
        struct sentence why;
        char text[256];
        snprintf(text, sizeof text, "%s\n%s\n", KEY_A, wrong[i]);
        write_file(text);
        assert_false(key_file_read_list(path, &list, &why));
        assert_non_null(strstr(why.text, ":2: "));
        assert_int_equal(list.count, 0);
        assert_null(list.keys);
    }
}

static void test_one_key_is_exactly_one(void **state)
{
    (void)state;
    char key[KEY_FILE_TEXT_BYTES];
    struct sentence why;
    write_file("# none\n");
    assert_false(key_file_read(path, false, key, &why));
    write_file(KEY_A "\n" KEY_B "\n");
    assert_false(key_file_read(path, false, key, &why));
    write_file(KEY_B "\n");
    assert_true(key_file_read(path, false, key, &why));
    assert_string_equal(key, KEY_B);
}

static void test_a_secret_is_refused_when_others_may_read_it(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool is_good;
    } cases[] = {{0400, true},  {0600, true},  {0640, true},
                 {0660, false}, {0604, false}, {0602, false}};
    char key[KEY_FILE_TEXT_BYTES];
    struct sentence why;
    write_file(KEY_A "\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(chmod(path, cases[i].mode), 0);
        assert_int_equal(key_file_read(path, true, key, &why),
                         cases[i].is_good);
        assert_int_equal(key_file_read(path, false, key, &why), true);
    }
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_what_is_no_file_is_refused(void **state)
{
    (void)state;
    char key[KEY_FILE_TEXT_BYTES];
    struct sentence why;
    assert_false(key_file_read("/", true, key, &why));
    assert_false(key_file_read("/nowhere/key", true, key, &why));
    assert_non_null(strstr(why.text, "/nowhere/key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comments_and_owners_are_no_keys),
        cmocka_unit_test(test_anything_else_is_refused_with_its_line),
        cmocka_unit_test(test_one_key_is_exactly_one),
        cmocka_unit_test(test_a_secret_is_refused_when_others_may_read_it),
        cmocka_unit_test(test_what_is_no_file_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

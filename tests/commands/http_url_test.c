/* SPDX-License-Identifier: MIT
 *
 * Where documents are asked for, as users write it.
 */
#include "client/http_url.h"

#include "common/sentence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* As "tls address host path". */
static const char *read(const char *text)
{
    static char out[1024];
    struct http_url url;
    struct sentence why = {.text = ""};
    if (http_url_parse(text, &url, &why))
        snprintf(out, sizeof out, "%s %s %s %s", url.is_secured ? "tls" : "-",
                 url.address, url.host, url.path);
    else
        snprintf(out, sizeof out, "no: %s", why.text);
    return out;
}

static void test_each_form_is_read(void **state)
{
    (void)state;
    assert_string_equal(read("h:1"), "- h:1 h:1 ");
    assert_string_equal(read("h"), "- h:25080 h:25080 ");
    assert_string_equal(read("tls:h"), "tls h:25080 h:25080 ");
    assert_string_equal(read("http://h"), "- h:80 h:80 ");
    assert_string_equal(read("https://h/"), "tls h:443 h:443 ");
    assert_string_equal(read("https://h:1/a/b//"), "tls h:1 h:1 /a/b");
    assert_string_equal(read("https://[::1]:1/a"), "tls [::1]:1 [::1]:1 /a");
    assert_string_equal(read("[::1]"), "- [::1]:25080 [::1]:25080 ");
    assert_string_equal(read("unix:/a/b"), "- unix:/a/b localhost ");
}

static void test_what_is_no_place_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "http://",
        "https:///stats",
        "25080",
        "h:0",
        "h:70000",
        "https://unix:/a",
        "http://h:1/?a=b",
        "http://h:1/a#b",
        "http://h:1/a b",
        "http://h:1/\xc3\xa4",
        "http://h:1/\r\nX: y",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_memory_equal(read(wrong[i]), "no: ", 4);
}

static void test_a_secret_in_a_url_is_refused(void **state)
{
    (void)state;
    assert_non_null(strstr(read("https://ann:secret@h:1/"), "see --user"));
}

static void test_what_is_too_long_is_refused(void **state)
{
    char text[1024];
    (void)state;
    for (size_t n = 1; n < sizeof text - 20; n++) {
        strcpy(text, "http://h:1/");
        memset(text + 11, 'a', n);
        text[11 + n] = '\0';
        const char *got = read(text);
        assert_int_equal(got[0] == 'n', n + 1 >= HTTP_URL_PATH_BYTES);
        strcpy(text, "http://");
        memset(text + 7, 'a', n);
        text[7 + n] = '\0';
        got = read(text);
        assert_int_equal(got[0] == 'n', n >= SLUICE_ADDRESS_HOST_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_form_is_read),
        cmocka_unit_test(test_what_is_no_place_is_refused),
        cmocka_unit_test(test_a_secret_in_a_url_is_refused),
        cmocka_unit_test(test_what_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

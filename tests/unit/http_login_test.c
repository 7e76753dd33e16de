/* SPDX-License-Identifier: MIT
 *
 * What a client shows is taken apart exactly, or not at all.
 */
#include "common/http_login.h"

#include <string.h>

#include "tests/unit/unit.h"

static struct http_login l;

static void test_a_user_and_a_password(void **state)
{
    static const struct {
        const char *header, *user, *secret;
    } rows[] = {
        {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},
        {"basic   YTpi", "a", "b"},
        {"BASIC YTpiOmM=", "a", "b:c"},
        {"Basic YTo=", "a", ""},
        {"Basic OmI=", "", "b"},
        {"Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3"},
    };
    (void)state;
    for (unsigned i = 0; i < UNIT_COUNT(rows); i++) {
        http_login_parse(&l, rows[i].header);
        assert_int_equal(l.scheme, HTTP_BASIC);
        assert_string_equal(l.user, rows[i].user);
        assert_string_equal(l.secret, rows[i].secret);
        assert_int_equal(l.secret_length, strlen(rows[i].secret));
    }
}

static void test_a_token(void **state)
{
    (void)state;
    http_login_parse(&l, "Bearer sl_a-b.c~d+e/f==");
    assert_int_equal(l.scheme, HTTP_BEARER);
    assert_string_equal(l.user, "");
    assert_string_equal(l.secret, "sl_a-b.c~d+e/f==");
    assert_int_equal(l.secret_length, 16);
}

static void test_what_is_neither_is_nobodys(void **state)
{
    static const char *const rows[] = {
        "",
        "Basic",
        "Basic ",
        "Basic =",
        "Basic YTpi=",
        "Basic YT pi",
        "Basic YTp",
        "Basic YTpiY",
        "Basic YQ==",
        "Basic YTpi==",
        "Basic YT==pi",
        "Basic YTpi-_==",
        "Basic YQA6Yg==" /* a NUL */,
        "Basic YToKYg==" /* a line's end */,
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer =",
        "Bearer a=b",
        "Digest YTpi",
        "Basi YTpi",
        "BasicYTpi",
        "Bearer \"a\"",
    };
    (void)state;
    for (unsigned i = 0; i < UNIT_COUNT(rows); i++) {
        http_login_parse(&l, rows[i]);
        assert_int_equal(l.scheme, HTTP_OTHER_SCHEME);
        assert_string_equal(l.user, "");
        assert_string_equal(l.secret, "");
    }
}

static void test_nothing(void **state)
{
    (void)state;
    http_login_parse(&l, NULL);
    assert_int_equal(l.scheme, HTTP_NOTHING_SHOWN);
}

static void test_what_is_too_long_is_nobodys(void **state)
{
    char header[4 * HTTP_LOGIN_MAX];
    (void)state;
    memset(header, 'A', sizeof header);
    memcpy(header, "Bearer ", 7);
    header[7 + HTTP_LOGIN_MAX] = '\0';
    http_login_parse(&l, header);
    assert_int_equal(l.scheme, HTTP_OTHER_SCHEME);
    header[7 + HTTP_LOGIN_MAX - 1] = '\0';
    http_login_parse(&l, header);
    assert_int_equal(l.scheme, HTTP_BEARER);
    assert_int_equal(l.secret_length, HTTP_LOGIN_MAX - 1);
    memset(header, 'A', sizeof header);
    memcpy(header, "Basic YTph", 10);
    header[6 + (HTTP_LOGIN_MAX + 2) / 3 * 4] = '\0';
    http_login_parse(&l, header);
    assert_int_equal(l.scheme, HTTP_OTHER_SCHEME);
}

static void test_it_is_wiped(void **state)
{
    static const struct http_login nothing;
    (void)state;
    http_login_parse(&l, "Bearer secret");
    http_login_wipe(&l);
    assert_memory_equal(&l, &nothing, sizeof l);
    http_login_parse(&l, "Basic c2VjcmV0"); /* "secret": no colon */
    assert_null(memmem(l.bytes, sizeof l.bytes, "secret", 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_user_and_a_password),
        cmocka_unit_test(test_a_token),
        cmocka_unit_test(test_what_is_neither_is_nobodys),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_what_is_too_long_is_nobodys),
        cmocka_unit_test(test_it_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

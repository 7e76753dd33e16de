/* SPDX-License-Identifier: MIT
 *
 * What servers answer over HTTP, and what is made of it.
 */
#include "client/http_answer.h"

#include "client/http_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

/* An exact-size copy, so that a sanitizer sees every byte too far. */
static bool is_whole(const char *text, size_t n)
{
    char *copy = malloc(n + 1);
    memcpy(copy, text, n);
    copy[n] = '\0';
    bool is = http_answer_is_whole(copy, n);
    free(copy);
    return is;
}

static void test_an_answer_is_whole_when_its_body_is(void **state)
{
    static const char text[] = OK_HEAD "X: Content-Length: 9\r\n"
                                       "content-length:  5\r\n\r\nhello";
    struct http_answer a;
    (void)state;
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_false(is_whole(text, n));
    assert_true(http_answer_parse(&a, text, sizeof text - 1));
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "hello");
    assert_int_equal(a.body_bytes, 5);
}

static void test_what_is_no_answer_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "\r\n\r\n",
        "HTTP/1.1 \r\n\r\n",
        "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK_HEAD "\r\n",
        OK_HEAD "Content-Length: -1\r\n\r\n",
        OK_HEAD "Content-Length: 99999999999999999999\r\n\r\n",
        OK_HEAD "Content-Length: 1\r\n\r\n12",
        OK_HEAD "\r\nContent-Length: 0\r\n\r\n",
        "\x16\x03\x01\x02",
    };
    struct http_answer a;
    (void)state;
    assert_false(http_answer_parse(&a, NULL, 0));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(is_whole(wrong[i], strlen(wrong[i])));
}

/* The sentence for a status and a body. */
static const char *refused(int status, const char *body, bool has_login)
{
    static struct sluice_failure why;
    static const struct http_url url = {.address = "h:1"};
    const struct http_answer_peer peer = {.url = &url, .has_login = has_login};
    const struct http_answer a = {status, body, strlen(body)};
    assert_int_not_equal(http_answer_refused(&a, &peer, &why), SLUICE_OK);
    return why.sentence;
}

static void test_each_refusal_says_what_to_do(void **state)
{
    (void)state;
    assert_non_null(strstr(refused(401, "who?\n", false), "--token-file"));
    assert_non_null(strstr(refused(401, "who?\n", true), "this secret"));
    assert_non_null(strstr(refused(403, "Forbidden\n", true), "--http-host"));
    assert_non_null(strstr(refused(403, "you may not\n", true), "you may not"));
    assert_non_null(strstr(refused(404, "Not Found\n", false), "--http"));
    assert_non_null(strstr(refused(421, "Misdirected\n", false), "name"));
    assert_non_null(strstr(refused(426, "tls\n", true), "https://h:1"));
    assert_non_null(strstr(refused(503, "", true), "503"));
    assert_non_null(strstr(refused(302, "", true), "302"));
}

/* A server may be anybody. */
static void test_the_words_of_a_server_are_harmless(void **state)
{
    char body[1024];
    (void)state;
    assert_null(strchr(refused(500, "a \x1b[2J b\rc", false), 0x1b));
    memset(body, ' ', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    assert_true(strlen(refused(500, body, false)) < 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_whole_when_its_body_is),
        cmocka_unit_test(test_what_is_no_answer_is_refused),
        cmocka_unit_test(test_each_refusal_says_what_to_do),
        cmocka_unit_test(test_the_words_of_a_server_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

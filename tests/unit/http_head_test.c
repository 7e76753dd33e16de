/* SPDX-License-Identifier: MIT
 *
 * A request that two readers could understand in two ways is refused (request
 * smuggling), wherever the bytes are cut.
 */
#include "common/http_head.h"

#include <string.h>

#include "tests/unit/unit.h"

/* Reads it as the server does, in pieces of `step` bytes. */
static enum http_status read_request(struct http_request *out, char *head,
                                     const char *text, size_t n, size_t step)
{
    size_t length;
    memcpy(head, text, n);
    for (size_t at = 0; at < n;) {
        size_t next = at + step < n ? at + step : n;
        switch (http_head_look(head, at, next, &length)) {
        case HTTP_BROKEN:
            return HTTP_BAD_REQUEST;
        case HTTP_COMPLETE:
            return http_head_parse(out, head, length);
        case HTTP_MORE:
            at = next;
        }
    }
    return 0;
}

#define GET(lines)  "GET / HTTP/1.1\r\nHost: a\r\n" lines "\r\n"
#define POST(lines) "POST / HTTP/1.1\r\nHost: a\r\n" lines "\r\n"

static const struct {
    enum http_status status;
    const char *text;
} rows[] = {
    {HTTP_OK, GET("")},
    {HTTP_OK, "GET /x?y=1&z HTTP/1.0\r\nHost: a\r\n\r\n"},
    {HTTP_OK, "HEAD / HTTP/1.1\r\nhOST:a\r\n\r\n"},
    {HTTP_OK, GET("Content-Length: 0\r\n")},
    {HTTP_OK, GET("Accept: a\tb \xc3\xbc\r\nX:\r\n")},
    {HTTP_OK, GET("") "what is pipelined behind it is not read"},
    {HTTP_METHOD_NOT_ALLOWED, POST("")},
    {HTTP_METHOD_NOT_ALLOWED, POST("Content-Length: 5\r\n") "hello"},
    {HTTP_METHOD_NOT_ALLOWED, POST("Transfer-Encoding: chunked\r\n")},
    {HTTP_METHOD_NOT_ALLOWED, "FOO / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_METHOD_NOT_ALLOWED, "get / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_VERSION_NOT_SUPPORTED, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
    {HTTP_VERSION_NOT_SUPPORTED, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"},
    /* Two ends of one body. */
    {HTTP_BAD_REQUEST,
     POST("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n")},
    {HTTP_BAD_REQUEST, POST("Content-Length: 5\r\nContent-Length: 6\r\n")},
    {HTTP_BAD_REQUEST, POST("Content-Length: 5\r\nContent-Length: 5\r\n")},
    {HTTP_BAD_REQUEST, POST("Content-Length: 5, 5\r\n")},
    {HTTP_BAD_REQUEST, POST("Content-Length: +5\r\n")},
    {HTTP_BAD_REQUEST, POST("Content-Length: -1\r\n")},
    {HTTP_BAD_REQUEST, POST("Content-Length: 0x5\r\n")},
    {HTTP_BAD_REQUEST, POST("Content-Length: 5 \v\r\n")},
    {HTTP_BAD_REQUEST, POST("Content-Length:\r\n")},
    {HTTP_BAD_REQUEST, POST("Content-Length: 99999999999999999999\r\n")},
    {HTTP_BAD_REQUEST, POST("Transfer-Encoding: xchunked\r\n")},
    {HTTP_BAD_REQUEST, POST("Transfer-Encoding: identity\r\n")},
    {HTTP_BAD_REQUEST, POST("Transfer-Encoding: chunked, chunked\r\n")},
    {HTTP_BAD_REQUEST,
     POST("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n")},
    {HTTP_BAD_REQUEST, POST("Transfer-Encoding : chunked\r\n")},
    {HTTP_BAD_REQUEST, POST("Transfer-Encoding\t: chunked\r\n")},
    {HTTP_BAD_REQUEST, POST("X: y\r\n Transfer-Encoding: chunked\r\n")},
    {HTTP_BAD_REQUEST, POST("Transfer-Encoding:\r\n chunked\r\n")},
    {HTTP_BAD_REQUEST, POST("X: y\nTransfer-Encoding: chunked\r\n")},
    {HTTP_BAD_REQUEST, POST("X: y\rTransfer-Encoding: chunked\r\n")},
    {HTTP_BAD_REQUEST, GET("Content-Length: 5\r\n") "hello"},
    {HTTP_BAD_REQUEST, GET("Transfer-Encoding: chunked\r\n") "0\r\n\r\n"},
    /* The host. */
    {HTTP_BAD_REQUEST, "GET / HTTP/1.1\r\n\r\n"},
    {HTTP_BAD_REQUEST, "GET / HTTP/1.0\r\n\r\n"},
    {HTTP_BAD_REQUEST, GET("Host: b\r\n")},
    {HTTP_BAD_REQUEST, GET("Host: a\r\n")},
    /* Not a head at all. */
    {HTTP_BAD_REQUEST, "\r\n\r\n"},
    {HTTP_BAD_REQUEST, "GET /\r\n\r\n"},
    {HTTP_BAD_REQUEST, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_BAD_REQUEST, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
    {HTTP_BAD_REQUEST, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_BAD_REQUEST, "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_BAD_REQUEST, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_BAD_REQUEST, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_BAD_REQUEST, "GET /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_BAD_REQUEST, "GET / http/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_BAD_REQUEST, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {HTTP_BAD_REQUEST, GET("no colon\r\n")},
    {HTTP_BAD_REQUEST, GET(": no name\r\n")},
    {HTTP_BAD_REQUEST, GET("X: \x01\r\n")},
    {HTTP_BAD_REQUEST, "\x16\x03\x01\x02 hello"},
};

static void test_each_row_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].text);
        for (size_t step = 1; step <= n; step++) {
            char head[HTTP_HEAD_MAX];
            struct http_request request;
            enum http_status status =
                read_request(&request, head, rows[i].text, n, step);
            if (status != rows[i].status)
                fail_msg("row %zu, %zu at once: %s", i, step, rows[i].text);
        }
    }
}

static void test_nul_is_refused(void **state)
{
    (void)state;
    static const char text[] = GET("X: a\0b\r\n");
    char head[HTTP_HEAD_MAX];
    struct http_request request;
    assert_int_equal(
        read_request(&request, head, text, sizeof text - 1, sizeof text),
        HTTP_BAD_REQUEST);
}

static void test_what_is_read_out_of_it(void **state)
{
    (void)state;
    static const char text[] =
        "HEAD /stats?a=b HTTP/1.1\r\nX: y\r\nHost: \tlocal:80 \r\n\r\n";
    char head[HTTP_HEAD_MAX];
    struct http_request request;
    assert_int_equal(
        read_request(&request, head, text, sizeof text - 1, sizeof text),
        HTTP_OK);
    assert_string_equal(request.path, "/stats");
    assert_string_equal(request.query, "a=b");
    assert_string_equal(request.host, "local:80");
    assert_true(request.is_head);
    assert_false(request.is_post);
}

static void test_a_post_is_known_and_whether_it_has_a_body(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has_body;
    } posts[] = {{POST(""), false},
                 {POST("Content-Length: 0\r\n"), false},
                 {POST("Content-Length: 5\r\n"), true},
                 {POST("Transfer-Encoding: chunked\r\n"), true}};
    for (size_t i = 0; i < sizeof posts / sizeof *posts; i++) {
        char head[HTTP_HEAD_MAX];
        struct http_request request;
        size_t n = strlen(posts[i].text);
        assert_int_equal(read_request(&request, head, posts[i].text, n, n),
                         HTTP_METHOD_NOT_ALLOWED);
        assert_true(request.is_post);
        assert_int_equal(request.has_body, posts[i].has_body);
        assert_string_equal(request.query, "");
    }
}

static void test_nothing_is_complete_before_its_end(void **state)
{
    (void)state;
    static const char text[] = GET("");
    size_t length;
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_int_equal(http_head_look(text, 0, n, &length), HTTP_MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_however_it_is_cut),
        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_what_is_read_out_of_it),
        cmocka_unit_test(test_a_post_is_known_and_whether_it_has_a_body),
        cmocka_unit_test(test_nothing_is_complete_before_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

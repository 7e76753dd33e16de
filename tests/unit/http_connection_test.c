/* SPDX-License-Identifier: MIT
 *
 * One request and its answer, however the bytes are cut on both ways.
 */
#include "common/http_connection.h"

#include <stdlib.h>
#include <string.h>

#include "common/http_head.h"
#include "tests/unit/unit.h"

enum {
    HEAD_MS = 100,
    WAIT_MS = 200,
    ANSWER_MS = 300,
    STALL_MS = 1000,
    UNSENT_MAX = 1000
};

#define GET(path, lines) "GET " path " HTTP/1.1\r\nHost: localhost\r\n" lines

#define POST(path, lines) "POST " path " HTTP/1.1\r\nHost: localhost\r\n" lines

static struct {
    struct http_connection c;
    bool has_room;                /* for another stream */
    struct http_document *shared; /* NULL while it is being made */
    char sent[20000];
    size_t sent_bytes;
} f;

static enum http_status write_word(void *arg, FILE *out)
{
    fputs(arg, out);
    return HTTP_UNAVAILABLE;
}

static enum http_status answer_query(void *arg, const struct http_request *r,
                                     FILE *out)
{
    fprintf(out, "%s %s %u", (const char *)arg, r->query, r->user);
    return r->query[0] == '-' ? HTTP_BAD_REQUEST : HTTP_OK;
}

static bool admit(void *arg)
{
    (void)arg;
    return f.has_room;
}

static struct http_document *get_shared(void *arg)
{
    (void)arg;
    return f.shared;
}

static const struct http_route routes[] = {
    {"/shared", "text/plain", .get = get_shared},
    {"/made", "text/plain", .write = write_word},
    {"/fixed", "text/x", .bytes = "a\0b", .length = 3},
    {"/feed", "text/event-stream", .admit = admit},
    {"/asked", "text/x", .answer = answer_query},
    {"/open", "text/x", .is_for_all = true, .bytes = "open", .length = 4},
    {"/order", "text/x", .answer = answer_query, .is_post = true},
};

static const char *const names[] = {"known"};

static struct http_site site = {
    .routes = routes,
    .route_count = UNIT_COUNT(routes),
    .arg = "word",
    .names = names,
    .name_count = 1,
    .stranger = HTTP_MISDIRECTED,
    .has_own_origin = true,
    .headers = "X-Site: 1\r\n",
    .connections_max = 1,
    .head_ms = HEAD_MS,
    .wait_ms = WAIT_MS,
    .answer_ms = ANSWER_MS,
    .stall_ms = STALL_MS,
    .unsent_max = UNSENT_MAX,
};

static int set_up(void **state)
{
    (void)state;
    f.has_room = true;
    f.shared = NULL;
    f.sent_bytes = 0;
    memset(f.sent, 0, sizeof f.sent);
    http_connection_init(&f.c, &site, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_connection_fini(&f.c);
    http_document_unref(f.shared);
    return 0;
}

static void receive(const char *text)
{
    assert_true(http_connection_receive(&f.c, text, strlen(text), 0));
}

/* Sends all there is, `step` bytes at once, as a full socket makes it. */
static void drain(size_t step)
{
    struct iovec iov[HTTP_CONNECTION_IOVS];
    int n;
    while ((n = http_connection_output(&f.c, iov)) > 0) {
        size_t taken = iov[0].iov_len < step ? iov[0].iov_len : step;
        assert_true(n <= HTTP_CONNECTION_IOVS && taken > 0);
        assert_true(f.sent_bytes + taken < sizeof f.sent);
        memcpy(f.sent + f.sent_bytes, iov[0].iov_base, taken);
        f.sent_bytes += taken;
        http_connection_sent(&f.c, taken, 0);
    }
}

static const char *body(void)
{
    const char *end = strstr(f.sent, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static int status(void)
{
    assert_memory_equal(f.sent, "HTTP/1.1 ", 9);
    return atoi(f.sent + 9);
}

static void check_status(const char *request, enum http_status expected)
{
    set_up(NULL);
    receive(request);
    drain(sizeof f.sent);
    if (status() != (int)expected)
        fail_msg("%d, not %d: %s", status(), expected, request);
    assert_int_equal(f.c.stage, HTTP_LEAVING);
    tear_down(NULL);
}

static void test_each_answer(void **state)
{
    (void)state;
    static const struct {
        enum http_status status;
        const char *request;
    } rows[] = {
        {HTTP_OK, GET("/fixed", "\r\n")},
        {HTTP_OK, GET("/fixed?a=b", "\r\n")},
        {HTTP_OK, "GET /fixed HTTP/1.0\r\nHost: KNOWN:80\r\n\r\n"},
        {HTTP_OK, GET("/fixed", "Origin: http://localhost\r\n\r\n")},
        {HTTP_UNAVAILABLE, GET("/made", "\r\n")},
        {HTTP_NOT_FOUND, GET("/", "\r\n")},
        {HTTP_NOT_FOUND, GET("/fixed/", "\r\n")},
        {HTTP_MISDIRECTED, "GET /fixed HTTP/1.1\r\nHost: evil\r\n\r\n"},
        {HTTP_MISDIRECTED, "POST /fixed HTTP/1.1\r\nHost: evil\r\n\r\n"},
        {HTTP_MISDIRECTED, "GET /fixed HTTP/1.1\r\nHost: \r\n\r\n"},
        {HTTP_FORBIDDEN, GET("/fixed", "Origin: http://evil\r\n\r\n")},
        {HTTP_FORBIDDEN, GET("/fixed", "Origin: null\r\n\r\n")},
        {HTTP_FORBIDDEN, GET("/fixed", "Origin: https://localhost\r\n\r\n")},
        {HTTP_BAD_REQUEST, GET("/fixed", "Origin: a\r\nOrigin: a\r\n\r\n")},
        {HTTP_BAD_REQUEST, GET("/fixed", "Host: known\r\n\r\n")},
        {HTTP_BAD_REQUEST, "GET /fixed HTTP/1.1\r\n\r\n"},
        {HTTP_BAD_REQUEST, "\x16\x03\x01"},
        {HTTP_METHOD_NOT_ALLOWED, POST("/fixed", "\r\n")},
        {HTTP_METHOD_NOT_ALLOWED, POST("/asked", "\r\n")},
        {HTTP_METHOD_NOT_ALLOWED, POST("/", "\r\n")},
        {HTTP_METHOD_NOT_ALLOWED, GET("/order", "\r\n")},
        {HTTP_METHOD_NOT_ALLOWED,
         "HEAD /order HTTP/1.1\r\nHost: localhost\r\n\r\n"},
        {HTTP_OK, POST("/order", "\r\n")},
        {HTTP_OK, POST("/order", "Content-Length: 0\r\n\r\n")},
        {HTTP_BAD_REQUEST, POST("/order", "Content-Length: 1\r\n\r\na")},
        {HTTP_FORBIDDEN, POST("/order", "Origin: http://evil\r\n\r\n")},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check_status(rows[i].request, rows[i].status);
}

static void check_bodies(size_t step)
{
    set_up(NULL);
    receive(GET("/fixed", "\r\n"));
    drain(step);
    assert_memory_equal(body(), "a\0b", 3);
    assert_int_equal(f.sent + f.sent_bytes - body(), 3);
    tear_down(NULL);
    set_up(NULL);
    receive(GET("/made", "\r\n"));
    drain(step);
    assert_string_equal(body(), "word");
    assert_non_null(strstr(f.sent, "\r\nContent-Length: 4\r\n"));
    assert_non_null(strstr(f.sent, "\r\nContent-Type: text/plain\r\n"));
    assert_non_null(strstr(f.sent, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(f.sent, "\r\nX-Site: 1\r\n"));
    tear_down(NULL);
}

static void test_bodies_however_slowly_they_are_taken(void **state)
{
    (void)state;
    for (size_t step = 1; step < 1000; step += 7)
        check_bodies(step);
}

static void test_head_has_the_length_and_no_body(void **state)
{
    (void)state;
    receive("HEAD /made HTTP/1.1\r\nHost: localhost\r\n\r\n");
    drain(5);
    assert_non_null(strstr(f.sent, "\r\nContent-Length: 4\r\n"));
    assert_string_equal(body(), "");
}

static void test_the_head_of_a_stream_can_be_asked_for(void **state)
{
    (void)state;
    f.has_room = false; /* it takes none */
    receive("HEAD /feed HTTP/1.1\r\nHost: localhost\r\n\r\n");
    drain(100);
    assert_int_equal(status(), HTTP_OK);
    assert_int_equal(f.c.stage, HTTP_LEAVING);
}

static void test_an_answer_is_made_for_its_request(void **state)
{
    (void)state;
    f.c.user = 1000;
    receive(GET("/asked?a=%20b?c", "\r\n"));
    drain(100);
    assert_string_equal(body(), "word a=%20b?c 1000");
    assert_non_null(strstr(f.sent, "\r\nContent-Type: text/x\r\n"));
}

static void test_an_answer_may_be_an_error(void **state)
{
    (void)state;
    receive(GET("/asked?-", "\r\n"));
    drain(100);
    assert_int_equal(status(), HTTP_BAD_REQUEST);
    assert_non_null(strstr(f.sent, "\r\nContent-Type: text/plain\r\n"));
}

static void test_a_refused_method_names_those_allowed(void **state)
{
    (void)state;
    receive(GET("/order", "\r\n"));
    drain(100);
    assert_non_null(strstr(f.sent, "\r\nAllow: POST\r\n"));
    tear_down(NULL);
    set_up(NULL);
    receive(POST("/asked", "\r\n"));
    drain(100);
    assert_non_null(strstr(f.sent, "\r\nAllow: GET, HEAD\r\n"));
}

static void test_the_caller_may_refuse_what_is_understood(void **state)
{
    (void)state;
    f.c.refusal = HTTP_UPGRADE_REQUIRED;
    receive(GET("/made", "\r\n"));
    drain(1);
    assert_non_null(strstr(f.sent, "HTTP/1.1 426 "));
    assert_non_null(strstr(f.sent, "\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n"));
    assert_non_null(strstr(f.sent, "\r\n\r\nthis address demands TLS"));
}

static void test_a_broken_request_is_not_worth_a_refusal(void **state)
{
    (void)state;
    f.c.refusal = HTTP_UPGRADE_REQUIRED;
    receive("GET\r\n\r\n");
    drain(1);
    assert_non_null(strstr(f.sent, "HTTP/1.1 400 "));
}

/* A handshake: it does not give way as if nothing had come. */
static void test_bytes_that_are_not_for_it_let_expect_a_head(void **state)
{
    (void)state;
    assert_int_equal(f.c.stage, HTTP_SILENT);
    http_connection_expect(&f.c);
    assert_int_equal(f.c.stage, HTTP_ASKING);
    receive(GET("/fixed", "\r\n"));
    assert_int_equal(f.c.stage, HTTP_ANSWERING);
    http_connection_expect(&f.c);
    assert_int_equal(f.c.stage, HTTP_ANSWERING);
}

static struct http_verdict verdict; /* of the next request */
static char shown[32];              /* what it had in Authorization */

static struct http_verdict judge(struct http_connection *c,
                                 const struct http_request *request)
{
    assert_ptr_equal(c, &f.c);
    snprintf(shown, sizeof shown, "%s", request->authorization);
    return verdict;
}

/* Ends with the answer in f.sent. */
static void ask_a_judge(struct http_verdict first, const char *request)
{
    site.judge = judge;
    verdict = first;
    receive(request);
    site.judge = NULL;
    drain(1);
}

#define MADE GET("/made", "Authorization: Bearer x\r\n\r\n")

static void test_a_request_is_judged_by_what_it_shows(void **state)
{
    (void)state;
    ask_a_judge((struct http_verdict){HTTP_OK, NULL}, MADE);
    assert_string_equal(shown, "Bearer x");
    assert_non_null(strstr(f.sent, "\r\n\r\nword"));
}

static void test_a_refusal_may_have_a_sentence(void **state)
{
    (void)state;
    ask_a_judge((struct http_verdict){HTTP_FORBIDDEN, "not you"}, MADE);
    assert_non_null(strstr(f.sent, "HTTP/1.1 403 "));
    assert_non_null(strstr(f.sent, "\r\n\r\nnot you\n"));
}

static void test_who_is_unknown_is_asked_by_both_schemes(void **state)
{
    (void)state;
    ask_a_judge((struct http_verdict){HTTP_UNAUTHORIZED, NULL}, MADE);
    assert_non_null(strstr(f.sent, "\r\nWWW-Authenticate: Basic realm="));
    assert_non_null(strstr(f.sent, "\r\nWWW-Authenticate: Bearer realm="));
}

/* Nothing is read or sent meanwhile, and the time for the head goes on. */
static void test_a_verdict_may_come_later(void **state)
{
    (void)state;
    ask_a_judge((struct http_verdict){HTTP_UNDECIDED, NULL},
                GET("/asked?q", "Authorization: Bearer x\r\n\r\n"));
    assert_int_equal(f.c.stage, HTTP_JUDGING);
    assert_int_equal(f.sent_bytes, 0);
    assert_false(http_connection_wants_input(&f.c));
    receive("more");
    assert_int_equal(http_connection_left_ms(&f.c, HEAD_MS - 1), 1);
    assert_true(http_connection_judged(
        &f.c, (struct http_verdict){HTTP_OK, NULL}, HEAD_MS));
    drain(1);
    assert_non_null(strstr(f.sent, "\r\n\r\nword q "));
    assert_null(f.c.head);
}

static void test_no_verdict_no_memory_left(void **state)
{
    (void)state;
    ask_a_judge((struct http_verdict){HTTP_UNDECIDED, NULL}, MADE);
    assert_int_equal(f.c.stage, HTTP_JUDGING); /* tear_down frees it */
}

static void test_a_route_may_be_for_all(void **state)
{
    (void)state;
    shown[0] = '\0';
    ask_a_judge((struct http_verdict){HTTP_UNAUTHORIZED, NULL},
                GET("/open", "\r\n"));
    assert_non_null(strstr(f.sent, "HTTP/1.1 200 "));
    assert_string_equal(shown, "");
}

static void test_bytes_one_at_a_time(void **state)
{
    (void)state;
    const char *request = GET("/made", "X: y\r\n\r\n");
    assert_int_equal(f.c.stage, HTTP_SILENT);
    for (const char *p = request; *p; p++) {
        assert_int_equal(f.c.stage, p == request ? HTTP_SILENT : HTTP_ASKING);
        assert_true(http_connection_wants_input(&f.c));
        assert_true(http_connection_receive(&f.c, p, 1, 0));
    }
    assert_int_equal(f.c.stage, HTTP_ANSWERING);
    assert_false(http_connection_wants_input(&f.c));
    drain(100);
    assert_string_equal(body(), "word");
}

static void test_what_follows_a_request_is_discarded(void **state)
{
    (void)state;
    receive(GET("/made", "\r\n") GET("/fixed", "\r\n"));
    drain(100);
    assert_string_equal(body(), "word");
    size_t sent = f.sent_bytes;
    assert_true(http_connection_wants_input(&f.c));
    receive(GET("/fixed", "\r\n"));
    drain(100);
    assert_int_equal(f.sent_bytes, sent);
    assert_int_equal(f.c.stage, HTTP_LEAVING);
}

static void test_a_head_has_a_bound(void **state)
{
    (void)state;
    static char filler[3 * HTTP_HEAD_MAX];
    memset(filler, 'x', sizeof filler);
    receive(GET("/made", "X: "));
    assert_true(http_connection_receive(&f.c, filler, sizeof filler, 0));
    drain(100);
    assert_int_equal(status(), HTTP_HEAD_TOO_LARGE);
}

static void test_a_stream_has_a_head_and_no_end(void **state)
{
    (void)state;
    receive(GET("/feed", "\r\n"));
    drain(100);
    assert_int_equal(status(), HTTP_OK);
    assert_null(strstr(f.sent, "Content-Length"));
    assert_int_equal(f.c.stage, HTTP_STREAMING);
    assert_true(http_connection_push(&f.c, "one", 3, 0));
    assert_true(http_connection_push(&f.c, "two", 3, 0));
    drain(4);
    assert_string_equal(body(), "onetwo");
    assert_int_equal(f.c.stage, HTTP_STREAMING);
}

static void test_streams_may_be_too_many(void **state)
{
    (void)state;
    f.has_room = false;
    receive(GET("/feed", "\r\n"));
    drain(100);
    assert_int_equal(status(), HTTP_UNAVAILABLE);
    assert_int_equal(f.c.stage, HTTP_LEAVING);
}

static void test_a_stream_that_takes_nothing_is_bounded(void **state)
{
    (void)state;
    static const char event[UNSENT_MAX / 4] = {0};
    receive(GET("/feed", "\r\n"));
    drain(100);
    size_t head = f.sent_bytes;
    for (int i = 0; i < 4; i++)
        assert_true(http_connection_push(&f.c, event, sizeof event, 0));
    assert_false(http_connection_push(&f.c, event, 1, 0));
    http_connection_sent(&f.c, 10, 0);
    assert_true(http_connection_push(&f.c, event, 10, 0));
    assert_false(http_connection_push(&f.c, event, 1, 0));
    drain(100);
    assert_int_equal(f.sent_bytes - head, UNSENT_MAX);
    static const char larger[UNSENT_MAX + 1] = {0};
    assert_false(http_connection_push(&f.c, larger, sizeof larger, 0));
}

static void test_times(void **state)
{
    (void)state;
    assert_int_equal(http_connection_left_ms(&f.c, HEAD_MS - 1), 1);
    assert_int_equal(http_connection_left_ms(&f.c, HEAD_MS), 0);
    /* Each byte of a head is progress, and gains no time. */
    assert_true(http_connection_receive(&f.c, "G", 1, HEAD_MS - 1));
    assert_int_equal(http_connection_left_ms(&f.c, HEAD_MS), 0);
    receive("ET /made HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(http_connection_left_ms(&f.c, HEAD_MS),
                     ANSWER_MS - HEAD_MS);
    drain(100);
    assert_int_equal(http_connection_left_ms(&f.c, ANSWER_MS), 0);
}

static void test_a_stream_has_time_while_it_takes_something(void **state)
{
    (void)state;
    receive(GET("/feed", "\r\n"));
    drain(100);
    assert_int_equal(http_connection_left_ms(&f.c, 1u << 30), UINT32_MAX);
    assert_true(http_connection_push(&f.c, "event", 5, 5000));
    assert_int_equal(http_connection_left_ms(&f.c, 5000), STALL_MS);
    http_connection_sent(&f.c, 1, 5000 + STALL_MS - 1);
    assert_int_equal(http_connection_left_ms(&f.c, 5000 + STALL_MS),
                     STALL_MS - 1);
    assert_true(http_connection_push(&f.c, "event", 5, 5000 + STALL_MS));
    assert_int_equal(http_connection_left_ms(&f.c, 5000 + 2 * STALL_MS), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static struct http_document *document(const char *text)
{
    return http_document_new(HTTP_OK, strdup(text), strlen(text));
}

/* Its maker may replace it while it is being sent. */
static void test_shared_document_lasts_until_it_is_sent(void **state)
{
    (void)state;
    f.shared = document("old");
    receive(GET("/shared", "\r\n"));
    assert_int_equal(f.shared->refs, 2);
    http_document_unref(f.shared);
    f.shared = document("new");
    drain(1);
    assert_string_equal(body(), "old");
    assert_int_equal(status(), HTTP_OK);
    assert_null(f.c.document);
}

static void test_document_that_is_being_made_is_waited_for(void **state)
{
    (void)state;
    struct iovec iov[HTTP_CONNECTION_IOVS];
    receive(GET("/shared", "\r\n"));
    assert_int_equal(f.c.stage, HTTP_WAITING);
    assert_false(http_connection_wants_input(&f.c));
    assert_int_equal(http_connection_output(&f.c, iov), 0);
    assert_int_equal(http_connection_left_ms(&f.c, 0), WAIT_MS);
    assert_true(http_connection_resume(&f.c, 10));
    assert_int_equal(f.c.stage, HTTP_WAITING);
    f.shared = document("made");
    assert_true(http_connection_resume(&f.c, WAIT_MS - 1));
    assert_int_equal(http_connection_left_ms(&f.c, WAIT_MS), ANSWER_MS - 1);
    drain(1);
    assert_string_equal(body(), "made");
    assert_true(http_connection_resume(&f.c, WAIT_MS));
    assert_int_equal(f.c.stage, HTTP_LEAVING);
}

static void test_head_of_a_document_that_is_waited_for(void **state)
{
    (void)state;
    receive("HEAD /shared HTTP/1.1\r\nHost: localhost\r\n\r\n");
    f.shared = document("made");
    assert_true(http_connection_resume(&f.c, 0));
    drain(1);
    assert_string_equal(body(), "");
    assert_non_null(strstr(f.sent, "Content-Length: 4\r\n"));
}

static void test_wait_may_end_without_an_answer(void **state)
{
    (void)state;
    receive(GET("/shared", "\r\n"));
    assert_int_equal(http_connection_left_ms(&f.c, WAIT_MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_answer),
        cmocka_unit_test(test_bodies_however_slowly_they_are_taken),
        TEST(test_head_has_the_length_and_no_body),
        TEST(test_the_head_of_a_stream_can_be_asked_for),
        TEST(test_an_answer_is_made_for_its_request),
        TEST(test_an_answer_may_be_an_error),
        TEST(test_a_refused_method_names_those_allowed),
        TEST(test_the_caller_may_refuse_what_is_understood),
        TEST(test_a_broken_request_is_not_worth_a_refusal),
        TEST(test_bytes_that_are_not_for_it_let_expect_a_head),
        TEST(test_a_request_is_judged_by_what_it_shows),
        TEST(test_a_refusal_may_have_a_sentence),
        TEST(test_who_is_unknown_is_asked_by_both_schemes),
        TEST(test_a_verdict_may_come_later),
        TEST(test_no_verdict_no_memory_left),
        TEST(test_a_route_may_be_for_all),
        TEST(test_bytes_one_at_a_time),
        TEST(test_what_follows_a_request_is_discarded),
        TEST(test_a_head_has_a_bound),
        TEST(test_a_stream_has_a_head_and_no_end),
        TEST(test_streams_may_be_too_many),
        TEST(test_a_stream_that_takes_nothing_is_bounded),
        TEST(test_times),
        TEST(test_shared_document_lasts_until_it_is_sent),
        TEST(test_document_that_is_being_made_is_waited_for),
        TEST(test_head_of_a_document_that_is_waited_for),
        TEST(test_wait_may_end_without_an_answer),
        TEST(test_a_stream_has_time_while_it_takes_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * A request is the same however its bytes are cut, and what is read out of a
 * good one is in its head.
 *
 *     input   cuts (1 byte), bytes
 */
#include "common/http_head.h"

#include "common/http_host.h"
#include "common/http_login.h"
#include "common/http_query.h"
#include "tests/fuzz/fuzz.h"

/* As the server does, in pieces; returns the status, 0 for none yet. */
static int read_pieces(const uint8_t *bytes, size_t n, size_t piece,
                       size_t *length)
{
    const char *text = (const char *)bytes;
    for (size_t at = 0, to; at < n; at = to) {
        to = piece < n - at ? at + piece : n;
        enum http_progress progress = http_head_look(text, at, to, length);
        if (progress == HTTP_BROKEN)
            return HTTP_BAD_REQUEST;
        if (progress == HTTP_COMPLETE)
            return HTTP_OK;
    }
    return 0;
}

/* What is shown lies within what was read, and is whole. */
static void check_login(const char *authorization)
{
    static struct http_login l;
    http_login_parse(&l, authorization);
    const char *end = l.bytes + sizeof l.bytes;
    bool is_known = l.scheme == HTTP_BASIC || l.scheme == HTTP_BEARER;
    FUZZ_CHECK((authorization == NULL) == (l.scheme == HTTP_NOTHING_SHOWN));
    FUZZ_CHECK(strlen(l.secret) == l.secret_length);
    FUZZ_CHECK(is_known || l.secret_length + strlen(l.user) == 0);
    FUZZ_CHECK(!is_known ||
               (l.secret >= l.bytes && l.secret + l.secret_length < end));
    http_login_wipe(&l);
}

static void check_good(const struct http_request *request, const char *head,
                       size_t length)
{
    const char *end = head + length;
    FUZZ_CHECK(request->path > head && request->path < end);
    FUZZ_CHECK(request->host > head && request->host < end);
    FUZZ_CHECK(request->path[0] == '/');
    FUZZ_CHECK(!strpbrk(request->path, "? \r\n"));
    FUZZ_CHECK(!strpbrk(request->host, "\r\n"));
    FUZZ_CHECK(request->query > request->path && request->query < end);
    uint8_t value[16];
    size_t value_bytes = 0;
    uint64_t number;
    (void)http_query_bytes(request->query, "a", value, sizeof value,
                           &value_bytes);
    FUZZ_CHECK(value_bytes <= sizeof value);
    if (http_query_number(request->query, "a", 0, 1000, &number))
        FUZZ_CHECK(number <= 1000);
    static const char *const names[] = {"a.b"};
    (void)http_host_is_known(request->host, names, 1);
    check_login(request->authorization);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct script script = {bytes, n};
    size_t cuts = script_byte(&script), got, length = 0, whole = 0;
    const uint8_t *text = script_bytes(&script, HTTP_HEAD_MAX, &got);
    int status = read_pieces(text, got, 1 + cuts, &length);
    FUZZ_CHECK(read_pieces(text, got, got, &whole) == status);
    if (status != HTTP_OK)
        return 0;
    FUZZ_CHECK(length == whole && length <= got);
    char *head = (char *)fuzz_copy(text, length);
    struct http_request request;
    if (http_head_parse(&request, head, length) == HTTP_OK)
        check_good(&request, head, length);
    free(head);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * A connection holds together whatever is received, sent and added to it in
 * whatever pieces: it never goes back a stage, and everything that it has to
 * send leaves it.
 *
 *     input   steps: what (2 bits) and how much (6 bits), bytes to receive
 */
#include "common/http_connection.h"

#include "tests/fuzz/fuzz.h"

enum { NOW_MS = 1000, UNSENT_MAX = 4096 };

static enum http_status write_document(void *arg, FILE *out)
{
    (void)arg;
    fputs("a document\n", out);
    return HTTP_OK;
}

static bool admit(void *arg)
{
    (void)arg;
    return true;
}

static const struct http_route routes[] = {
    {"/made", "text/plain", .write = write_document},
    {"/fixed", "text/plain", .bytes = "fixed", .length = 5},
    {"/feed", "text/event-stream", .admit = admit},
};

static const struct http_site site = {
    .routes = routes,
    .route_count = sizeof routes / sizeof *routes,
    .stranger = HTTP_FORBIDDEN,
    .has_own_origin = true,
    .headers = "",
    .head_ms = 1,
    .answer_ms = 2,
    .stall_ms = 3,
    .unsent_max = UNSENT_MAX,
};

static size_t unsent(const struct http_connection *c)
{
    struct iovec iov[HTTP_CONNECTION_IOVS];
    size_t total = 0;
    int n = http_connection_output(c, iov);
    FUZZ_CHECK(n >= 0 && n <= HTTP_CONNECTION_IOVS);
    for (int i = 0; i < n; i++) {
        uint8_t *copy = fuzz_copy(iov[i].iov_base, iov[i].iov_len);
        total += iov[i].iov_len;
        free(copy);
    }
    return total;
}

static void step(struct http_connection *c, struct script *script)
{
    uint8_t what = script_byte(script);
    size_t n = (size_t)(what >> 2) * 8 + 1, got, waits = unsent(c);
    const uint8_t *bytes;
    switch (what & 3) {
    case 0:
    case 1:
        bytes = script_bytes(script, n, &got);
        FUZZ_CHECK(
            http_connection_receive(c, (const char *)bytes, got, NOW_MS));
        break;
    case 2:
        n = n < waits ? n : waits;
        http_connection_sent(c, n, NOW_MS);
        FUZZ_CHECK(unsent(c) == waits - n);
        break;
    case 3:
        if (c->stage == HTTP_STREAMING) {
            static const char event[512] = {0};
            bool ok = http_connection_push(c, event, n, NOW_MS);
            FUZZ_CHECK(unsent(c) == waits + (ok ? n : 0));
        }
        break;
    }
}

/* SILENT, ASKING, then ANSWERING and LEAVING, or STREAMING. */
static int place_of(enum http_stage stage)
{
    static const int places[] = {
        [HTTP_SILENT] = 0,    [HTTP_ASKING] = 1,  [HTTP_JUDGING] = 1,
        [HTTP_ANSWERING] = 2, [HTTP_LEAVING] = 3, [HTTP_STREAMING] = 4};
    return places[stage];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct script script = {bytes, n};
    struct http_connection c;
    http_connection_init(&c, &site, NOW_MS);
    while (script.left > 0) {
        int before = place_of(c.stage);
        step(&c, &script);
        FUZZ_CHECK(place_of(c.stage) >= before);
        FUZZ_CHECK(before < 3 || place_of(c.stage) == before);
        FUZZ_CHECK((c.stage == HTTP_ANSWERING) !=
                   http_connection_wants_input(&c));
    }
    http_connection_fini(&c);
    return 0;
}

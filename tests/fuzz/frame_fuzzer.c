/* SPDX-License-Identifier: MIT
 *
 * The decoder finds the same frames however the bytes are cut, and reads
 * nothing that is not there.
 *
 *     input   limit (1 byte, a row of the table), cuts (1 byte), bytes
 */
#include "proto/frame.h"

#include "tests/fuzz/fuzz.h"

static const uint32_t limits[] = {0,        1,       255,       1000,
                                  16 << 20, 1 << 30, UINT32_MAX};

/* Decodes what `n` bytes hold, in memory of just that size. Returns how many
 * bytes its whole frames are; *sum depends on all of them. */
static size_t decode(const uint8_t *bytes, size_t n, uint32_t limit,
                     uint64_t *sum, enum frame_status *status)
{
    uint8_t *exact = fuzz_copy(bytes, n);
    struct frame frame;
    size_t at = 0;
    while ((*status = frame_decode(exact + at, n - at, limit, &frame)) ==
           FRAME_OK) {
        FUZZ_CHECK(frame.length <= limit);
        FUZZ_CHECK(frame.body == exact + at + FRAME_HEAD_BYTES);
        FUZZ_CHECK(frame_size(frame.length) <= n - at);
        for (uint32_t i = 0; i < frame.length; i++)
            *sum = *sum * 31 + frame.body[i];
        *sum = *sum * 31 + frame.length;
        at += frame_size(frame.length);
    }
    FUZZ_CHECK(!frame.body);
    free(exact);
    return at;
}

/* The same in pieces: what is left of one is decoded again with the next. */
static void check_pieces(const uint8_t *bytes, size_t n, uint32_t limit,
                         uint8_t cuts, size_t whole, uint64_t expected)
{
    size_t from = 0, to = 0;
    uint64_t sum = 0;
    uint32_t random = cuts;
    enum frame_status status = FRAME_MORE;
    while (to < n && status != FRAME_TOO_LONG) {
        random = random * 1103515245 + 12345;
        size_t piece = 1 + (random >> 16) % (1 + cuts % 32u);
        to = piece < n - to ? to + piece : n;
        from += decode(bytes + from, to - from, limit, &sum, &status);
    }
    FUZZ_CHECK(from == whole && sum == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct script script = {bytes, n};
    uint32_t limit =
        limits[script_byte(&script) % (sizeof limits / sizeof *limits)];
    uint8_t cuts = script_byte(&script);
    uint64_t sum = 0;
    enum frame_status status;
    size_t whole = decode(script.bytes, script.left, limit, &sum, &status);
    check_pieces(script.bytes, script.left, limit, cuts, whole, sum);
    return 0;
}

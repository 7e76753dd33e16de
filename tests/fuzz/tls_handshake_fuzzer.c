/* SPDX-License-Identifier: MIT
 *
 * Raw bytes of a hostile client, at the broker's side of a handshake: it opens
 * nothing of them, takes no more than its bounds for them, and frees all of it.
 *
 *     input   pieces: a length (2 bytes, the larger first) and bytes
 */
#include <openssl/ssl.h>

#include "broker/net/tls_records.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/tls_rig.h"

/* What is kept of a flight that came, was not complete, or was not sent. */
enum {
    KEPT_MAX = 2 * (TLS_FLIGHT_MAX + 2 * TLS_RECORD_MAX) + TLS_SHAKING_BYTES
};

static struct tls_rig rig;

/* The broker reads what has come, and what follows from it. */
static bool play_read(void)
{
    for (int i = 0; i < 3; i++) {
        uint8_t byte;
        size_t got = 0;
        enum stream_status status = tls_rig_read(&rig, &byte, 1, &got);
        FUZZ_CHECK(got == 0 && status != STREAM_OK);
        FUZZ_CHECK(rig.budget.used_bytes <= KEPT_MAX);
        tls_bytes_free(&rig.from_broker);
        if (status != STREAM_AGAIN)
            return false;
    }
    return tls_rig_link(&rig)->state < TLS_OPEN;
}

static const uint8_t *piece_next(struct script *s, size_t *n)
{
    size_t length = (size_t)script_byte(s) << 8;
    length |= script_byte(s);
    return script_bytes(s, length, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct script script = {bytes, n};
    static bool is_open;
    size_t got;
    if (!is_open)
        tls_rig_init(&rig);
    is_open = true;
    const uint8_t *piece = piece_next(&script, &got);
    tls_rig_begin(&rig, piece, got);
    while (play_read() && script.left > 0) {
        piece = piece_next(&script, &got);
        FUZZ_CHECK(tls_bytes_add(&rig.to_broker, piece, got));
    }
    tls_rig_close(&rig);
    return 0;
}

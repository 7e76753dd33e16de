/* SPDX-License-Identifier: MIT
 *
 * Records after an honest handshake: whatever a client seals, and the network
 * changes, drops, adds or holds back, see tls_play.h.
 *
 *     input   a script of tls_play.c
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/tls_play.h"
#include "tests/unit/tls_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct tls_rig rig;
    static bool is_open;
    struct tls_played played = {.read_bytes = 0};
    if (!is_open)
        tls_rig_init(&rig);
    is_open = true;
    tls_play(&rig, bytes, n, true, &played);
    return 0;
}

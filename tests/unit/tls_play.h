/* SPDX-License-Identifier: MIT
 *
 * tls_play - plays a script of what both sides, the network and a hostile
 * client do after a handshake, and aborts when a promise is broken:
 *
 *     what the broker opens begins what the client sealed, however much the
 *     network changes of it
 *     what the client can open is exactly what was reported as written, or will
 *     be as soon as somebody asks, and in the end is all of it
 *     what is kept is bounded, counted, and given back
 */
#ifndef SLUICE_TESTS_UNIT_TLS_PLAY_H
#define SLUICE_TESTS_UNIT_TLS_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_rig;

/* Counts of what has happened, to be zeroed first. */
struct tls_played {
    uint64_t read_bytes, written_bytes; /* by the broker */
    uint64_t full;                      /* writes that the socket cut short */
    uint64_t refused;                   /* connections ended by the broker */
};

/* The script begins with the version; `is_hostile`: it may change records. */
void tls_play(struct tls_rig *r, const uint8_t *script, size_t n,
              bool is_hostile, struct tls_played *played);

#endif

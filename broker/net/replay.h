/* SPDX-License-Identifier: MIT
 *
 * replay - a transport that returns bytes that were read already, and is then
 * removed.
 */
#ifndef SLUICE_NET_REPLAY_H
#define SLUICE_NET_REPLAY_H

#include <stddef.h>
#include <stdint.h>

struct transport;

/* Copies the `n` bytes, at least one. NULL when there is no memory. */
struct transport *replay_new(const uint8_t *bytes, size_t n);

#endif

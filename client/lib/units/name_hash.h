/* SPDX-License-Identifier: MIT
 *
 * name_hash - the hash of a channel's name. Publishers who look for collisions
 * slow this reader down a little: it knows few names.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_NAME_HASH_H
#define SLUICE_CLIENT_LIB_UNITS_NAME_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a. */
static inline uint32_t name_hash(const uint8_t *octets, size_t length)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ octets[i]) * UINT32_C(16777619);
    return hash;
}

#endif

/* SPDX-License-Identifier: MIT */
#include "proto/crc32c.h"

#include <string.h>

#include "proto/little.h"

#define CRC32C_POLYNOMIAL 0x82f63b78u /* reflected */

/* tables[i][octet]: what `octet` does to the checksum with i octets behind it.
 */
static uint32_t crc32c_tables[8][256];

static uint32_t (*crc32c_fastest)(uint32_t, const void *, size_t);

uint32_t crc32c_by_table(uint32_t start, const void *bytes, size_t length)
{
    uint32_t(*const t)[256] = crc32c_tables;
    const uint8_t *p = bytes;
    uint32_t crc = ~start;
    for (; length >= 8; length -= 8, p += 8) {
        uint64_t word = little_get_64(p) ^ crc;
        crc = t[7][word & 0xff] ^ t[6][word >> 8 & 0xff] ^
              t[5][word >> 16 & 0xff] ^ t[4][word >> 24 & 0xff] ^
              t[3][word >> 32 & 0xff] ^ t[2][word >> 40 & 0xff] ^
              t[1][word >> 48 & 0xff] ^ t[0][word >> 56];
    }
    for (; length > 0; length--)
        crc = crc >> 8 ^ t[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
crc32c_by_instruction(uint32_t start, const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    uint64_t crc = ~start, word;
    for (; length >= 8; length -= 8, p += 8) {
        memcpy(&word, p, 8);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    uint32_t last = (uint32_t)crc;
    for (; length > 0; length--)
        last = __builtin_ia32_crc32qi(last, *p++);
    return ~last;
}
#endif

/* Before main(), so that no thread ever sees half of it. */
__attribute__((constructor)) static void crc32c_choose(void)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        uint32_t crc = octet;
        for (int i = 0; i < 8; i++) {
            for (int bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ (crc & 1 ? CRC32C_POLYNOMIAL : 0);
            crc32c_tables[i][octet] = crc;
        }
    }
    crc32c_fastest = crc32c_by_table;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2"))
        crc32c_fastest = crc32c_by_instruction;
#endif
}

uint32_t crc32c(uint32_t start, const void *bytes, size_t length)
{
    return crc32c_fastest(start, bytes, length);
}

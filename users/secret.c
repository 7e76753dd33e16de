/* SPDX-License-Identifier: MIT */
#include "users/secret.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_PREFIX "sha256:"
#define KEY_PREFIX   "ed25519:"
#define CURVE_PREFIX "curve:"

/* --- hashes of passwords ------------------------------------------------- */

/* The methods of crypt(5) that resist guessing. */
static const struct {
    const char *prefix;
    size_t digits; /* behind the last '$' */
} secret_methods[] = {
    {"$y$", 43},  /* yescrypt */
    {"$gy$", 43}, /* the same, with a Russian digest */
    {"$7$", 43},  /* scrypt */
    {"$2b$", 53}, /* bcrypt: salt and digest */
    {"$2y$", 53}, /* the same */
    {"$6$", 86},  /* SHA-512 */
};

static bool secret_is_complete(const char *hash, size_t digits)
{
    static const char alphabet[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz";
    const char *end = strrchr(hash, '$') + 1;
    return strlen(end) == digits && strspn(end, alphabet) == digits;
}

const char *secret_check_hash(const char *hash)
{
    if (strlen(hash) > SECRET_HASH_MAX)
        return "is longer than any hash";
    for (const char *at = hash; *at; at++)
        if (*at <= ' ' || *at > '~' || strchr(":;*!\\", *at))
            return "has characters that no hash has";
    for (size_t i = 0; i < sizeof secret_methods / sizeof *secret_methods; i++)
        if (strncmp(hash, secret_methods[i].prefix,
                    strlen(secret_methods[i].prefix)) == 0)
            return secret_is_complete(hash, secret_methods[i].digits)
                       ? NULL
                       : "is not complete";
    return *hash == '$' || *hash == '_'
               ? "is of a method that is too weak or unknown; 'sluice passwd' "
                 "makes good ones"
               : "is not a hash; 'sluice passwd' makes one of a password";
}

/* --- digests of tokens --------------------------------------------------- */

static int secret_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool secret_parse_token(const char *text, uint8_t digest[SECRET_DIGEST_BYTES])
{
    size_t prefix = sizeof TOKEN_PREFIX - 1;
    if (strncmp(text, TOKEN_PREFIX, prefix) != 0 ||
        strlen(text + prefix) != 2 * SECRET_DIGEST_BYTES)
        return false;
    text += prefix;
    for (unsigned i = 0; i < SECRET_DIGEST_BYTES; i++, text += 2) {
        int high = secret_digit(text[0]), low = secret_digit(text[1]);
        if (high < 0 || low < 0)
            return false;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void secret_format_token(const uint8_t digest[SECRET_DIGEST_BYTES],
                         char out[SECRET_TOKEN_TEXT_BYTES])
{
    char *at = out + sprintf(out, "%s", TOKEN_PREFIX);
    for (unsigned i = 0; i < SECRET_DIGEST_BYTES; i++)
        at += sprintf(at, "%02x", digest[i]);
}

/* --- public keys --------------------------------------------------------- */

/* What DER has before the 32 octets of an Ed25519 key (RFC 8410). */
static const uint8_t key_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

enum {
    KEY_DER_BYTES = sizeof key_head + SECRET_KEY_BYTES,
    KEY_TEXT_BYTES = (KEY_DER_BYTES + 2) / 3 * 4,
};

static int secret_base64_value(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* The text has KEY_TEXT_BYTES, the last of which is '='. */
static bool secret_decode_key(const char *text, uint8_t der[KEY_DER_BYTES + 1])
{
    uint32_t bits = 0;
    for (unsigned i = 0, at = 0; i < KEY_TEXT_BYTES; i++) {
        int value = i == KEY_TEXT_BYTES - 1 ? 0 : secret_base64_value(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 3)
            continue;
        der[at++] = (uint8_t)(bits >> 16);
        der[at++] = (uint8_t)(bits >> 8);
        der[at++] = (uint8_t)bits;
    }
    return der[KEY_DER_BYTES] == 0; /* nothing in the bits left over */
}

bool secret_parse_key(const char *text, uint8_t key[SECRET_KEY_BYTES])
{
    size_t prefix = sizeof KEY_PREFIX - 1;
    uint8_t der[KEY_DER_BYTES + 1];
    if (strncmp(text, KEY_PREFIX, prefix) != 0)
        return false;
    text += prefix;
    if (strlen(text) != KEY_TEXT_BYTES || text[KEY_TEXT_BYTES - 1] != '=' ||
        !secret_decode_key(text, der) ||
        memcmp(der, key_head, sizeof key_head) != 0)
        return false;
    memcpy(key, der + sizeof key_head, SECRET_KEY_BYTES);
    return true;
}

/* The y of the points whose order is 8 or less, but for 2^255 - 20:
 * little endian, without the sign of x, which is the highest bit. */
static const uint8_t weak_keys[][SECRET_KEY_BYTES] = {
    {0x00},
    {0x01},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* From 2^255 - 20, which is the last one of small order, on: the numbers above
 * it are second spellings of smaller ones. */
static bool secret_is_beyond(const uint8_t y[SECRET_KEY_BYTES])
{
    enum { LAST = SECRET_KEY_BYTES - 1 };
    for (unsigned i = 1; i < LAST; i++)
        if (y[i] != 0xff)
            return false;
    return y[LAST] == 0x7f && y[0] >= 0xec;
}

bool secret_key_is_weak(const uint8_t key[SECRET_KEY_BYTES])
{
    uint8_t y[SECRET_KEY_BYTES];
    memcpy(y, key, sizeof y);
    y[sizeof y - 1] &= 0x7f;
    for (size_t i = 0; i < sizeof weak_keys / sizeof *weak_keys; i++)
        if (memcmp(y, weak_keys[i], sizeof y) == 0)
            return true;
    return secret_is_beyond(y);
}

const char *secret_find_curve(const char *text)
{
    /* Of ZeroMQ's RFC 32. */
    static const char alphabet[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        ".-:+=^!/*?&<>()[]{}@%$#";
    size_t prefix = sizeof CURVE_PREFIX - 1;
    if (strncmp(text, CURVE_PREFIX, prefix) != 0)
        return NULL;
    text += prefix;
    return strspn(text, alphabet) == SECRET_CURVE_BYTES &&
                   text[SECRET_CURVE_BYTES] == '\0'
               ? text
               : NULL;
}

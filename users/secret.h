/* SPDX-License-Identifier: MIT
 *
 * secret - what the users file has in the place of secrets: a password's hash,
 * a token's digest, a public key. Only their form is known here; nothing is
 * computed.
 */
#ifndef SLUICE_USERS_SECRET_H
#define SLUICE_USERS_SECRET_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SECRET_DIGEST_BYTES = 32,
    SECRET_KEY_BYTES = 32,
    SECRET_CURVE_BYTES = 40,      /* of a key's text, without its end */
    SECRET_TOKEN_TEXT_BYTES = 72, /* "sha256:", 64 digits and the end */
    SECRET_HASH_MAX = 384,        /* octets of a password's hash */
};

/* NULL when `hash` is one of crypt(5) that is strong enough and complete, else
 * what is wrong: a part of a sentence. */
const char *secret_check_hash(const char *hash);

/* "sha256:" and 64 hexadecimal digits: the digest of a token. */
bool secret_parse_token(const char *text, uint8_t digest[SECRET_DIGEST_BYTES]);

/* The way back. */
void secret_format_token(const uint8_t digest[SECRET_DIGEST_BYTES],
                         char out[SECRET_TOKEN_TEXT_BYTES]);

/* "ed25519:" and the public key as `openssl pkey -pubout` writes it between its
 * lines of dashes. */
bool secret_parse_key(const char *text, uint8_t key[SECRET_KEY_BYTES]);

/* Whether such a key is of small order, so that there are signatures which fit
 * it and any text and need no secret; or is not spelled as any good one is. */
bool secret_key_is_weak(const uint8_t key[SECRET_KEY_BYTES]);

/* "curve:" and a public key for the feed, as `sluice keys` writes it (Z85).
 * NULL when it is not one; else the key within `text`. */
const char *secret_find_curve(const char *text);

#endif

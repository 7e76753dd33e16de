/* SPDX-License-Identifier: MIT */
#include "broker/auth/signature.h"

#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

enum { USER_ROOM = 65 };

/* Of a pair whose other half is in RFC 8032, 7.1: known to all, and nobody's.
 */
static const uint8_t nobodys_key[SIGNATURE_KEY] = {
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
    0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
    0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};

static const char purpose[] = "sluice/2 auth"; /* signed with its NUL */

enum {
    TEXT_MAX = sizeof purpose + USER_ROOM + SIGNATURE_NONCE + SIGNATURE_BINDING
};

static size_t add(uint8_t *text, size_t at, const void *from, size_t n)
{
    memcpy(text + at, from, n);
    return at + n;
}

static size_t claim_write(const struct signature_claim *c,
                          uint8_t text[TEXT_MAX])
{
    size_t user = strnlen(c->user, USER_ROOM - 1);
    size_t n = add(text, 0, purpose, sizeof purpose);
    n = add(text, n, c->user, user);
    text[n++] = '\0';
    n = add(text, n, c->nonce, SIGNATURE_NONCE);
    return c->binding ? add(text, n, c->binding, SIGNATURE_BINDING) : n;
}

static bool verify(EVP_MD_CTX *context, EVP_PKEY *key, const uint8_t *text,
                   size_t n, const uint8_t *signature)
{
    return context && key &&
           EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
           EVP_DigestVerify(context, signature, SIGNATURE_BYTES, text, n) == 1;
}

bool signature_is_right(const struct signature_claim *claim, const uint8_t *key,
                        const uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t text[TEXT_MAX];
    size_t n = claim_write(claim, text);
    EVP_PKEY *made = EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, NULL, key ? key : nobodys_key, SIGNATURE_KEY);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_right = verify(context, made, text, n, signature);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(made);
    return is_right && key;
}

bool signature_draw(uint8_t nonce[SIGNATURE_NONCE])
{
    return getrandom(nonce, SIGNATURE_NONCE, 0) == SIGNATURE_NONCE;
}

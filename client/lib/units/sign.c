/* SPDX-License-Identifier: MIT */
#include "client/lib/units/sign.h"

#include "client/lib/units/units.h"
#include "client/lib/wire.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

static const char purpose[] = "sluice/2 auth"; /* signed with its NUL */

enum {
    SIGN_BYTES = 64,
    SIGN_NONCE = 32,
    SIGN_USER_MAX = 512,
    SIGN_TEXT_MAX =
        sizeof purpose + SIGN_USER_MAX + 1 + SIGN_NONCE + SLUICE_WIRE_BINDING,
};

bool sluice_sign_is_meant(const char *mech)
{
    return mech && strcmp(mech, "ed25519") == 0;
}

/* A key with a passphrase is none: nobody could be asked for it. */
static int sign_no_passphrase(char *out, int room, int is_writing, void *arg)
{
    (void)out;
    (void)room;
    (void)is_writing;
    (void)arg;
    return -1;
}

/* The caller frees it. NULL when it is not such a key. */
static EVP_PKEY *sign_key(const void *pem, size_t length)
{
    BIO *bio = length <= HEAD_MAX ? BIO_new_mem_buf(pem, (int)length) : NULL;
    EVP_PKEY *key =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, sign_no_passphrase, NULL)
            : NULL;
    BIO_free(bio);
    if (key && EVP_PKEY_is_a(key, "ED25519"))
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

bool sluice_sign_can(struct sluice_bytes proof)
{
    EVP_PKEY *key = sign_key(proof.data, proof.length);
    EVP_PKEY_free(key);
    return key != NULL;
}

static size_t sign_put(uint8_t *text, size_t at, const void *from, size_t n)
{
    memcpy(text + at, from, n);
    return at + n;
}

/* What is signed, for this user and this connection. 0 when TLS cannot tell
 * this connection from others: signing without would let others use the
 * signature. */
static size_t sign_text(const struct sluice *s, struct sluice_bytes nonce,
                        uint8_t text[SIGN_TEXT_MAX])
{
    const char *user = s->units->settings.user ? s->units->settings.user : "";
    uint8_t binding[SLUICE_WIRE_BINDING];
    size_t bound;
    if (!sluice_wire_binding(&s->wire, binding, &bound))
        return 0;
    size_t n = sign_put(text, 0, purpose, sizeof purpose);
    n = sign_put(text, n, user, strnlen(user, SIGN_USER_MAX));
    text[n++] = '\0';
    n = sign_put(text, n, nonce.data, nonce.length);
    return sign_put(text, n, binding, bound);
}

/* 0 when it cannot be made. */
static size_t sign_make(const struct sluice *s, struct sluice_bytes nonce,
                        uint8_t out[SIGN_BYTES])
{
    const struct sluice_settings *set = &s->units->settings;
    uint8_t text[SIGN_TEXT_MAX];
    size_t made = SIGN_BYTES;
    if (nonce.length != SIGN_NONCE || !sluice_sign_is_meant(set->mech))
        return 0;
    size_t n = sign_text(s, nonce, text);
    EVP_PKEY *key = sign_key(set->proof, set->proof_length);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_made = n > 0 && key && context &&
                   EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
                   EVP_DigestSign(context, out, &made, text, n) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return is_made ? made : 0;
}

void sluice_sign_answer(struct sluice *s, struct sluice_bytes nonce)
{
    uint8_t signature[SIGN_BYTES];
    size_t n = sign_make(s, nonce, signature);
    sluice_units_append(s, span_of("SIG"), (struct sluice_bytes){signature, n});
}

/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

static int tickets_index = -1; /* of the keys in an SSL_CTX */
static pthread_once_t tickets_once = PTHREAD_ONCE_INIT;

static void tickets_begin(void)
{
    tickets_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

void tls_tickets_init(struct tls_tickets *t)
{
    *t = (struct tls_tickets){.count = 0};
    pthread_mutex_init(&t->lock, NULL);
    (void)pthread_once(&tickets_once, tickets_begin);
}

void tls_tickets_wipe(struct tls_tickets *t)
{
    pthread_mutex_lock(&t->lock);
    OPENSSL_cleanse(t->keys, sizeof t->keys);
    t->count = 0;
    pthread_mutex_unlock(&t->lock);
}

void tls_tickets_fini(struct tls_tickets *t)
{
    tls_tickets_wipe(t);
    pthread_mutex_destroy(&t->lock);
}

static bool tickets_renew(struct tls_tickets *t, clock_ms now)
{
    struct tls_ticket_key fresh = {.made = now};
    if (RAND_bytes(fresh.name, sizeof fresh.name) != 1 ||
        RAND_priv_bytes(fresh.aes, sizeof fresh.aes) != 1 ||
        RAND_priv_bytes(fresh.hmac, sizeof fresh.hmac) != 1)
        return false;
    memmove(t->keys + 1, t->keys, sizeof t->keys - sizeof *t->keys);
    t->keys[0] = fresh;
    if (t->count < TLS_TICKET_KEYS)
        t->count++;
    OPENSSL_cleanse(&fresh, sizeof fresh);
    return true;
}

/* Keys grow old together: those that are too old to open a ticket are
 * forgotten. */
static void tickets_age(struct tls_tickets *t, clock_ms now)
{
    while (t->count > 0 && clock_elapsed_ms(now, t->keys[t->count - 1].made) >=
                               (uint32_t)TLS_TICKET_KEYS * TLS_TICKET_MS) {
        t->count--;
        OPENSSL_cleanse(&t->keys[t->count], sizeof *t->keys);
    }
}

/* A copy of the key of that name, or of the one that seals when `name` is NULL.
 * Returns its age in keys, from 0, or -1. */
static int tickets_find(struct tls_tickets *t, const unsigned char *name,
                        struct tls_ticket_key *key)
{
    clock_ms now = clock_now_ms();
    int found = -1;
    pthread_mutex_lock(&t->lock);
    tickets_age(t, now);
    bool is_due = t->count == 0 ||
                  clock_elapsed_ms(now, t->keys[0].made) >= TLS_TICKET_MS;
    if (!name && (!is_due || tickets_renew(t, now)))
        found = 0;
    for (uint32_t i = 0; name && i < t->count; i++)
        if (CRYPTO_memcmp(t->keys[i].name, name, sizeof t->keys[i].name) == 0)
            found = (int)i;
    if (found >= 0)
        *key = t->keys[found];
    pthread_mutex_unlock(&t->lock);
    return found;
}

static bool tickets_set_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->hmac,
                                          sizeof key->hmac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* Returns what SSL_CTX_set_tlsext_ticket_key_evp_cb(3) says: 1, or 2 when the
 * ticket shall be replaced by a newer one; 0: no such key; -1: failed. */
static int tickets_on_key(SSL *ssl, unsigned char name[16], unsigned char *iv,
                          EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals)
{
    struct tls_tickets *t =
        SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tickets_index);
    struct tls_ticket_key key;
    int age = tickets_find(t, seals ? NULL : name, &key);
    if (age < 0)
        return seals ? -1 : 0;
    int result = age > 0 ? 2 : 1;
    if (seals) {
        memcpy(name, key.name, sizeof key.name);
        if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
            result = -1;
    }
    int is_set =
        seals
            ? EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key.aes, iv, NULL)
            : EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key.aes, iv, NULL);
    if (is_set != 1 || !tickets_set_mac(mac, &key))
        result = -1;
    OPENSSL_cleanse(&key, sizeof key);
    return result;
}

bool tls_tickets_use(struct tls_tickets *t, SSL_CTX *context)
{
    return SSL_CTX_set_ex_data(context, tickets_index, t) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(context, tickets_on_key) == 1;
}

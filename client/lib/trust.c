/* SPDX-License-Identifier: MIT */
#include "client/lib/trust.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

/* As the broker has it: there is no option for a list that nobody
 * understands. All give forward secrecy and authenticated encryption. */
static const char trust_ciphers_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char trust_groups[] = "X25519:P-256";
/* By ALPN. */
static const unsigned char trust_protocol[] = "\x06sluice";
static const unsigned char trust_protocol_http[] = "\x08http/1.1";
static const char trust_pin_prefix[] = "sha256:";

enum {
    TRUST_PIN_BYTES = 32,
    TRUST_CHAIN_MAX = 32 << 10, /* bytes of the server's certificates */
    TRUST_READ_BYTES = 64 << 10,
    TRUST_FILES = 3,
};

/* By what a file is recognised as the one that was read. */
struct trust_stamp {
    dev_t device;
    ino_t number;
    off_t bytes;
    struct timespec changed;
};

struct sluice_trust {
    char *files[TRUST_FILES]; /* see below; each may be NULL */
    char *name;               /* NULL: that of the address */
    bool is_for_http;         /* that is spoken inside, not sluice */
    bool has_pin;
    /* SHA-256 of the server's public key, or of its certificate */
    uint8_t pin[TRUST_PIN_BYTES];
    struct trust_stamp stamps[TRUST_FILES];
    SSL_CTX *context;
};

enum { TRUST_CA, TRUST_CERTIFICATE, TRUST_KEY };

/* --- settings ------------------------------------------------------------ */

static int trust_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool trust_read_pin(struct sluice_trust *t, const char *text)
{
    size_t prefix = sizeof trust_pin_prefix - 1;
    if (strncmp(text, trust_pin_prefix, prefix) != 0 ||
        strlen(text) != prefix + 2 * sizeof t->pin)
        return false;
    text += prefix;
    for (size_t i = 0; i < sizeof t->pin; i++) {
        int high = trust_digit(text[2 * i]), low = trust_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        t->pin[i] = (uint8_t)(high << 4 | low);
    }
    t->has_pin = true;
    return true;
}

/* An empty text is a variable of the environment that somebody has emptied. */
static bool trust_copy(char **to, const char *from)
{
    if (from && *from)
        *to = strdup(from);
    return !from || !*from || *to;
}

static enum sluice_error trust_take(struct sluice_trust *t,
                                    const struct sluice_tls *from,
                                    struct sluice_failure *why)
{
    const char *pin = from->pin && *from->pin ? from->pin : NULL;
    if (!trust_copy(&t->files[TRUST_CA], from->ca) ||
        !trust_copy(&t->files[TRUST_CERTIFICATE], from->certificate) ||
        !trust_copy(&t->files[TRUST_KEY], from->key) ||
        !trust_copy(&t->name, from->name))
        return sluice_failure_set(why, SLUICE_NO_MEMORY, "out of memory");
    if (!t->files[TRUST_CERTIFICATE] != !t->files[TRUST_KEY])
        return sluice_failure_set(why, SLUICE_BAD_OPTION,
                                  "a certificate for TLS needs its key, and a "
                                  "key its certificate");
    if (pin && !trust_read_pin(t, pin))
        return sluice_failure_set(why, SLUICE_BAD_OPTION,
                                  "'%.80s' is not a pin: sha256: and 64 "
                                  "hexadecimal digits",
                                  pin);
    return SLUICE_OK;
}

/* --- who is believed ----------------------------------------------------- */

static bool trust_has_key(const struct sluice_trust *t, const X509 *shown)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned char *key = NULL;
    unsigned n = 0;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(shown), &key);
    bool is_pinned =
        length > 0 &&
        EVP_Digest(key, (size_t)length, digest, &n, EVP_sha256(), NULL) == 1 &&
        n == sizeof t->pin && memcmp(digest, t->pin, n) == 0;
    OPENSSL_free(key);
    return is_pinned;
}

/* Other programs, and the broker's log, give the digest of the certificate
 * itself. */
static bool trust_is_pinned(const struct sluice_trust *t, const X509 *shown)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    return trust_has_key(t, shown) ||
           (X509_digest(shown, EVP_sha256(), digest, &n) == 1 &&
            n == sizeof t->pin && memcmp(digest, t->pin, n) == 0);
}

static int trust_check_dates(const X509 *shown)
{
    if (X509_cmp_current_time(X509_get0_notBefore(shown)) > 0)
        return X509_V_ERR_CERT_NOT_YET_VALID;
    if (X509_cmp_current_time(X509_get0_notAfter(shown)) < 0)
        return X509_V_ERR_CERT_HAS_EXPIRED;
    return X509_V_OK;
}

static bool trust_is_ip(const char *name)
{
    struct in6_addr ip;
    return inet_pton(AF_INET, name, &ip) == 1 ||
           inet_pton(AF_INET6, name, &ip) == 1;
}

static int trust_check_name(X509 *shown, const char *name)
{
    bool is_it = trust_is_ip(name)
                     ? X509_check_ip_asc(shown, name, 0) == 1
                     : X509_check_host(shown, name, 0, 0, NULL) == 1;
    return is_it ? X509_V_OK : X509_V_ERR_HOSTNAME_MISMATCH;
}

/* OpenSSL forgets a certificate that is not believed; people want to know. */
static void trust_note(X509_STORE_CTX *store, X509 *shown)
{
    SSL *ssl =
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509 **note = SSL_get_app_data(ssl);
    if (!*note && X509_up_ref(shown) == 1)
        *note = shown;
}

/* Takes the place of OpenSSL's own verification, which a pin without an
 * authority makes superfluous. See SSL_CTX_set_cert_verify_callback(3). */
static int trust_on_certificate(X509_STORE_CTX *store, void *owner)
{
    const struct sluice_trust *t = owner;
    X509 *shown = X509_STORE_CTX_get0_cert(store);
    trust_note(store, shown);
    if (t->has_pin && !trust_is_pinned(t, shown)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    if (!t->has_pin || t->files[TRUST_CA])
        return X509_verify_cert(store) > 0;
    int error = trust_check_dates(shown);
    if (error == X509_V_OK && t->name)
        error = trust_check_name(shown, t->name);
    X509_STORE_CTX_set_error(store, error);
    return error == X509_V_OK;
}

/* --- files --------------------------------------------------------------- */

static enum sluice_error trust_fail(struct sluice_failure *why,
                                    const char *file, const char *what)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_GET_LIB(error) == ERR_LIB_SYS
                             ? strerror(ERR_GET_REASON(error))
                             : ERR_reason_error_string(error);
    ERR_clear_error();
    return sluice_failure_set(why, SLUICE_BAD_OPTION, "%.200s: %s%s%s", file,
                              what, reason ? ": " : "", reason ? reason : "");
}

/* A key with a passphrase is refused: a library has no terminal. */
static int trust_no_passphrase(char *out, int room, int writes, void *owner)
{
    (void)out;
    (void)room;
    (void)writes;
    (void)owner;
    return -1;
}

static bool trust_set_rules(SSL_CTX *c)
{
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_read_buffer_len(c, TRUST_READ_BYTES);
    SSL_CTX_set_max_cert_list(c, TRUST_CHAIN_MAX);
    SSL_CTX_set_default_passwd_cb(c, trust_no_passphrase);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
    return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(c, trust_ciphers_12) == 1 &&
           SSL_CTX_set1_groups_list(c, trust_groups) == 1 &&
           SSL_CTX_set_alpn_protos(c, trust_protocol,
                                   sizeof trust_protocol - 1) == 0;
}

static enum sluice_error trust_load_own(const struct sluice_trust *t,
                                        SSL_CTX *c, struct sluice_failure *why)
{
    const char *certificate = t->files[TRUST_CERTIFICATE];
    const char *key = t->files[TRUST_KEY];
    if (!certificate)
        return SLUICE_OK;
    if (SSL_CTX_use_certificate_chain_file(c, certificate) != 1)
        return trust_fail(why, certificate, "no certificate in PEM");
    if (SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1)
        return trust_fail(why, key,
                          "no key in PEM that fits the certificate, or it has "
                          "a passphrase");
    return SLUICE_OK;
}

static enum sluice_error trust_load(struct sluice_trust *t, SSL_CTX *c,
                                    struct sluice_failure *why)
{
    const char *ca = t->files[TRUST_CA];
    if (!trust_set_rules(c))
        return trust_fail(why, "OpenSSL", "TLS cannot be set up");
    SSL_CTX_set_cert_verify_callback(c, trust_on_certificate, t);
    if (ca && SSL_CTX_load_verify_file(c, ca) != 1)
        return trust_fail(why, ca, "no certificate of an authority in PEM");
    if (!ca && !t->has_pin && SSL_CTX_set_default_verify_paths(c) != 1)
        return trust_fail(why, "the system's authorities", "cannot be read");
    return trust_load_own(t, c, why);
}

/* Whether a file is another than when it was looked at last. */
static bool trust_look(struct sluice_trust *t, size_t i)
{
    struct stat st;
    if (!t->files[i] || stat(t->files[i], &st) != 0)
        return false;
    struct trust_stamp *old = &t->stamps[i];
    bool is_same = old->device == st.st_dev && old->number == st.st_ino &&
                   old->bytes == st.st_size &&
                   old->changed.tv_sec == st.st_mtim.tv_sec &&
                   old->changed.tv_nsec == st.st_mtim.tv_nsec;
    *old = (struct trust_stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
    return !is_same;
}

static enum sluice_error trust_refresh(struct sluice_trust *t,
                                       struct sluice_failure *why)
{
    bool is_changed = !t->context;
    for (size_t i = 0; i < TRUST_FILES; i++)
        is_changed |= trust_look(t, i);
    if (!is_changed)
        return SLUICE_OK;
    ERR_clear_error();
    SSL_CTX *fresh = SSL_CTX_new(TLS_client_method());
    enum sluice_error error =
        fresh ? trust_load(t, fresh, why)
              : sluice_failure_set(why, SLUICE_NO_MEMORY, "out of memory");
    if (error != SLUICE_OK) {
        SSL_CTX_free(fresh);
        return error;
    }
    SSL_CTX_free(t->context);
    t->context = fresh;
    return SLUICE_OK;
}

/* --- life ---------------------------------------------------------------- */

enum sluice_error sluice_trust_new(const struct sluice_tls *settings,
                                   struct sluice_trust **out,
                                   struct sluice_failure *why)
{
    struct sluice_trust *t = calloc(1, sizeof *t);
    if (!t)
        return sluice_failure_set(why, SLUICE_NO_MEMORY, "out of memory");
    enum sluice_error error = trust_take(t, settings, why);
    if (error == SLUICE_OK)
        error = trust_refresh(t, why);
    if (error == SLUICE_OK)
        *out = t;
    else
        sluice_trust_free(t);
    return error;
}

void sluice_trust_free(struct sluice_trust *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < TRUST_FILES; i++)
        free(t->files[i]);
    free(t->name);
    SSL_CTX_free(t->context);
    free(t);
}

void sluice_trust_speak_http(struct sluice_trust *t)
{
    t->is_for_http = true;
}

const char *sluice_trust_name(const struct sluice_trust *t)
{
    return t->name;
}

static bool trust_expect(SSL *ssl, const char *name)
{
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (trust_is_ip(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set1_host(ssl, name) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool trust_set_up(const struct sluice_trust *t, SSL *ssl,
                         const char *name)
{
    return (!t->is_for_http ||
            SSL_set_alpn_protos(ssl, trust_protocol_http,
                                sizeof trust_protocol_http - 1) == 0) &&
           (!name || trust_expect(ssl, name));
}

enum sluice_error sluice_trust_connect(struct sluice_trust *t, const char *name,
                                       X509 **shown, SSL **out,
                                       struct sluice_failure *why)
{
    struct sluice_failure ignored;
    if (!name && !t->has_pin)
        return sluice_failure_set(why, SLUICE_BAD_OPTION,
                                  "TLS needs the name that the broker must "
                                  "prove to have, or a pin");
    (void)trust_refresh(t, &ignored);
    SSL *ssl = SSL_new(t->context);
    if (!ssl || !trust_set_up(t, ssl, name)) {
        SSL_free(ssl);
        ERR_clear_error();
        return sluice_failure_set(why, SLUICE_BAD_OPTION,
                                  "TLS cannot be set up for %.200s",
                                  name ? name : "a pin");
    }
    SSL_set_app_data(ssl, shown);
    *out = ssl;
    return SLUICE_OK;
}

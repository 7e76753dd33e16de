/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_context.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/net/tls_tickets.h"

/* There is no option for these: a list that nobody understands is a list that
 * is wrong. All give forward secrecy and authenticated encryption. */
static const char ciphers_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char groups[] = "X25519:P-256";

/* What is spoken inside, as ALPN has it: a length before each name. */
static const unsigned char *const protocols[TLS_SPEECHES] = {
    [TLS_SPEAKS_SLUICE] = (const unsigned char *)"\x06sluice",
    [TLS_SPEAKS_HTTP] = (const unsigned char *)"\x08http/1.1",
};

enum { CHAIN_DEPTH_MAX = 8 };

static bool context_fail(struct sentence *why, const char *file,
                         const char *what)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);
    if (ERR_GET_LIB(error) == ERR_LIB_SYS)
        reason = strerror(ERR_GET_REASON(error));
    ERR_clear_error();
    return sentence_fail(why, "%s: %s%s%s", file, what, reason ? ": " : "",
                         reason ? reason : "");
}

/* The certificate by the name that the client asks for. */

static bool is_named(SSL_CTX *ssl, const char *name, unsigned flags)
{
    return X509_check_host(SSL_CTX_get0_certificate(ssl), name, 0, flags,
                           NULL) == 1;
}

static SSL_CTX *context_for(const struct tls_context *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (is_named(c->ssl[i], name, X509_CHECK_FLAG_NO_WILDCARDS))
            return c->ssl[i];
    for (size_t i = 0; i < c->count; i++)
        if (is_named(c->ssl[i], name, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            return c->ssl[i];
    return c->ssl[0];
}

static int context_on_name(SSL *ssl, int *alert, void *arg)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    if (name)
        (void)SSL_set_SSL_CTX(ssl, context_for(arg, name));
    return SSL_TLSEXT_ERR_OK;
}

/* Whoever names protocols must name the one that is spoken there: bytes that
 * were meant for a server of another protocol are not listened to. */
static int context_on_alpn(SSL *ssl, const unsigned char **out,
                           unsigned char *length, const unsigned char *in,
                           unsigned in_length, void *arg)
{
    unsigned char *chosen;
    const unsigned char *ours = SSL_get_app_data(ssl);
    (void)arg;
    if (SSL_select_next_proto(&chosen, length, ours, ours[0] + 1u, in,
                              in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Its own certificate. */

/* A key that others may read is none. */
static bool key_is_private(const char *file, struct sentence *why)
{
    struct stat st;
    if (stat(file, &st) != 0)
        return sentence_fail(why, "%s: %s", file, strerror(errno));
    if ((st.st_mode & 027) != 0)
        return sentence_fail(
            why, "%s: others may read this key; chmod 600 or 640", file);
    return true;
}

/* Nobody is asked for a passphrase: a daemon has no terminal. */
static int no_passphrase(char *out, int room, int writes, void *arg)
{
    (void)out;
    (void)room;
    (void)writes;
    (void)arg;
    return -1;
}

static bool context_load_own(SSL_CTX *ssl, const char *certificate,
                             const char *key, struct sentence *why)
{
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1)
        return context_fail(why, certificate,
                            "no chain of certificates in PEM");
    if (!key_is_private(key, why))
        return false;
    if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1)
        return context_fail(why, key,
                            "no key in PEM that fits the certificate, or it "
                            "has a passphrase");
    if (SSL_CTX_check_private_key(ssl) != 1)
        return context_fail(why, key, "not the key of the certificate");
    return true;
}

/* Those of the clients. */

static bool context_load_crl(SSL_CTX *ssl, const char *crl,
                             struct sentence *why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, crl, X509_FILETYPE_PEM) <= 0)
        return context_fail(why, crl, "no list of revoked certificates in PEM");
    return X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1 ||
           context_fail(why, crl, "cannot be used");
}

static bool context_load_clients(SSL_CTX *ssl, const struct tls_files *files,
                                 struct sentence *why)
{
    if (!files->ca)
        return true;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(files->ca);
    if (!names || SSL_CTX_load_verify_file(ssl, files->ca) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return context_fail(why, files->ca, "no certificate of a CA in PEM");
    }
    SSL_CTX_set_client_CA_list(ssl, names);
    SSL_CTX_set_verify(ssl,
                       files->is_client_optional
                           ? SSL_VERIFY_PEER
                           : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       NULL);
    SSL_CTX_set_verify_depth(ssl, CHAIN_DEPTH_MAX);
    return !files->crl || context_load_crl(ssl, files->crl, why);
}

static bool context_set_rules(SSL_CTX *ssl, const struct tls_files *files)
{
    static const unsigned char id[] = "sluice";
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ssl, 0);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ssl, TLS_CHAIN_MAX);
    SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
    int least = files->is_13_only ? TLS1_3_VERSION : TLS1_2_VERSION;
    return SSL_CTX_set_min_proto_version(ssl, least) == 1 &&
           SSL_CTX_set_cipher_list(ssl, ciphers_12) == 1 &&
           SSL_CTX_set1_groups_list(ssl, groups) == 1 &&
           SSL_CTX_set_num_tickets(ssl, 1) == 1 &&
           SSL_CTX_set_session_id_context(ssl, id, sizeof id - 1) == 1;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool is_known = epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    return is_known ? (int64_t)days * 86400 + seconds : 0;
}

static void context_note(struct tls_context *c, const X509 *certificate)
{
    int64_t end = seconds_of(X509_get0_notAfter(certificate));
    if (c->count == 0) {
        unsigned length = sizeof c->fingerprint;
        (void)X509_digest(certificate, EVP_sha256(), c->fingerprint, &length);
    }
    if (c->count == 0 || end < c->not_after)
        c->not_after = end;
}

static bool context_add(struct tls_context *c, const struct tls_files *files,
                        struct tls_tickets *tickets, struct sentence *why)
{
    const char *certificate = files->certificates[c->count];
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
    if (!ssl)
        return sentence_fail(why, "%s: no memory for TLS", certificate);
    bool is_whole =
        (context_set_rules(ssl, files) && tls_tickets_use(tickets, ssl)) ||
        context_fail(why, certificate, "TLS cannot be set up");
    is_whole = is_whole &&
               context_load_own(ssl, certificate, files->keys[c->count], why) &&
               context_load_clients(ssl, files, why);
    if (!is_whole) {
        SSL_CTX_free(ssl);
        return false;
    }
    SSL_CTX_set_tlsext_servername_callback(ssl, context_on_name);
    SSL_CTX_set_tlsext_servername_arg(ssl, c);
    SSL_CTX_set_alpn_select_cb(ssl, context_on_alpn, NULL);
    context_note(c, SSL_CTX_get0_certificate(ssl));
    c->ssl[c->count++] = ssl;
    return true;
}

/* So that a change of who is trusted is seen. */
static bool context_digest(struct tls_context *c, const struct tls_files *files)
{
    const char *names[] = {files->ca, files->crl};
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_done = digest && EVP_DigestInit_ex2(digest, EVP_sha256(), NULL);
    for (size_t i = 0; is_done && i < 2; i++) {
        uint8_t bytes[4096];
        size_t n;
        FILE *file = names[i] ? fopen(names[i], "re") : NULL;
        while (file && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
            is_done = EVP_DigestUpdate(digest, bytes, n) == 1;
        if (file)
            fclose(file);
    }
    is_done = is_done && EVP_DigestFinal_ex(digest, c->ca_digest, NULL) == 1;
    EVP_MD_CTX_free(digest);
    return is_done;
}

struct tls_context *tls_context_load(const struct tls_files *files,
                                     struct tls_tickets *tickets,
                                     struct sentence *why)
{
    struct tls_context *c = calloc(1, sizeof *c);
    if (!c) {
        (void)sentence_fail(why, "no memory for TLS");
        return NULL;
    }
    c->refs = 1;
    c->asks_client = files->ca != NULL;
    ERR_clear_error();
    while (c->count < files->count)
        if (!context_add(c, files, tickets, why)) {
            tls_context_unref(c);
            return NULL;
        }
    if (!context_digest(c, files)) {
        (void)sentence_fail(why, "no memory for TLS");
        tls_context_unref(c);
        return NULL;
    }
    return c;
}

void tls_context_unref(struct tls_context *c)
{
    if (!c || --c->refs > 0)
        return;
    for (size_t i = 0; i < c->count; i++)
        SSL_CTX_free(c->ssl[i]);
    free(c);
}

SSL *tls_context_connection(struct tls_context *c, enum tls_speech speech)
{
    SSL *ssl = SSL_new(c->ssl[0]);
    if (ssl && SSL_set_app_data(ssl, (void *)(uintptr_t)protocols[speech]) == 1)
        return ssl;
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

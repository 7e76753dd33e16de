/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_context.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/net/tls_tickets.h"

/* There is no option for these: a list that nobody understands is a list that
 * is wrong. All give forward secrecy and authenticated encryption; the first is
 * as safe as the others, and costs either side a fifth less than AES-256. A
 * client without instructions for AES puts ChaCha20 first, and gets it. */
static const char ciphers_13[] = "TLS_AES_128_GCM_SHA256:"
                                 "TLS_AES_256_GCM_SHA384:"
                                 "TLS_CHACHA20_POLY1305_SHA256";
static const char ciphers_12[] =
    "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20";
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

/* A ticket holds what was true when it was given: a client whose certificate
 * has ended since, or is demanded only now, shakes hands in full and is told
 * why it is refused. A change of CA or CRL makes all tickets void, see
 * tls_load(). */
static SSL_TICKET_RETURN context_on_ticket(SSL *ssl, SSL_SESSION *session,
                                           const unsigned char *name,
                                           size_t length,
                                           SSL_TICKET_STATUS status, void *arg)
{
    (void)name;
    (void)length;
    (void)arg;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    const X509 *shown = SSL_SESSION_get0_peer(session);
    bool holds =
        shown ? X509_cmp_current_time(X509_get0_notAfter(shown)) > 0
              : !(SSL_get_verify_mode(ssl) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    if (!holds)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                        : SSL_TICKET_RETURN_USE_RENEW;
}

/* The files. */

enum { FILE_MAX = 32 << 20 };

/* Reading anything else may take for ever, and the loop waits for it. NULL, for
 * one that was not asked for, is fine. */
static bool file_is_one(const char *file, struct sentence *why)
{
    struct stat st;
    if (!file)
        return true;
    if (stat(file, &st) != 0)
        return sentence_fail(why, "%s: %s", file, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return sentence_fail(why, "%s: not a file", file);
    if (st.st_size > FILE_MAX)
        return sentence_fail(why, "%s: has more than %d MiB", file,
                             FILE_MAX >> 20);
    return true;
}

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

static bool files_are_ones(const struct tls_files *files, struct sentence *why)
{
    for (size_t i = 0; i < files->count; i++)
        if (!file_is_one(files->certificates[i], why) ||
            !file_is_one(files->keys[i], why))
            return false;
    return file_is_one(files->ca, why) && file_is_one(files->crl, why);
}

/* Its own certificate. */

/* Nobody is asked for a passphrase: a daemon has no terminal. */
static int no_passphrase(char *out, int room, int writes, void *arg)
{
    (void)out;
    (void)room;
    (void)writes;
    (void)arg;
    return -1;
}

/* Otherwise some clients do not find from the first to one that they know. */
static bool chain_is_in_order(SSL_CTX *ssl)
{
    X509 *signed_one = SSL_CTX_get0_certificate(ssl);
    STACK_OF(X509) *chain = NULL;
    (void)SSL_CTX_get0_chain_certs(ssl, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *next = sk_X509_value(chain, i);
        if (X509_check_issued(next, signed_one) != X509_V_OK)
            return false;
        signed_one = next;
    }
    return true;
}

static bool context_load_own(SSL_CTX *ssl, const char *certificate,
                             const char *key, struct sentence *why)
{
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1)
        return context_fail(why, certificate,
                            "no chain of certificates in PEM");
    if (!chain_is_in_order(ssl))
        return sentence_fail(
            why, "%s: out of order: each certificate is signed by the next",
            certificate);
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
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    /* The chain that is sent is that of the file: OpenSSL would look for one
     * among the authorities of clients, in each handshake. */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(ssl, 0);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ssl, TLS_CHAIN_MAX);
    SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
    int least = files->is_13_only ? TLS1_3_VERSION : TLS1_2_VERSION;
    return SSL_CTX_set_min_proto_version(ssl, least) == 1 &&
           SSL_CTX_set_cipher_list(ssl, ciphers_12) == 1 &&
           SSL_CTX_set_ciphersuites(ssl, ciphers_13) == 1 &&
           SSL_CTX_set1_groups_list(ssl, groups) == 1 &&
           SSL_CTX_set_num_tickets(ssl, 0) == 1 && /* but see tls_transport.c */
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

static void context_note_name(struct tls_context *c, const GENERAL_NAME *name)
{
    size_t used = strlen(c->names);
    const ASN1_STRING *text = name->d.dNSName;
    if (name->type == GEN_DNS)
        (void)snprintf(c->names + used, sizeof c->names - used, "%s%.*s",
                       used ? "," : "", ASN1_STRING_length(text),
                       (const char *)ASN1_STRING_get0_data(text));
}

static void context_note_names(struct tls_context *c, const X509 *certificate)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        context_note_name(c, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
}

static void context_note(struct tls_context *c, const X509 *certificate)
{
    int64_t begin = seconds_of(X509_get0_notBefore(certificate));
    int64_t end = seconds_of(X509_get0_notAfter(certificate));
    if (c->count == 0) {
        unsigned length = sizeof c->fingerprint;
        (void)X509_digest(certificate, EVP_sha256(), c->fingerprint, &length);
    }
    if (c->count == 0 || end < c->not_after) {
        c->not_after = end;
        c->ends_first = c->count;
    }
    if (c->count == 0 || begin > c->not_before)
        c->not_before = begin;
    context_note_names(c, certificate);
}

/* A list that has ended admits no client of its authority. */
static void context_note_lists(struct tls_context *c)
{
    X509_STORE *store = SSL_CTX_get_cert_store(c->ssl[0]);
    STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
        const ASN1_TIME *next = crl ? X509_CRL_get0_nextUpdate(crl) : NULL;
        if (!next)
            continue;
        int64_t end = seconds_of(next);
        if (c->crls++ == 0 || end < c->crls_not_after)
            c->crls_not_after = end;
    }
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
    (void)SSL_CTX_set_session_ticket_cb(ssl, NULL, context_on_ticket, NULL);
    SSL_CTX_set_alpn_select_cb(ssl, context_on_alpn, NULL);
    context_note(c, SSL_CTX_get0_certificate(ssl));
    c->ssl[c->count++] = ssl;
    return true;
}

/* A resumed client has its certificate with it, and not those between it and
 * the authority: where these are needed it has to come again. */
static bool context_verifies(SSL_CTX *ssl, X509 *shown, STACK_OF(X509) * chain)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    bool is_good = check &&
                   X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(ssl),
                                       shown, chain) == 1 &&
                   X509_STORE_CTX_set_default(check, "ssl_client") == 1;
    if (is_good) {
        X509_STORE_CTX_set_depth(check, CHAIN_DEPTH_MAX);
        is_good = X509_verify_cert(check) == 1;
    }
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return is_good;
}

static bool context_demands(const struct tls_context *c)
{
    return SSL_CTX_get_verify_mode(c->ssl[0]) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

bool tls_context_trusts_as(const struct tls_context *c,
                           const struct tls_context *before)
{
    return memcmp(c->ca_digest, before->ca_digest, sizeof c->ca_digest) == 0 &&
           (context_demands(before) || !context_demands(c));
}

bool tls_context_trusts(const struct tls_context *c, SSL *ssl)
{
    X509 *shown = SSL_get0_peer_certificate(ssl);
    if (!shown)
        return !context_demands(c);
    return SSL_CTX_get_verify_mode(c->ssl[0]) != SSL_VERIFY_NONE &&
           context_verifies(c->ssl[0], shown, SSL_get_peer_cert_chain(ssl));
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
    if (!files_are_ones(files, why))
        return NULL;
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
    context_note_lists(c);
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

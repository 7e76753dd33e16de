/* SPDX-License-Identifier: MIT */
#include "client/tls_server.h"

#include "common/secrecy.h"
#include "common/sentence.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TLS_SERVER_FILES = 2 };

/* As the broker has it. */
static const char tls_server_ciphers_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char tls_server_groups[] = "X25519:P-256";
static const unsigned char tls_server_protocol[] = "\x08http/1.1";

struct tls_server {
    char *files[TLS_SERVER_FILES]; /* certificate, key */
    struct stat seen[TLS_SERVER_FILES];
    SSL_CTX *context;
};

struct tls_stream {
    SSL *ssl;
    bool wants_output;
    bool has_failed;
};

/* --- the certificate ----------------------------------------------------- */

/* Clients that name protocols must know HTTP. */
static int tls_server_on_protocols(SSL *ssl, const unsigned char **out,
                                   unsigned char *length,
                                   const unsigned char *offered, unsigned n,
                                   void *arg)
{
    unsigned char *chosen;
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, length, tls_server_protocol,
                              sizeof tls_server_protocol - 1, offered,
                              n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A key with a passphrase is refused: nobody is there to be asked. */
static int tls_server_no_passphrase(char *out, int room, int writes, void *arg)
{
    (void)out;
    (void)room;
    (void)writes;
    (void)arg;
    return -1;
}

static bool tls_server_set_rules(SSL_CTX *c)
{
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(c, SSL_OP_CLEANSE_PLAINTEXT); /* browsers' passwords */
    SSL_CTX_set_default_passwd_cb(c, tls_server_no_passphrase);
    SSL_CTX_set_alpn_select_cb(c, tls_server_on_protocols, NULL);
    return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(c, tls_server_ciphers_12) == 1 &&
           SSL_CTX_set1_groups_list(c, tls_server_groups) == 1;
}

static bool tls_server_load(const struct tls_server *s, SSL_CTX *c,
                            struct sentence *why)
{
    if (!tls_server_set_rules(c))
        return sentence_fail(why, "TLS cannot be set up");
    if (SSL_CTX_use_certificate_chain_file(c, s->files[0]) != 1)
        return sentence_fail(why,
                             "%.200s: no certificate in PEM, or it cannot "
                             "be read",
                             s->files[0]);
    if (SSL_CTX_use_PrivateKey_file(c, s->files[1], SSL_FILETYPE_PEM) != 1)
        return sentence_fail(why,
                             "%.200s: no key in PEM that fits the "
                             "certificate, or it cannot be read",
                             s->files[1]);
    return true;
}

/* Whether a file is another than when it was looked at last. */
static bool tls_server_has_changed(struct tls_server *s)
{
    bool is_changed = !s->context;
    for (size_t i = 0; i < TLS_SERVER_FILES; i++) {
        struct stat now;
        if (stat(s->files[i], &now) != 0)
            continue;
        is_changed |= now.st_ino != s->seen[i].st_ino ||
                      now.st_size != s->seen[i].st_size ||
                      now.st_mtim.tv_sec != s->seen[i].st_mtim.tv_sec ||
                      now.st_mtim.tv_nsec != s->seen[i].st_mtim.tv_nsec;
        s->seen[i] = now;
    }
    return is_changed;
}

/* Files that are not good leave what was read last. */
static bool tls_server_refresh(struct tls_server *s, struct sentence *why)
{
    if (!tls_server_has_changed(s))
        return true;
    SSL_CTX *fresh = SSL_CTX_new(TLS_server_method());
    bool ok = fresh ? tls_server_load(s, fresh, why)
                    : sentence_fail(why, "out of memory");
    ERR_clear_error();
    if (ok) {
        SSL_CTX_free(s->context);
        s->context = fresh;
    } else {
        SSL_CTX_free(fresh);
    }
    return ok;
}

struct tls_server *tls_server_new(const char *certificate, const char *key,
                                  struct sentence *why)
{
    struct tls_server *s = calloc(1, sizeof *s);
    secrecy_hide_memory();
    if (s) {
        s->files[0] = strdup(certificate);
        s->files[1] = strdup(key);
    }
    if (!s || !s->files[0] || !s->files[1])
        sentence_fail(why, "out of memory");
    else if (tls_server_refresh(s, why))
        return s;
    tls_server_free(s);
    return NULL;
}

void tls_server_free(struct tls_server *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < TLS_SERVER_FILES; i++)
        free(s->files[i]);
    SSL_CTX_free(s->context);
    free(s);
}

/* --- one connection ------------------------------------------------------ */

struct tls_stream *tls_server_accept(struct tls_server *s, int fd)
{
    struct sentence ignored;
    (void)tls_server_refresh(s, &ignored);
    struct tls_stream *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->ssl = SSL_new(s->context);
    if (t->ssl && SSL_set_fd(t->ssl, fd) == 1) {
        SSL_set_accept_state(t->ssl);
        return t;
    }
    tls_stream_free(t);
    return NULL;
}

/* Turns what OpenSSL returned into what read(2) and write(2) would. */
static ssize_t tls_stream_result(struct tls_stream *t, int returned)
{
    int what = SSL_get_error(t->ssl, returned);
    t->wants_output = what == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
        return -1;
    }
    if (what == SSL_ERROR_ZERO_RETURN)
        return 0;
    t->has_failed = true;
    errno = EPROTO;
    return -1;
}

static int tls_stream_most(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

ssize_t tls_stream_read(struct tls_stream *t, void *bytes, size_t room)
{
    ERR_clear_error();
    int n = SSL_read(t->ssl, bytes, tls_stream_most(room));
    t->wants_output = false;
    return n > 0 ? n : tls_stream_result(t, n);
}

ssize_t tls_stream_write(struct tls_stream *t, const void *bytes, size_t n)
{
    ERR_clear_error();
    int put = SSL_write(t->ssl, bytes, tls_stream_most(n));
    return put > 0 ? put : tls_stream_result(t, put);
}

bool tls_stream_wants_output(const struct tls_stream *t)
{
    return t->wants_output;
}

void tls_stream_shutdown(struct tls_stream *t)
{
    if (t->has_failed || !SSL_is_init_finished(t->ssl))
        return;
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}

void tls_stream_free(struct tls_stream *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

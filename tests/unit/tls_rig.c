/* SPDX-License-Identifier: MIT */
#include "tests/unit/tls_rig.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/net/tls_records.h"
#include "broker/net/tls_shaking.h"
#include "broker/net/tls_transport.h"

enum { SCRATCH_BYTES = TLS_OPENED_MAX + TLS_RECORD_HEAD + TLS_RECORD_MAX };

/* Broken promises must stop it in every build. */
static void must(bool is_true)
{
    if (!is_true)
        abort();
}

/* The network. */

#define RIG_OF(t)                                                              \
    ((struct tls_rig *)((char *)(t)-offsetof(struct tls_rig, wire)))

static enum stream_status wire_read(struct transport *t, int fd,
                                    const struct iovec *iov, int iovs,
                                    size_t *got)
{
    struct tls_rig *r = RIG_OF(t);
    (void)fd;
    *got = 0;
    if (r->to_broker.used == 0)
        return r->has_ended ? STREAM_END : STREAM_AGAIN;
    for (int i = 0; i < iovs; i++) {
        size_t n = r->to_broker.used < iov[i].iov_len ? r->to_broker.used
                                                      : iov[i].iov_len;
        if (n > 0)
            memcpy(iov[i].iov_base, r->to_broker.bytes, n);
        tls_bytes_remove(&r->to_broker, n);
        *got += n;
    }
    return STREAM_OK;
}

static enum stream_status wire_write(struct transport *t, int fd,
                                     const struct iovec *iov, int iovs,
                                     size_t *put)
{
    struct tls_rig *r = RIG_OF(t);
    (void)fd;
    *put = 0;
    r->writes++;
    for (int i = 0; i < iovs; i++) {
        size_t n = r->room < iov[i].iov_len ? r->room : iov[i].iov_len;
        must(tls_bytes_add(&r->from_broker, iov[i].iov_base, n));
        r->room -= n;
        *put += n;
    }
    return *put > 0 ? STREAM_OK : STREAM_AGAIN;
}

static size_t wire_none(const struct transport *t)
{
    (void)t;
    return 0;
}

static void wire_close(struct transport *t)
{
    (void)t;
}

static const struct transport_ops wire_ops = {
    .read = wire_read,
    .write = wire_write,
    .held = wire_none,
    .unconfirmed = wire_none,
    .close = wire_close,
};

/* In the place of tls_shaking.c. */

static void shaking_step(struct tls_link *l)
{
    tls_link_step(l);
    if (l->state == TLS_FAILED) {
        tls_link_fail(l, (enum tls_fault)l->fault);
        l->is_end_due = true;
    } else if (l->state == TLS_OPEN) {
        l->is_whole = l->in.used > 0;
    }
    tls_link_charge(l);
}

bool tls_shaking_join(struct tls_shaking *s, struct tls_link *l)
{
    (void)s;
    if (!tls_link_begin(l))
        return false;
    shaking_step(l);
    return true;
}

bool tls_shaking_go_on(struct tls_shaking *s, struct tls_link *l)
{
    (void)s;
    shaking_step(l);
    return true;
}

void tls_shaking_greet(struct tls_shaking *s, struct tls_link *l)
{
    (void)s;
    (void)l;
}

void tls_shaking_leave(struct tls_shaking *s, struct tls_link *l)
{
    (void)s;
    (void)l;
}

/* Certificates. */

static X509 *certificate_new(EVP_PKEY *key)
{
    X509 *c = X509_new();
    must(c && X509_set_version(c, 2) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(c), 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(c), 0) &&
         X509_gmtime_adj(X509_getm_notAfter(c), 86400) &&
         X509_set_pubkey(c, key) == 1);
    X509_NAME *name = X509_get_subject_name(c);
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                    (const unsigned char *)"localhost", -1, -1,
                                    0) == 1 &&
         X509_set_issuer_name(c, name) == 1 &&
         X509_sign(c, key, EVP_sha256()) > 0);
    return c;
}

static void certificate_write(const char *certificate, const char *key)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    must(pair != NULL);
    X509 *c = certificate_new(pair);
    mode_t old = umask(077);
    FILE *file = fopen(certificate, "w");
    must(file && PEM_write_X509(file, c) == 1 && fclose(file) == 0);
    file = fopen(key, "w");
    must(file &&
         PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL) == 1 &&
         fclose(file) == 0);
    (void)umask(old);
    X509_free(c);
    EVP_PKEY_free(pair);
}

static struct tls_context *context_new(struct tls_tickets *tickets)
{
    char folder[] = "/tmp/sluice-tls-rig-XXXXXX", certificate[64], key[64];
    struct sentence why;
    must(mkdtemp(folder) != NULL);
    snprintf(certificate, sizeof certificate, "%s/pem", folder);
    snprintf(key, sizeof key, "%s/key", folder);
    certificate_write(certificate, key);
    const struct tls_files files = {
        .certificates = (const char *[]){certificate},
        .keys = (const char *[]){key},
        .count = 1,
    };
    struct tls_context *c = tls_context_load(&files, tickets, &why);
    must(c != NULL);
    (void)unlink(certificate);
    (void)unlink(key);
    (void)rmdir(folder);
    return c;
}

void tls_rig_init(struct tls_rig *r)
{
    *r = (struct tls_rig){.room = SIZE_MAX};
    tls_tickets_init(&r->tickets);
    r->shared.budget = &r->budget;
    r->shared.counters = &r->counters;
    r->shared.scratch = malloc(SCRATCH_BYTES);
    r->shared.plain = malloc(16 << 10);
    r->context = context_new(&r->tickets);
    r->client_context = SSL_CTX_new(TLS_client_method());
    must(r->shared.scratch && r->shared.plain && r->client_context);
}

void tls_rig_fini(struct tls_rig *r)
{
    SSL_CTX_free(r->client_context);
    tls_context_unref(r->context);
    tls_tickets_fini(&r->tickets);
    tls_bytes_free(&r->shared.sealed);
    free(r->shared.scratch);
    free(r->shared.plain);
}

/* Connections. */

void tls_rig_begin(struct tls_rig *r, const uint8_t *bytes, size_t n)
{
    const struct tls_client client = {.speech = TLS_SPEAKS_SLUICE};
    r->wire = (struct transport){.ops = &wire_ops};
    r->room = SIZE_MAX;
    r->has_ended = false;
    r->top = tls_transport_new(&r->shared, r->context, &client, bytes, n);
    must(r->top != NULL);
    r->top->below = &r->wire;
}

void tls_rig_take(struct tls_rig *r, struct tls_bytes *out)
{
    char bytes[4096];
    int n;
    while ((n = BIO_read(SSL_get_wbio(r->client), bytes, sizeof bytes)) > 0)
        must(tls_bytes_add(out, bytes, (size_t)n));
}

void tls_rig_answer(struct tls_rig *r)
{
    size_t put, n = r->from_broker.used;
    must(n == 0 || (BIO_write_ex(SSL_get_rbio(r->client), r->from_broker.bytes,
                                 n, &put) == 1 &&
                    put == n));
    tls_bytes_free(&r->from_broker);
}

void tls_rig_connect(struct tls_rig *r, int version)
{
    struct tls_bytes first = {.used = 0};
    uint8_t byte;
    size_t got;
    r->client = SSL_new(r->client_context);
    must(r->client && SSL_set_min_proto_version(r->client, version) == 1 &&
         SSL_set_max_proto_version(r->client, version) == 1);
    SSL_set_bio(r->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    (void)SSL_connect(r->client);
    tls_rig_take(r, &first);
    tls_rig_begin(r, first.bytes, first.used);
    tls_bytes_free(&first);
    for (int i = 0; i < 4; i++) {
        (void)tls_rig_read(r, &byte, 1, &got);
        (void)tls_rig_read(r, &byte, 1, &got); /* sends what was computed */
        tls_rig_answer(r);
        (void)SSL_connect(r->client);
        tls_rig_take(r, &r->to_broker);
    }
    must(SSL_is_init_finished(r->client) && tls_rig_link(r)->state == TLS_OPEN);
}

void tls_rig_close(struct tls_rig *r)
{
    transport_close(r->top);
    r->top = NULL;
    SSL_free(r->client);
    r->client = NULL;
    tls_bytes_free(&r->to_broker);
    tls_bytes_free(&r->from_broker);
    must(r->budget.used_bytes == 0 &&
         r->counters.value[COUNT_tls_connections] == 0);
}

struct tls_link *tls_rig_link(const struct tls_rig *r)
{
    return tls_transport_link(r->top);
}

enum stream_status tls_rig_read(struct tls_rig *r, uint8_t *to, size_t n,
                                size_t *got)
{
    const struct iovec iov = {to, n};
    return transport_read(&r->top, -1, &iov, 1, got);
}

enum stream_status tls_rig_write(struct tls_rig *r, const uint8_t *from,
                                 size_t n, size_t *put)
{
    const struct iovec iov = {(void *)(uintptr_t)from, n};
    return transport_write(r->top, -1, &iov, 1, put);
}

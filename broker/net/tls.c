/* SPDX-License-Identifier: MIT */
#include "broker/net/tls.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "broker/base/counters.h"
#include "broker/base/recent.h"
#include "broker/net/stream.h"
#include "broker/net/tls_link.h"
#include "broker/net/tls_records.h"
#include "broker/net/tls_shaking.h"
#include "broker/net/tls_tally.h"
#include "broker/net/tls_tickets.h"
#include "broker/net/tls_transport.h"

struct tls {
    struct tls_shared shared;
    struct tls_tickets tickets;
    struct tls_context *current; /* NULL: none */
    uint64_t trust;
};

enum {
    SCRATCH_BYTES = TLS_OPENED_MAX + TLS_RECORD_HEAD + TLS_RECORD_MAX,
    PLAIN_BYTES = 16 << 10,
};

struct tls *tls_new(struct reactor *reactor, struct budget *budget,
                    struct counters *counters, uint32_t threads)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    tls_tickets_init(&t->tickets);
    t->shared.budget = budget;
    t->shared.counters = counters;
    t->shared.scratch = malloc(SCRATCH_BYTES);
    t->shared.plain = malloc(PLAIN_BYTES);
    t->shared.shaking = tls_shaking_new(reactor, counters, threads);
    if (t->shared.scratch && t->shared.plain && t->shared.shaking)
        return t;
    tls_free(t);
    return NULL;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    tls_shaking_free(t->shared.shaking);
    tls_context_unref(t->current);
    tls_tickets_fini(&t->tickets);
    tls_bytes_free(&t->shared.sealed);
    free(t->shared.scratch);
    free(t->shared.plain);
    free(t);
}

/* Whoever is trusted no longer shall not resume, either. */
bool tls_load(struct tls *t, const struct tls_files *files,
              struct sentence *why)
{
    struct tls_context *fresh = tls_context_load(files, &t->tickets, why);
    if (!fresh)
        return false;
    if (t->current && !tls_context_trusts_as(fresh, t->current)) {
        tls_tickets_wipe(&t->tickets);
        t->trust++;
    }
    tls_context_unref(t->current);
    t->current = fresh;
    return true;
}

void tls_unload(struct tls *t)
{
    tls_context_unref(t->current);
    t->current = NULL;
}

const struct tls_context *tls_current(const struct tls *t)
{
    return t->current;
}

uint64_t tls_trust(const struct tls *t)
{
    return t->trust;
}

const struct tls_tally *tls_tally(const struct tls *t)
{
    return &t->shared.tally;
}

void tls_measure(const struct tls *t)
{
    struct counters *counters = t->shared.counters;
    const struct recent *lately = &t->shared.tally.lately;
    counter_set(counters, COUNT_tls_waiting,
                tls_shaking_waiting(t->shared.shaking));
    counter_set(counters, COUNT_tls_handshake_p50_us,
                recent_within_us(lately, 50));
    counter_set(counters, COUNT_tls_handshake_p99_us,
                recent_within_us(lately, 99));
}

/* An operator who tries things out is not slowed down. */
bool tls_start(struct tls *t, struct stream *stream, const struct peer *peer,
               enum tls_speech speech, const uint8_t *bytes, size_t n)
{
    const struct tls_client client = {.speech = speech,
                                      .host = peer_host(peer),
                                      .mark = peer_mark(peer),
                                      .is_exempt = peer_is_local(peer)};
    struct transport *link =
        tls_transport_new(&t->shared, t->current, &client, bytes, n);
    if (!link)
        return false;
    stream_add_transport(stream, link);
    stream_wake(stream); /* the first bytes are here, the socket is silent */
    return true;
}

/* What is known of a stream. */

static const struct tls_link *link_of(const struct stream *stream)
{
    return tls_transport_link(stream_transport(stream));
}

/* OpenSSL's object, once the handshake is complete. */
static SSL *ssl_of(const struct stream *stream)
{
    const struct tls_link *l = link_of(stream);
    bool is_open = l && !l->transport.is_away && l->ssl &&
                   (l->state == TLS_OPEN || l->state == TLS_ENDED);
    return is_open ? l->ssl : NULL;
}

bool tls_is_trusted(const struct tls *t, const struct stream *stream)
{
    const struct tls_link *l = link_of(stream);
    if (!l || !t->current || tls_context_trusts_as(t->current, l->context))
        return true;
    SSL *ssl = ssl_of(stream);
    return ssl && tls_context_trusts(t->current, ssl);
}

bool tls_is_started(const struct stream *stream)
{
    return link_of(stream) != NULL;
}

bool tls_has_part(const struct stream *stream)
{
    const struct tls_link *l = link_of(stream);
    return l && !l->transport.is_away && l->state == TLS_OPEN &&
           l->in.used > 0 && !l->is_whole;
}

enum tls_fault tls_fault_of(const struct stream *stream, const char **alert)
{
    const struct tls_link *l = link_of(stream);
    bool is_known = l && !l->transport.is_away;
    *alert = is_known ? l->alert : NULL;
    return is_known ? (enum tls_fault)l->fault : TLS_SOUND;
}

const char *tls_version_of(const struct stream *stream)
{
    SSL *ssl = ssl_of(stream);
    return ssl ? SSL_get_version(ssl) : NULL;
}

const char *tls_cipher_of(const struct stream *stream)
{
    SSL *ssl = ssl_of(stream);
    return ssl ? SSL_get_cipher_name(ssl) : NULL;
}

static bool name_copy(const ASN1_STRING *from, char name[TLS_NAME_MAX + 1])
{
    int n = ASN1_STRING_length(from);
    const unsigned char *bytes = ASN1_STRING_get0_data(from);
    if (n <= 0 || n > TLS_NAME_MAX || memchr(bytes, '\0', (size_t)n))
        return false; /* a NUL inside is somebody's trick */
    memcpy(name, bytes, (size_t)n);
    name[n] = '\0';
    return true;
}

/* *has_any: there are alternative names, so the common name does not count. */
static bool name_alternative(X509 *certificate, char name[TLS_NAME_MAX + 1],
                             bool *has_any)
{
    GENERAL_NAMES *all =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool is_found = false;
    *has_any = all != NULL;
    for (int i = 0; !is_found && i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
        if (one->type == GEN_DNS || one->type == GEN_URI)
            is_found = name_copy(one->d.ia5, name);
    }
    GENERAL_NAMES_free(all);
    return is_found;
}

static bool name_common(const X509 *certificate, char name[TLS_NAME_MAX + 1])
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    return at >= 0 &&
           name_copy(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)),
                     name);
}

bool tls_client_name(const struct stream *stream, char name[TLS_NAME_MAX + 1])
{
    SSL *ssl = ssl_of(stream);
    X509 *certificate = ssl ? SSL_get0_peer_certificate(ssl) : NULL;
    bool has_alternatives;
    if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK)
        return false;
    return name_alternative(certificate, name, &has_alternatives) ||
           (!has_alternatives && name_common(certificate, name));
}

bool tls_binding(const struct stream *stream, uint8_t binding[TLS_BINDING])
{
    static const char label[] = "EXPORTER-Channel-Binding";
    SSL *ssl = ssl_of(stream);
    bool is_unique = ssl && (SSL_version(ssl) >= TLS1_3_VERSION ||
                             SSL_get_extms_support(ssl) == 1);
    return is_unique &&
           SSL_export_keying_material(ssl, binding, TLS_BINDING, label,
                                      sizeof label - 1, NULL, 0, 0) == 1;
}

/* SPDX-License-Identifier: MIT
 *
 * Nobody speaks TLS on a virtual stream.
 */
#include "broker/net/tls.h"

const struct tls_context *tls_current(const struct tls *t)
{
    (void)t;
    return NULL;
}

bool tls_start(struct tls *t, struct stream *stream, const struct peer *peer,
               enum tls_speech speech, const uint8_t *bytes, size_t n)
{
    (void)t;
    (void)stream;
    (void)peer;
    (void)speech;
    (void)bytes;
    (void)n;
    return false;
}

bool tls_is_started(const struct stream *stream)
{
    (void)stream;
    return false;
}

uint64_t tls_trust(const struct tls *t)
{
    (void)t;
    return 0;
}

bool tls_is_trusted(const struct tls *t, const struct stream *stream)
{
    (void)t;
    (void)stream;
    return true;
}

bool tls_client_name(const struct stream *stream, char name[TLS_NAME_MAX + 1])
{
    (void)stream;
    (void)name;
    return false;
}

bool tls_binding(const struct stream *stream, uint8_t binding[TLS_BINDING])
{
    (void)stream;
    (void)binding;
    return false;
}

const char *tls_version_of(const struct stream *stream)
{
    (void)stream;
    return NULL;
}

const char *tls_cipher_of(const struct stream *stream)
{
    (void)stream;
    return NULL;
}

bool tls_has_part(const struct stream *stream)
{
    (void)stream;
    return false;
}

enum tls_fault tls_fault_of(const struct stream *stream, const char **alert)
{
    (void)stream;
    *alert = NULL;
    return TLS_SOUND;
}

/* SPDX-License-Identifier: MIT */
#include "client/target.h"

#include "client/lib/handle.h"
#include "common/address.h"
#include "common/secrecy.h"

/* An option that is for TLS alone means TLS: to leave it out silently would
 * send in clear what was to be kept. */
static bool target_is_secured(const struct target *t)
{
    return t->is_secured || t->ca || t->certificate || t->key || t->name ||
           t->pin;
}

bool target_tls(const struct target *t, struct sluice_tls *out)
{
    *out = (struct sluice_tls){
        .size = sizeof *out,
        .ca = t->ca,
        .certificate = t->certificate,
        .key = t->key,
        .name = t->name,
        .pin = t->pin,
    };
    if (t->key)
        secrecy_hide_memory();
    return target_is_secured(t);
}

bool target_is_unix(const struct target *t)
{
    struct sluice_address address;
    return sluice_address_parse(t->server, SLUICE_DEFAULT_PORT, &address) &&
           address.is_unix;
}

static enum sluice_error target_prepare(const struct target *t,
                                        struct sluice *s)
{
    struct sluice_tls tls;
    enum sluice_error error =
        target_tls(t, &tls) ? sluice_set_tls(s, &tls) : SLUICE_OK;
    return error == SLUICE_OK && login_is_wanted(&t->login)
               ? login_apply(&t->login, s)
               : error;
}

enum sluice_error target_connect(const struct target *t, struct sluice *s,
                                 int timeout_ms)
{
    if (login_is_wanted(&t->login))
        return sluice_failure_set(&s->failure, SLUICE_BAD_OPTION,
                                  "this needs version 1 of the protocol, in "
                                  "which a client cannot show who it is");
    enum sluice_error error = target_prepare(t, s);
    return error == SLUICE_OK ? sluice_connect(s, t->server, timeout_ms)
                              : error;
}

enum sluice_error target_open(const struct target *t, struct sluice *s,
                              int timeout_ms)
{
    enum sluice_error error = target_prepare(t, s);
    return error == SLUICE_OK ? sluice_open(s, t->server, timeout_ms) : error;
}

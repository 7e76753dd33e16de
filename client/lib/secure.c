/* SPDX-License-Identifier: MIT */
#include "client/lib/secure.h"

#include "client/lib/trust.h"

static const char secure_prefix[] = "tls:";

enum { SECURE_PREFIX_BYTES = sizeof secure_prefix - 1 };

static bool secure_is_asked(const char *address)
{
    return strncmp(address, secure_prefix, SECURE_PREFIX_BYTES) == 0;
}

const char *sluice_secure_address(const char *address)
{
    return secure_is_asked(address) ? address + SECURE_PREFIX_BYTES : address;
}

/* The system's authorities, and the host that the address names. */
static enum sluice_error secure_trust_usual(struct sluice *s)
{
    static const struct sluice_tls usual = {.size = sizeof usual};
    return s->trust ? SLUICE_OK
                    : sluice_trust_new(&usual, &s->trust, &s->failure);
}

enum sluice_error sluice_secure_begin(struct sluice *s, const char *address)
{
    if (!s->is_secured && !(address && secure_is_asked(address)))
        return SLUICE_OK;
    enum sluice_error error = secure_trust_usual(s);
    return error != SLUICE_OK
               ? error
               : sluice_wire_secure(&s->wire, s->trust,
                                    address ? sluice_secure_address(address)
                                            : NULL,
                                    &s->failure);
}

enum sluice_error sluice_set_tls(struct sluice *s, const struct sluice_tls *how)
{
    sluice_handle_assert(s);
    if (sluice_handle_is_up(s))
        return sluice_handle_bad_state(s);
    if (how && how->size != sizeof *how)
        return sluice_failure_set(&s->failure, SLUICE_BAD_OPTION,
                                  "the size of struct sluice_tls is not set");
    sluice_handle_reset(s); /* what is left of a connection borrows the old */
    struct sluice_trust *fresh = NULL;
    if (how) {
        enum sluice_error error = sluice_trust_new(how, &fresh, &s->failure);
        if (error != SLUICE_OK)
            return error;
    }
    sluice_trust_free(s->trust);
    s->trust = fresh;
    s->is_secured = how != NULL;
    return SLUICE_OK;
}

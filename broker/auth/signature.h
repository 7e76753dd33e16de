/* SPDX-License-Identifier: MIT
 *
 * signature - a client that has a key shows it by signing what the broker has
 * drawn: with TLS together with bytes that only this connection has, so that
 * nobody in between can use the signature for another one.
 */
#ifndef SLUICE_AUTH_SIGNATURE_H
#define SLUICE_AUTH_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIGNATURE_BYTES = 64,
    SIGNATURE_NONCE = 32,
    SIGNATURE_BINDING = 32,
    SIGNATURE_KEY = 32, /* of a public key */
};

struct signature_claim {
    const char *user;
    const uint8_t *nonce;   /* SIGNATURE_NONCE of them */
    const uint8_t *binding; /* SIGNATURE_BINDING of them; NULL without TLS */
};

/* Whether it is that of the claim by the owner of `key`; with a NULL key it is
 * nobody's, and finding out takes as long. */
bool signature_is_right(const struct signature_claim *claim, const uint8_t *key,
                        const uint8_t signature[SIGNATURE_BYTES]);

/* False when there are no random bytes. */
bool signature_draw(uint8_t nonce[SIGNATURE_NONCE]);

#endif

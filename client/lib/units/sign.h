/* SPDX-License-Identifier: MIT
 *
 * sign - the answer to a broker that asks who this is: a signature by the key
 * of sluice_set_login(), for this connection alone.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_SIGN_H
#define SLUICE_CLIENT_LIB_UNITS_SIGN_H

#include "client/lib/handle.h"

/* Whether a mechanism, which may be NULL, asks for it. */
bool sluice_sign_is_meant(const char *mech);

/* Whether a proof is a key that can sign. */
bool sluice_sign_can(struct sluice_bytes proof);

/* The broker has drawn `nonce`: answers it. A handle that cannot, because it
 * was not asked for in this way, answers with an empty signature, which is
 * refused. */
void sluice_sign_answer(struct sluice *s, struct sluice_bytes nonce);

#endif

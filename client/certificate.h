/* SPDX-License-Identifier: MIT
 *
 * certificate - certificates for a broker and its clients, and the small
 * authority that signs them: P-256, in PEM files that only their owner may
 * read. No file that exists is replaced.
 */
#ifndef SLUICE_CLIENT_CERTIFICATE_H
#define SLUICE_CLIENT_CERTIFICATE_H

#include <stdbool.h>

struct sentence;

enum {
    CERTIFICATE_DAYS = 825, /* the longest that clients of all kinds accept */
    CERTIFICATE_AUTHORITY_DAYS = 3650,
    CERTIFICATE_PIN_BYTES = 72, /* "sha256:", 64 digits and the NUL */
    CERTIFICATE_NAME_MAX = 64,  /* what a common name holds */
};

/* What a certificate is for. */
enum certificate_use { CERTIFICATE_SERVER, CERTIFICATE_CLIENT };

struct certificate_authority;

/* Reads FOLDER/ca.pem and FOLDER/ca.key, or makes them when neither is there;
 * makes the folder, too. NULL, with the reason; else the caller owns it. */
struct certificate_authority *certificate_authority_open(const char *folder,
                                                         struct sentence *why);

/* NULL is allowed. */
void certificate_authority_close(struct certificate_authority *a);

/* Makes FOLDER/NAME.pem and FOLDER/NAME.key. `name` is a host, an address or a
 * client's name. `pin` is the digest of its public key, as --tls-pin takes it.
 * False, with the reason. */
bool certificate_issue(const struct certificate_authority *a, const char *name,
                       enum certificate_use use,
                       char pin[CERTIFICATE_PIN_BYTES], struct sentence *why);

/* Whether `name` can be that of a certificate and of a file. */
bool certificate_name_is_legal(const char *name);

#endif

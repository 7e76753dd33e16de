/* SPDX-License-Identifier: MIT */
#include "client/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secrecy.h"
#include "common/sentence.h"
#include "users/secret.h"

#define AUTHORITY_NAME "ca"
#define CURVE          "P-256"

enum {
    FOLDER_MODE = 0700,
    FILE_MODE = 0600,
    SERIAL_BITS = 127,
    SECONDS_OF_DAY = 86400,
};

struct certificate_authority {
    char *folder;
    X509 *certificate;
    EVP_PKEY *key;
};

bool certificate_name_is_legal(const char *name)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:";
    size_t length = strlen(name);
    return length > 0 && length <= CERTIFICATE_NAME_MAX && *name != '.' &&
           *name != '-' && strspn(name, alphabet) == length &&
           strcmp(name, AUTHORITY_NAME) != 0;
}

/* --- files --------------------------------------------------------------- */

/* Never opens a file that is there: what it holds may be in use. */
static FILE *certificate_create(const char *folder, const char *name,
                                const char *end, struct sentence *why)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, end);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out)
        sentence_fail(why,
                      errno == EEXIST ? "%s exists already; move it away to "
                                        "replace it"
                                      : "cannot write %s: %s",
                      path, strerror(errno));
    return out;
}

static bool certificate_finish(FILE *out, bool is_written, struct sentence *why)
{
    bool ok = fclose(out) == 0 && is_written;
    return ok || sentence_fail(why, "cannot write a file: %s", strerror(errno));
}

static bool certificate_write_key(const char *folder, const char *name,
                                  EVP_PKEY *key, struct sentence *why)
{
    FILE *out = certificate_create(folder, name, ".key", why);
    return out && certificate_finish(out,
                                     PEM_write_PrivateKey(out, key, NULL, NULL,
                                                          0, NULL, NULL) == 1,
                                     why);
}

/* `issuer` follows it; NULL: it is its own. */
static bool certificate_write(const char *folder, const char *name,
                              X509 *certificate, X509 *issuer,
                              struct sentence *why)
{
    FILE *out = certificate_create(folder, name, ".pem", why);
    return out &&
           certificate_finish(out,
                              PEM_write_X509(out, certificate) == 1 &&
                                  (!issuer || PEM_write_X509(out, issuer) == 1),
                              why);
}

/* --- contents ------------------------------------------------------------ */

struct extension {
    int nid;
    const char *value;
};

static bool certificate_extend(X509 *x, X509 *issuer,
                               const struct extension *extensions)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    for (; extensions->value; extensions++) {
        X509_EXTENSION *made = X509V3_EXT_conf_nid(
            NULL, &context, extensions->nid, extensions->value);
        bool ok = made && X509_add_ext(x, made, -1) == 1;
        X509_EXTENSION_free(made);
        if (!ok)
            return false;
    }
    return true;
}

static bool certificate_number(X509 *x)
{
    BIGNUM *number = BN_new();
    bool ok = number &&
              BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE,
                      BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    return ok;
}

/* A day in the past, for clocks that are slow. NULL without memory. */
static X509 *certificate_new(const char *name, EVP_PKEY *key, int days)
{
    X509 *x = X509_new();
    X509_NAME *subject = x ? X509_get_subject_name(x) : NULL;
    if (x && X509_set_version(x, X509_VERSION_3) == 1 &&
        certificate_number(x) &&
        X509_gmtime_adj(X509_getm_notBefore(x), -SECONDS_OF_DAY) &&
        X509_gmtime_adj(X509_getm_notAfter(x),
                        (long)(days - 1) * SECONDS_OF_DAY) &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                   (const unsigned char *)name, -1, -1,
                                   0) == 1 &&
        X509_set_pubkey(x, key) == 1)
        return x;
    X509_free(x);
    return NULL;
}

static bool certificate_sign(X509 *x, X509 *issuer, EVP_PKEY *key,
                             const struct extension *extensions)
{
    return X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
           certificate_extend(x, issuer, extensions) &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

/* --- the authority ------------------------------------------------------- */

static bool authority_make(struct certificate_authority *a,
                           struct sentence *why)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {0, NULL},
    };
    a->key = EVP_EC_gen(CURVE);
    a->certificate = a->key ? certificate_new("sluice authority", a->key,
                                              CERTIFICATE_AUTHORITY_DAYS)
                            : NULL;
    if (!a->certificate ||
        !certificate_sign(a->certificate, a->certificate, a->key, extensions))
        return sentence_fail(why, "cannot make an authority");
    return certificate_write_key(a->folder, AUTHORITY_NAME, a->key, why) &&
           certificate_write(a->folder, AUTHORITY_NAME, a->certificate, NULL,
                             why);
}

static bool authority_read(struct certificate_authority *a, FILE *certificate,
                           FILE *key, struct sentence *why)
{
    char no_password[] = "";
    if (certificate)
        a->certificate = PEM_read_X509(certificate, NULL, NULL, NULL);
    if (key)
        a->key = PEM_read_PrivateKey(key, NULL, NULL, no_password);
    if (a->certificate && a->key &&
        X509_check_private_key(a->certificate, a->key) == 1)
        return true;
    return sentence_fail(why,
                         "%s/" AUTHORITY_NAME ".pem and %s/" AUTHORITY_NAME
                         ".key are not a certificate and its key",
                         a->folder, a->folder);
}

static bool authority_open(struct certificate_authority *a,
                           struct sentence *why)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" AUTHORITY_NAME ".pem", a->folder);
    FILE *certificate = fopen(path, "re");
    snprintf(path, sizeof path, "%s/" AUTHORITY_NAME ".key", a->folder);
    FILE *key = fopen(path, "re");
    bool ok = certificate || key ? authority_read(a, certificate, key, why)
                                 : authority_make(a, why);
    if (certificate)
        fclose(certificate);
    if (key)
        fclose(key);
    return ok;
}

struct certificate_authority *certificate_authority_open(const char *folder,
                                                         struct sentence *why)
{
    struct certificate_authority *a = calloc(1, sizeof *a);
    secrecy_hide_memory();
    if (!a || !(a->folder = strdup(folder)))
        sentence_fail(why, "there is no memory for it");
    else if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST)
        sentence_fail(why, "cannot make %s: %s", folder, strerror(errno));
    else if (authority_open(a, why))
        return a;
    certificate_authority_close(a);
    return NULL;
}

void certificate_authority_close(struct certificate_authority *a)
{
    if (!a)
        return;
    X509_free(a->certificate);
    EVP_PKEY_free(a->key);
    free(a->folder);
    free(a);
}

/* --- those that it signs ------------------------------------------------- */

static bool certificate_fill(const struct certificate_authority *a, X509 *x,
                             const char *name, enum certificate_use use)
{
    char names[CERTIFICATE_NAME_MAX + 8];
    struct in6_addr address;
    bool is_address = inet_pton(AF_INET, name, &address) == 1 ||
                      inet_pton(AF_INET6, name, &address) == 1;
    snprintf(names, sizeof names, "%s:%s", is_address ? "IP" : "DNS", name);
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage,
         use == CERTIFICATE_SERVER ? "serverAuth" : "clientAuth"},
        {NID_subject_alt_name, names},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
        {0, NULL},
    };
    return certificate_sign(x, a->certificate, a->key, extensions);
}

/* Of the key, so that it holds for a certificate that is renewed. */
static bool certificate_pin(const X509 *x, char pin[CERTIFICATE_PIN_BYTES])
{
    uint8_t digest[SECRET_DIGEST_BYTES];
    unsigned char *key = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
    bool ok = length > 0 && EVP_Digest(key, (size_t)length, digest, NULL,
                                       EVP_sha256(), NULL) == 1;
    OPENSSL_free(key);
    if (ok)
        secret_format_token(digest, pin);
    return ok;
}

bool certificate_issue(const struct certificate_authority *a, const char *name,
                       enum certificate_use use,
                       char pin[CERTIFICATE_PIN_BYTES], struct sentence *why)
{
    EVP_PKEY *key = EVP_EC_gen(CURVE);
    X509 *x = key ? certificate_new(name, key, CERTIFICATE_DAYS) : NULL;
    bool ok = x && certificate_fill(a, x, name, use) && certificate_pin(x, pin);
    if (!ok)
        sentence_fail(why, "cannot make a certificate for %s", name);
    ok = ok && certificate_write_key(a->folder, name, key, why) &&
         certificate_write(a->folder, name, x, a->certificate, why);
    X509_free(x);
    EVP_PKEY_free(key);
    return ok;
}

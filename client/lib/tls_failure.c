/* SPDX-License-Identifier: MIT */
#include "client/lib/tls_failure.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { TLS_FAILURE_FACT_BYTES = 160 };

/* --- a server that is not believed --------------------------------------- */

/* Each writes what the row's sentence ends with. */

static void tls_failure_date(const ASN1_TIME *time,
                             char out[TLS_FAILURE_FACT_BYTES])
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) == 1)
        (void)strftime(out, TLS_FAILURE_FACT_BYTES, " %Y-%m-%d %H:%M UTC", &tm);
}

static void tls_failure_end(const X509 *shown, char out[TLS_FAILURE_FACT_BYTES])
{
    tls_failure_date(X509_get0_notAfter(shown), out);
}

static void tls_failure_begin(const X509 *shown,
                              char out[TLS_FAILURE_FACT_BYTES])
{
    tls_failure_date(X509_get0_notBefore(shown), out);
}

static void tls_failure_names(const X509 *shown,
                              char out[TLS_FAILURE_FACT_BYTES])
{
    GENERAL_NAMES *all =
        X509_get_ext_d2i(shown, NID_subject_alt_name, NULL, NULL);
    size_t used = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
        if (one->type != GEN_DNS || used + 64 > TLS_FAILURE_FACT_BYTES)
            continue;
        int n = snprintf(out + used, TLS_FAILURE_FACT_BYTES - used, "%s %.*s",
                         used > 0 ? "," : "",
                         ASN1_STRING_length(one->d.dNSName) < 60
                             ? ASN1_STRING_length(one->d.dNSName)
                             : 60,
                         (const char *)ASN1_STRING_get0_data(one->d.dNSName));
        used += n > 0 ? (size_t)n : 0;
    }
    GENERAL_NAMES_free(all);
    if (used == 0)
        snprintf(out, TLS_FAILURE_FACT_BYTES, " other names");
}

static const struct verify_row {
    long error; /* of OpenSSL's verification */
    const char *sentence;
    void (*fact)(const X509 *shown, char out[TLS_FAILURE_FACT_BYTES]);
    const char *hint;
} verify_rows[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "has expired, on", tls_failure_end,
     "it must be renewed, unless the clock of this machine is wrong"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "is not valid yet, but from",
     tls_failure_begin, "compare the clocks of both machines"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "is not for that name, but for",
     tls_failure_names, "connect by a name that it has, or expect that name"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "is not for that address, but for",
     tls_failure_names, "connect by a name that it has, or expect that name"},
    {X509_V_ERR_APPLICATION_VERIFICATION, "does not have the pinned key", NULL,
     "it is another server, or its key was replaced: compare the pin"},
    {X509_V_ERR_CERT_REVOKED, "was revoked", NULL, "it must be renewed"},
    {X509_V_ERR_INVALID_PURPOSE, "is not one for servers", NULL,
     "make one for a server"},
    {0, "is not signed by an authority that this client trusts", NULL,
     "trust its authority, or pin the certificate"},
};

static enum sluice_error
tls_failure_untrusted(const struct sluice_tls_fact *fact,
                      struct sluice_failure *why)
{
    char more[TLS_FAILURE_FACT_BYTES] = "";
    const struct verify_row *row = verify_rows;
    while (row->error != 0 && row->error != fact->verified)
        row++;
    if (row->fact && fact->shown)
        row->fact(fact->shown, more);
    return sluice_failure_set(why, SLUICE_UNTRUSTED,
                              "the certificate of %.100s %s%s: %s", fact->name,
                              row->sentence, more, row->hint);
}

/* --- the others ---------------------------------------------------------- */

static const struct tls_row {
    int reason; /* of OpenSSL */
    const char *sentence;
} tls_rows[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the server does not speak TLS"},
    {SSL_R_UNSUPPORTED_PROTOCOL,
     "the server speaks an old version of TLS only; 1.2 is the least"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
     "the server and this client have no version of TLS in common"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
     "the broker refused TLS: it may want a certificate of this client"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
     "the broker wants a certificate of this client, and got none"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA,
     "the broker does not trust the authority that signed the certificate of "
     "this client"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
     "the broker says that the certificate of this client has expired: renew "
     "it, unless it is the broker's list of revoked ones"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
     "the broker refused the certificate of this client: it is not one for "
     "clients"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
     "the broker says that the certificate of this client was revoked"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
     "the broker refused the certificate of this client: see its dates, and "
     "the clocks of both machines"},
    {SSL_R_TLSV1_ALERT_NO_RENEGOTIATION,
     "the server wanted to renegotiate, which is not allowed"},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL,
     "the server speaks TLS, but another protocol inside: compare the address "
     "and its port"},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE,
     "the server's chain of certificates is too long"},
};

enum sluice_error sluice_tls_failure_take(const struct sluice_tls_fact *fact,
                                          struct sluice_failure *why)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    const char *text = ERR_reason_error_string(error);
    ERR_clear_error();
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return tls_failure_untrusted(fact, why);
    for (size_t i = 0; i < sizeof tls_rows / sizeof *tls_rows; i++)
        if (tls_rows[i].reason == reason)
            return sluice_failure_set(why, SLUICE_TLS, "%s",
                                      tls_rows[i].sentence);
    return sluice_failure_set(why, SLUICE_TLS, "TLS has failed: %s",
                              text ? text : "no reason is known");
}

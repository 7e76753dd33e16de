/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_fault.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>

const struct tls_fault_row tls_fault_rows[TLS_FAULTS] = {
    [TLS_SOUND] = {"", "", NULL},
    [TLS_VERSION] = {"tls_version", "no version of TLS that both speak",
                     "the client needs TLS 1.2 or 1.3; see --tls-min"},
    [TLS_NO_SHARED] = {"tls_no_shared", "no cipher or group that both know",
                       "the client needs ECDHE with AES-GCM or ChaCha20"},
    [TLS_CLIENT_CERT_MISSING] = {"tls_client_cert_missing",
                                 "the client showed no certificate",
                                 "give it one with --tls-cert and --tls-key, "
                                 "signed by a CA of --tls-ca"},
    [TLS_CLIENT_CERT_EXPIRED] = {"tls_client_cert_expired",
                                 "the client's certificate has expired",
                                 "renew it"},
    [TLS_CLIENT_CERT_EARLY] = {"tls_client_cert_not_yet_valid",
                               "the client's certificate is not valid yet",
                               "compare the clocks of both machines"},
    [TLS_CLIENT_CERT_REVOKED] = {"tls_client_cert_revoked",
                                 "the client's certificate is in --tls-crl",
                                 "give the client a new one"},
    [TLS_CLIENT_CERT_PURPOSE] = {"tls_client_cert_purpose",
                                 "the client's certificate is not one for "
                                 "clients",
                                 "give it one with clientAuth as its extended "
                                 "key usage"},
    [TLS_CLIENT_CERT_UNKNOWN_CA] = {"tls_client_cert_unknown_ca",
                                    "the client's certificate is not from a "
                                    "CA of --tls-ca",
                                    "let that CA sign it"},
    [TLS_CRL_EXPIRED] = {"tls_crl_expired",
                         "a list of --tls-crl is out of date",
                         "get a new one from the CA; until then no client of "
                         "that CA is let in"},
    [TLS_CRL_MISSING] = {"tls_crl_missing",
                         "--tls-crl has no list of the CA that signed the "
                         "client's certificate",
                         "add the list of that CA"},
    [TLS_CLIENT_REFUSED_US] = {"tls_client_refused_us",
                               "the client does not accept our certificate",
                               "unknown ca: give the client our CA, sluice "
                               "--tls-ca; bad certificate: see its name and "
                               "its dates"},
    [TLS_RENEGOTIATION] = {"tls_renegotiation",
                           "the client wanted another handshake in its "
                           "connection",
                           "switch renegotiation off in the client"},
    [TLS_ALPN] = {"tls_alpn", "the client wants another protocol inside TLS",
                  "offer sluice by ALPN, or nothing"},
    [TLS_TOO_LARGE] = {"tls_too_large", "a handshake beyond the bounds",
                       "shorten the client's chain of certificates"},
    [TLS_RECORDS] = {"tls_records", "bytes that are no records of TLS", NULL},
    [TLS_FLOOD] = {"tls_flood",
                   "messages of TLS itself, such as new keys, and hardly any "
                   "data",
                   NULL},
    [TLS_CUT] = {"tls_cut",
                 "the connection ended without the end that TLS demands", NULL},
    [TLS_CROWDED] = {"tls_crowded",
                     "too many handshakes under way, and this one waited for "
                     "its client longest",
                     NULL},
    [TLS_UNFINISHED] = {"tls_unfinished",
                        "the handshake took too long, or was not wanted any "
                        "more",
                        NULL},
    [TLS_NO_MEMORY] = {"tls_no_memory", "no memory for TLS", NULL},
};

struct error_row {
    int reason; /* of OpenSSL */
    enum tls_fault fault;
};

static const struct error_row ssl_errors[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, TLS_VERSION},
    {SSL_R_VERSION_TOO_LOW, TLS_VERSION},
    {SSL_R_WRONG_VERSION_NUMBER, TLS_VERSION},
    {SSL_R_UNKNOWN_PROTOCOL, TLS_VERSION},
    {SSL_R_NO_PROTOCOLS_AVAILABLE, TLS_VERSION},
    {SSL_R_NO_SHARED_CIPHER, TLS_NO_SHARED},
    {SSL_R_NO_SHARED_GROUPS, TLS_NO_SHARED},
    {SSL_R_NO_SUITABLE_KEY_SHARE, TLS_NO_SHARED},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_NO_SHARED},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TLS_NO_SHARED},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_CLIENT_CERT_MISSING},
    {SSL_R_NO_APPLICATION_PROTOCOL, TLS_ALPN},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, TLS_TOO_LARGE},
    {ERR_R_MALLOC_FAILURE, TLS_NO_MEMORY},
};

static const struct error_row verify_errors[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, TLS_CLIENT_CERT_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, TLS_CLIENT_CERT_EARLY},
    {X509_V_ERR_CERT_REVOKED, TLS_CLIENT_CERT_REVOKED},
    {X509_V_ERR_INVALID_PURPOSE, TLS_CLIENT_CERT_PURPOSE},
    {X509_V_ERR_CRL_HAS_EXPIRED, TLS_CRL_EXPIRED},
    {X509_V_ERR_CRL_NOT_YET_VALID, TLS_CRL_EXPIRED},
    {X509_V_ERR_UNABLE_TO_GET_CRL, TLS_CRL_MISSING},
};

static enum tls_fault row_for(const struct error_row *rows, size_t count,
                              long reason, enum tls_fault otherwise)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].reason == reason)
            return rows[i].fault;
    return otherwise;
}

#define ROW_FOR(rows, reason, otherwise)                                       \
    row_for(rows, sizeof(rows) / sizeof *(rows), reason, otherwise)

/* OpenSSL refuses another handshake by a warning, after which clients give up
 * with one of these. */
static bool is_after_refusal(int alert)
{
    return alert == SSL_AD_HANDSHAKE_FAILURE ||
           alert == SSL_AD_NO_RENEGOTIATION;
}

/* The oldest error is the cause, the others are those of its callers. */
enum tls_fault tls_fault_take(long verified, bool is_open, const char **alert)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    bool is_ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
    ERR_clear_error();
    *alert = NULL;
    if (is_ssl && reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return ROW_FOR(verify_errors, verified, TLS_CLIENT_CERT_UNKNOWN_CA);
    if (is_ssl && reason > SSL_AD_REASON_OFFSET) {
        int said = reason - SSL_AD_REASON_OFFSET;
        *alert = SSL_alert_desc_string_long(said);
        return is_open && is_after_refusal(said) ? TLS_RENEGOTIATION
                                                 : TLS_CLIENT_REFUSED_US;
    }
    return ROW_FOR(ssl_errors, reason, TLS_RECORDS);
}

/* SPDX-License-Identifier: MIT */
#include "broker/options/tls_options.h"

#include "broker/options/options.h"
#include "common/mistakes.h"

bool tls_options_check(const struct options *o, struct mistakes *m)
{
    if (o->tls_cert.count != o->tls_key.count)
        return mistakes_add(m,
                            "--tls-cert is given %zu times and --tls-key %zu "
                            "times; each certificate needs its key",
                            o->tls_cert.count, o->tls_key.count);
    if (o->tls_ca.text && o->tls_cert.count == 0)
        return mistakes_add(m, "--tls-ca needs --tls-cert and --tls-key: "
                               "without these no client can use TLS");
    if (o->tls_crl.text && !o->tls_ca.text)
        return mistakes_add(m, "--tls-crl needs --tls-ca, which signs what it "
                               "revokes");
    return true;
}

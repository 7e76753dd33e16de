/* SPDX-License-Identifier: MIT
 *
 * target - the broker that a command talks to, and how it is reached: options
 * that the commands share.
 */
#ifndef SLUICE_CLIENT_TARGET_H
#define SLUICE_CLIENT_TARGET_H

#include "client/cli_option.h"
#include "client/login.h"
#include "client/sluice.h"

struct target {
    const char *server;
    bool is_secured;                                 /* TLS was asked for */
    const char *ca, *certificate, *key, *name, *pin; /* of TLS; may be NULL */
    struct login_options login;
};

#define TARGET_VALUE(at, field) ((at) + offsetof(struct target, field))
#define TARGET_TEXT(at, option, field, value, variable, help)                  \
    {                                                                          \
        option, CLI_OPTION_TEXT, TARGET_VALUE(at, field), value, NULL,         \
            variable, 0, 0, help                                               \
    }

/* Rows of a table of options; `at` is the offset of a target in the command's
 * struct. */
#define TARGET_SERVER(at)                                                      \
    {                                                                          \
        "server", CLI_OPTION_TEXT, TARGET_VALUE(at, server), "ADDR",           \
            SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,                      \
            "the broker: host:port, [v6]:port or unix:PATH; tls:host:port "    \
            "with TLS"                                                         \
    }
#define TARGET_TLS(at)                                                         \
    {"tls",                                                                    \
     CLI_OPTION_FLAG,                                                          \
     TARGET_VALUE(at, is_secured),                                             \
     NULL,                                                                     \
     NULL,                                                                     \
     "SLUICE_TLS",                                                             \
     0,                                                                        \
     0,                                                                        \
     "speak TLS; the options below mean that as well"},                        \
        TARGET_TEXT(at, "tls-ca", ca, "FILE", "SLUICE_TLS_CA",                 \
                    "believe brokers signed by these authorities, not by the " \
                    "system's"),                                               \
        TARGET_TEXT(at, "tls-cert", certificate, "FILE", "SLUICE_TLS_CERT",    \
                    "show this certificate"),                                  \
        TARGET_TEXT(at, "tls-key", key, "FILE", "SLUICE_TLS_KEY",              \
                    "the key of --tls-cert"),                                  \
        TARGET_TEXT(at, "tls-name", name, "HOST", "SLUICE_TLS_NAME",           \
                    "expect this name of the broker, not the host of "         \
                    "--server"),                                               \
        TARGET_TEXT(at, "tls-pin", pin, "PIN", "SLUICE_TLS_PIN",               \
                    "believe the broker with this key: sha256:... of 'sluice " \
                    "cert'")

/* What the command shows the broker; only for those that speak version 2. */
#define TARGET_LOGIN(at) LOGIN_OPTIONS(TARGET_VALUE(at, login))

/* The options of TLS, for a connection that is none of libsluice's; borrowed.
 * Whether any of them asks for TLS. */
bool target_tls(const struct target *t, struct sluice_tls *out);

/* Whether it is a unix socket of this machine. */
bool target_is_unix(const struct target *t);

/* sluice_connect() and sluice_open() to the target, with its settings. Version
 * 1 has no way to show who a client is: with such options sluice_connect()
 * fails.
 */
SLUICE_MUST_CHECK enum sluice_error
target_connect(const struct target *t, struct sluice *s, int timeout_ms);
SLUICE_MUST_CHECK enum sluice_error
target_open(const struct target *t, struct sluice *s, int timeout_ms);

#endif

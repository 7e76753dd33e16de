/* SPDX-License-Identifier: MIT
 *
 * keys - what a command needs to watch a feed that is protected by CURVE: the
 * public key of the broker, and its own secret key.
 */
#ifndef SLUICE_CLIENT_MONITOR_KEYS_H
#define SLUICE_CLIENT_MONITOR_KEYS_H

#include <stdbool.h>

#include "client/cli_option.h"
#include "common/key_file.h"

struct sentence;

/* Rows for the options of a command; `at` is the place of a struct key_options
 * among its values. */
#define KEY_OPTIONS_SERVER(at)                                                 \
    {                                                                          \
        "server-key", CLI_OPTION_TEXT,                                         \
            (at) + offsetof(struct key_options, server), "FILE", NULL,         \
            "SLUICE_SERVER_KEY", 0, 0,                                         \
            "the public key of a broker that has a --monitor-key"              \
    }
#define KEY_OPTIONS_OWN(at)                                                    \
    {                                                                          \
        "key", CLI_OPTION_TEXT, (at) + offsetof(struct key_options, own),      \
            "FILE", NULL, "SLUICE_KEY", 0, 0,                                  \
            "your own secret key, made by 'sluice keys'"                       \
    }

struct key_options {
    const char *server, *own; /* files; NULL when not given */
};

struct keys {
    char server[KEY_FILE_TEXT_BYTES]; /* "": the feed is not protected */
    char own_public[KEY_FILE_TEXT_BYTES];
    char own_secret[KEY_FILE_TEXT_BYTES];
};

/* Why they contradict each other, a sentence for the user, or NULL. */
const char *key_options_wrong(const struct key_options *o);

/* Reads the files, if there are any. False, with the reason. */
bool keys_load(struct keys *keys, const struct key_options *o,
               struct sentence *why);

/* A new pair. False, with the reason, when libzmq cannot make one. */
bool keys_make(char secret[KEY_FILE_TEXT_BYTES],
               char public[KEY_FILE_TEXT_BYTES], struct sentence *why);

/* Has a ZeroMQ socket use them; for keys that are "", does nothing. False, with
 * errno, when libzmq refuses. */
bool keys_apply(const struct keys *keys, void *socket);

/* Has a socket that will be bound demand keys of its peers, and ask about them
 * in a domain of ZAP. False, with errno, when libzmq refuses. */
bool keys_protect(const char *secret, const char *domain, void *socket);

#endif

/* SPDX-License-Identifier: MIT */
#include "client/monitor/keys.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "common/sentence.h"

const char *key_options_wrong(const struct key_options *o)
{
    return !o->server == !o->own ? NULL
                                 : "a protected feed needs both --key and "
                                   "--server-key";
}

bool keys_load(struct keys *keys, const struct key_options *o,
               struct sentence *why)
{
    *keys = (struct keys){.server = ""};
    if (!o->server || !o->own)
        return true;
    if (!key_file_read(o->server, false, keys->server, why) ||
        !key_file_read(o->own, true, keys->own_secret, why))
        return false;
    return zmq_curve_public(keys->own_public, keys->own_secret) == 0 ||
           sentence_fail(why, "%s: %s", o->own, zmq_strerror(errno));
}

bool keys_make(char secret[KEY_FILE_TEXT_BYTES],
               char public[KEY_FILE_TEXT_BYTES], struct sentence *why)
{
    return zmq_curve_keypair(public, secret) == 0 ||
           sentence_fail(why, "%s",
                         errno == ENOTSUP
                             ? "this libzmq was built without CURVE"
                             : zmq_strerror(errno));
}

static bool apply_key(void *socket, int option, const char *key)
{
    return zmq_setsockopt(socket, option, key, KEY_FILE_TEXT_BYTES) == 0;
}

bool keys_protect(const char *secret, const char *domain, void *socket)
{
    int is_server = 1;
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &is_server,
                          sizeof is_server) == 0 &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) ==
               0 &&
           apply_key(socket, ZMQ_CURVE_SECRETKEY, secret);
}

bool keys_apply(const struct keys *keys, void *socket)
{
    return keys->server[0] == '\0' ||
           (apply_key(socket, ZMQ_CURVE_SERVERKEY, keys->server) &&
            apply_key(socket, ZMQ_CURVE_PUBLICKEY, keys->own_public) &&
            apply_key(socket, ZMQ_CURVE_SECRETKEY, keys->own_secret));
}

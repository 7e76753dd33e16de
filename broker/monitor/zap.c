/* SPDX-License-Identifier: MIT */
#include "broker/monitor/zap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/base/throttle.h"
#include "broker/monitor/pub_socket.h"
#include "broker/monitor/taps.h"
#include "broker/monitor/zmq_input.h"
#include "broker/net/reactor.h"
#include "common/key_file.h"
#include "common/sentence.h"
#include "proto/pattern.h"
#include "users/network.h"
#include "users/users.h"

/* The parts of a request; those that are not named do not matter here. */
enum {
    PART_VERSION,
    PART_ID,
    PART_DOMAIN,
    PART_ADDRESS,
    PART_MECHANISM = 5,
    PART_KEY = 6, /* only with CURVE */
    PARTS = 8,
};

enum { KEY_BYTES = 32, ADDRESS_BYTES = 64 };

struct request {
    zmq_msg_t parts[PARTS];
    int count;
};

struct zap {
    struct pub_socket_shared *shared;
    void *socket;
    struct zmq_input input;
    struct throttle throttle;
    char *path; /* of the keys; NULL: there are none */
    struct key_list allowed;
    struct key_list admitted; /* since zap_take_revoked(), each once */
    struct users *users;      /* owned; NULL: there are none */
};

static bool part_is(struct request *r, int i, const char *text)
{
    size_t n = strlen(text);
    return i < r->count && zmq_msg_size(&r->parts[i]) == n &&
           memcmp(zmq_msg_data(&r->parts[i]), text, n) == 0;
}

/* Public keys are no secret: how long a comparison takes reveals nothing. */
static bool list_has(const struct key_list *list, const char *key)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->keys[i], key) == 0)
            return true;
    return false;
}

/* NULL when the key is no user's. */
static const struct user *zap_user(const struct zap *z, const char *key)
{
    return z->users ? credential_user(users_find_curve(z->users, key)) : NULL;
}

const char *zap_fault(const struct zap *z, const char *key,
                      const struct network *from)
{
    if (list_has(&z->allowed, key))
        return NULL;
    const struct user *user = zap_user(z, key);
    if (!user)
        return "key";
    if (!user_may_come_from(user, from))
        return "from";
    return user->rights.may_monitor ? NULL : "rights";
}

/* As a pattern is spelled in a head. */
static bool may_subscribe(const struct user *user, const char *folder,
                          size_t length)
{
    char text[PATTERN_TEXT_MAX];
    struct pattern p;
    int n = snprintf(text, sizeof text, "%.*s/**", (int)length, folder);
    return n < (int)sizeof text &&
           pattern_read(&p, (struct span){text, (uint32_t)n}) &&
           rights_may_subscribe(&user->rights, &p, NULL);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A prefix of topics is one of names, which may go on behind it in any way: so
 * all of the folder that they are in must be allowed. At the top there are
 * queues, and the broker's own channels, as well. */
const char *zap_topic_fault(const struct zap *z, const char *key,
                            const char *prefix, size_t length)
{
    static const char taps[] = TAPS_PREFIX;
    const struct user *user = zap_user(z, key);
    size_t common = least(length, sizeof taps - 1);
    if (list_has(&z->allowed, key) || memcmp(prefix, taps, common) != 0)
        return NULL;
    const char *name = prefix + common;
    size_t folder = length - common;
    while (folder > 0 && name[folder - 1] != '/')
        folder--;
    bool is_top = folder <= 1;
    bool may = user && memchr(name, '\0', length - common) == NULL &&
               (is_top ? may_subscribe(user, "", 0) &&
                             may_subscribe(user, "/queue", 6) &&
                             may_subscribe(user, "/sys", 4)
                       : may_subscribe(user, name, folder - 1));
    return may ? NULL : "rights";
}

/* Writes its key as text. False when it has none. */
static bool request_key(struct request *r, char text[KEY_FILE_TEXT_BYTES])
{
    return part_is(r, PART_MECHANISM, "CURVE") && r->count > PART_KEY &&
           zmq_msg_size(&r->parts[PART_KEY]) == KEY_BYTES &&
           zmq_z85_encode(text, zmq_msg_data(&r->parts[PART_KEY]), KEY_BYTES);
}

/* What is no address of IP is a unix socket. */
static bool request_network(struct request *r, struct network *out)
{
    char text[ADDRESS_BYTES];
    size_t n = zmq_msg_size(&r->parts[PART_ADDRESS]);
    if (n >= sizeof text)
        return false;
    memcpy(text, zmq_msg_data(&r->parts[PART_ADDRESS]), n);
    text[n] = '\0';
    return network_parse(text, out) == NULL;
}

/* A key that cannot be kept is not admitted: nobody could revoke it. */
static const char *zap_admit_key(struct zap *z, struct request *r,
                                 char key[KEY_FILE_TEXT_BYTES])
{
    struct network from;
    if (!request_key(r, key))
        return "key";
    const char *fault =
        zap_fault(z, key, request_network(r, &from) ? &from : NULL);
    if (fault || list_has(&z->admitted, key))
        return fault;
    return key_list_add(&z->admitted, key) ? NULL : "memory";
}

static void zap_refuse(struct zap *z, struct request *r, const char *reason)
{
    counter_add(z->shared->counters, COUNT_watchers_refused, 1);
    log_event(z->shared->log, LOG_WARNING, "watcher_refused",
              LOG_BYTES("peer", zmq_msg_data(&r->parts[PART_ADDRESS]),
                        zmq_msg_size(&r->parts[PART_ADDRESS])),
              LOG_TEXT("reason", reason));
}

/* Writes its key; "" where none is needed. */
static bool zap_admits(struct zap *z, struct request *r,
                       char key[KEY_FILE_TEXT_BYTES])
{
    static const struct throttle_rate rate = {ZAP_BURST, ZAP_PER_SECOND, 1000};
    key[0] = '\0';
    if (r->count <= PART_MECHANISM || !part_is(r, PART_VERSION, "1.0"))
        return false;
    if (throttle_pass(&z->throttle, reactor_now_ms(z->shared->reactor), rate,
                      1) == 0) {
        zap_refuse(z, r, "rate");
        return false;
    }
    const char *fault = part_is(r, PART_DOMAIN, ZAP_DOMAIN_OPEN)
                            ? NULL
                            : zap_admit_key(z, r, key);
    if (fault)
        zap_refuse(z, r, fault);
    return !fault;
}

/* Version, id, status, a text that nobody reads, who it is, and another one. */
static void zap_reply(struct zap *z, struct request *r, bool is_admitted,
                      const char *key)
{
    zmq_msg_t *id = &r->parts[PART_ID];
    const char *status = is_admitted ? "200" : "400";
    (void)zmq_send(z->socket, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(z->socket, r->count > PART_ID ? zmq_msg_data(id) : "",
                   r->count > PART_ID ? zmq_msg_size(id) : 0, ZMQ_SNDMORE);
    (void)zmq_send(z->socket, status, 3, ZMQ_SNDMORE);
    (void)zmq_send(z->socket, "", 0, ZMQ_SNDMORE);
    (void)zmq_send(z->socket, key, strlen(key), ZMQ_SNDMORE);
    (void)zmq_send(z->socket, "", 0, 0);
}

/* False when there is none. Parts beyond the last one that matters are not
 * kept. */
static bool request_receive(struct request *r, void *socket)
{
    bool is_more = true;
    for (r->count = 0; is_more;) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0)
            return false;
        is_more = zmq_msg_more(&part);
        if (r->count < PARTS)
            r->parts[r->count++] = part;
        else
            zmq_msg_close(&part);
    }
    return true;
}

static bool zap_read_one(void *arg)
{
    struct zap *z = arg;
    struct request r;
    char key[KEY_FILE_TEXT_BYTES];
    if (!request_receive(&r, z->socket))
        return false;
    bool is_admitted = zap_admits(z, &r, key);
    zap_reply(z, &r, is_admitted, is_admitted ? key : "");
    for (int i = 0; i < r.count; i++)
        zmq_msg_close(&r.parts[i]);
    return true;
}

bool zap_reload(struct zap *z, struct sentence *why)
{
    struct key_list fresh = {.keys = NULL};
    if (z->path && !key_file_read_list(z->path, &fresh, why))
        return false;
    key_list_fini(&z->allowed);
    z->allowed = fresh;
    return true;
}

void zap_set_users(struct zap *z, struct users *users)
{
    users_unref(z->users);
    z->users = users ? users_ref(users) : NULL;
}

bool zap_take_revoked(struct zap *z)
{
    struct key_list *list = &z->admitted;
    size_t left = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!zap_fault(z, list->keys[i], NULL))
            memmove(list->keys[left++], list->keys[i], KEY_FILE_TEXT_BYTES);
    bool is_any = left < list->count;
    list->count = left;
    return is_any;
}

static bool zap_open(struct zap *z, const char *clients, struct sentence *why)
{
    static const int no_linger = 0;
    z->path = clients ? strdup(clients) : NULL;
    if (clients && !z->path)
        return sentence_fail(why, "%s", strerror(ENOMEM));
    if (!zap_reload(z, why))
        return false;
    z->socket = zmq_socket(z->shared->zmq, ZMQ_REP);
    return (z->socket &&
            zmq_setsockopt(z->socket, ZMQ_LINGER, &no_linger,
                           sizeof no_linger) == 0 &&
            zmq_bind(z->socket, "inproc://zeromq.zap.01") == 0 &&
            zmq_input_open(&z->input, z->shared->reactor, z->socket,
                           zap_read_one, z)) ||
           sentence_fail(why, "cannot start the feed: %s", zmq_strerror(errno));
}

struct zap *zap_new(struct pub_socket_shared *shared, const char *clients,
                    struct users *users, struct sentence *why)
{
    struct zap *z = calloc(1, sizeof *z);
    if (!z) {
        sentence_fail(why, "%s", strerror(ENOMEM));
        return NULL;
    }
    z->shared = shared;
    zap_set_users(z, users);
    if (zap_open(z, clients, why))
        return z;
    zap_free(z);
    return NULL;
}

void zap_free(struct zap *z)
{
    if (!z)
        return;
    zmq_input_close(&z->input);
    if (z->socket)
        zmq_close(z->socket);
    key_list_fini(&z->allowed);
    key_list_fini(&z->admitted);
    users_unref(z->users);
    free(z->path);
    free(z);
}

/* SPDX-License-Identifier: MIT */
#include "broker/monitor/zap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/base/throttle.h"
#include "broker/monitor/pub_socket.h"
#include "broker/monitor/zmq_input.h"
#include "broker/net/reactor.h"
#include "common/key_file.h"
#include "common/sentence.h"

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

enum { KEY_BYTES = 32 };

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
};

static bool part_is(struct request *r, int i, const char *text)
{
    size_t n = strlen(text);
    return i < r->count && zmq_msg_size(&r->parts[i]) == n &&
           memcmp(zmq_msg_data(&r->parts[i]), text, n) == 0;
}

/* Public keys are no secret: how long a comparison takes reveals nothing. */
static bool zap_knows(const struct zap *z, struct request *r)
{
    char text[KEY_FILE_TEXT_BYTES];
    if (!part_is(r, PART_MECHANISM, "CURVE") || r->count <= PART_KEY ||
        zmq_msg_size(&r->parts[PART_KEY]) != KEY_BYTES ||
        !zmq_z85_encode(text, zmq_msg_data(&r->parts[PART_KEY]), KEY_BYTES))
        return false;
    for (size_t i = 0; i < z->allowed.count; i++)
        if (strcmp(z->allowed.keys[i], text) == 0)
            return true;
    return false;
}

static void zap_refuse(struct zap *z, struct request *r, const char *reason)
{
    counter_add(z->shared->counters, COUNT_watchers_refused, 1);
    log_event(z->shared->log, LOG_WARNING, "watcher_refused",
              LOG_BYTES("peer", zmq_msg_data(&r->parts[PART_ADDRESS]),
                        zmq_msg_size(&r->parts[PART_ADDRESS])),
              LOG_TEXT("reason", reason));
}

static bool zap_admits(struct zap *z, struct request *r)
{
    static const struct throttle_rate rate = {ZAP_BURST, ZAP_PER_SECOND, 1000};
    if (r->count <= PART_MECHANISM || !part_is(r, PART_VERSION, "1.0"))
        return false;
    if (throttle_pass(&z->throttle, reactor_now_ms(z->shared->reactor), rate,
                      1) == 0) {
        zap_refuse(z, r, "rate");
        return false;
    }
    if (!part_is(r, PART_DOMAIN, ZAP_DOMAIN_OPEN) && !zap_knows(z, r)) {
        zap_refuse(z, r, "key");
        return false;
    }
    return true;
}

/* Version, id, status, and three texts that nobody reads. */
static void zap_reply(struct zap *z, struct request *r, bool is_admitted)
{
    zmq_msg_t *id = &r->parts[PART_ID];
    const char *status = is_admitted ? "200" : "400";
    (void)zmq_send(z->socket, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(z->socket, r->count > PART_ID ? zmq_msg_data(id) : "",
                   r->count > PART_ID ? zmq_msg_size(id) : 0, ZMQ_SNDMORE);
    (void)zmq_send(z->socket, status, 3, ZMQ_SNDMORE);
    (void)zmq_send(z->socket, "", 0, ZMQ_SNDMORE);
    (void)zmq_send(z->socket, "", 0, ZMQ_SNDMORE);
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
    if (!request_receive(&r, z->socket))
        return false;
    zap_reply(z, &r, zap_admits(z, &r));
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
                    struct sentence *why)
{
    struct zap *z = calloc(1, sizeof *z);
    if (!z) {
        sentence_fail(why, "%s", strerror(ENOMEM));
        return NULL;
    }
    z->shared = shared;
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
    free(z->path);
    free(z);
}

/* SPDX-License-Identifier: MIT */
#include "broker/monitor/pub_socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "broker/base/counters.h"
#include "broker/monitor/watchers.h"
#include "broker/monitor/zap.h"
#include "broker/monitor/zmq_input.h"
#include "common/key_file.h"
#include "common/sentence.h"

enum {
    LINGER_MS = 100,           /* for the last messages */
    HANDSHAKE_MS = 5000,       /* then a silent peer is disconnected, */
    STALLED_MS = 30000,        /* and a peer that takes nothing for this long */
    SUBSCRIPTION_BYTES = 1024, /* the longest message from a peer, */
    UNREAD_MAX = 8,            /* how many of them libzmq reads ahead, */
    UNREAD_BYTES = 16 << 10,   /* and how much the kernel does */
    PAIR_MESSAGES = 500,       /* on the way to the thread and back, each end */
    PAIR_MS = 1000,            /* the loop is not expected to be busy so long */
    END_MS = 1000,             /* for the threads to end */
    PAIR_NAME_BYTES = 64,
};

static const struct kind_row {
    int type;
    bool is_bound; /* peers connect, and are admitted and counted */
    bool is_heard; /* each subscription of each peer is reported */
} kinds[PUB_SOCKET_KINDS] = {
    [PUB_SOCKET_PUB] = {ZMQ_PUB, .is_bound = false},
    [PUB_SOCKET_XPUB] = {ZMQ_XPUB, .is_bound = true, .is_heard = true},
    [PUB_SOCKET_PUSH] = {ZMQ_PUSH, .is_bound = true},
};

struct pub_socket {
    void *zmq;                 /* the socket; the thread's, once it runs, */
    void *far;                 /* as is its end of the pair */
    void *pair;                /* the loop's end */
    struct pub_thread *thread; /* NULL before it runs */
    struct zmq_input input;
    struct watchers *watchers; /* NULL unless peers connect to it */
    bool is_heard; /* peers say what they want, and so who they are */
    struct pub_socket_shared *shared;
};

/* A large part; the last thread that uses it frees it. */
struct parcel {
    atomic_size_t *held_bytes;
    size_t length;
    unsigned char bytes[];
};

static void parcel_free(void *data, void *hint)
{
    struct parcel *p = hint;
    (void)data;
    atomic_fetch_sub(p->held_bytes, p->length);
    free(p);
}

static bool parcel_wrap(atomic_size_t *held_bytes,
                        const struct pub_socket_part *part, zmq_msg_t *msg)
{
    struct parcel *p = malloc(sizeof *p + part->length);
    if (!p)
        return false;
    p->held_bytes = held_bytes;
    p->length = part->length;
    memcpy(p->bytes, part->bytes, part->length);
    if (zmq_msg_init_data(msg, p->bytes, p->length, parcel_free, p) != 0) {
        free(p);
        return false;
    }
    atomic_fetch_add(p->held_bytes, p->length);
    return true;
}

static bool part_wrap(struct pub_socket *p, const struct pub_socket_part *part,
                      zmq_msg_t *msg)
{
    if (part->length >= PUB_SOCKET_LARGE_BYTES)
        return parcel_wrap(&p->shared->held_bytes, part, msg);
    if (zmq_msg_init_size(msg, part->length) != 0)
        return false;
    memcpy(zmq_msg_data(msg), part->bytes, part->length);
    return true;
}

/* Reads one report of the thread; false when there is none. */
static bool pub_socket_receive(void *arg)
{
    struct pub_socket *p = arg;
    struct pub_thread_report head;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    bool got = zmq_msg_recv(&msg, p->pair, ZMQ_DONTWAIT) >= 0;
    const char *bytes = zmq_msg_data(&msg);
    size_t n = zmq_msg_size(&msg);
    if (got && n >= sizeof head && p->watchers) {
        memcpy(&head, bytes, sizeof head);
        head.key[sizeof head.key - 1] = '\0';
        watchers_hear(p->watchers, &head, bytes + sizeof head, n - sizeof head);
    }
    zmq_msg_close(&msg);
    return got;
}

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text)) == 0;
}

static bool pub_socket_tune(struct pub_socket *p, const struct kind_row *kind)
{
    int64_t longest = SUBSCRIPTION_BYTES;
    return set_int(p->zmq, ZMQ_SNDHWM, PUB_SOCKET_WAITING_MAX) &&
           set_int(p->zmq, ZMQ_LINGER, LINGER_MS) &&
           set_int(p->zmq, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_int(p->zmq, ZMQ_TCP_MAXRT, STALLED_MS) &&
           set_int(p->zmq, ZMQ_TCP_KEEPALIVE, 1) &&
           (kind->type == ZMQ_PUSH || set_int(p->zmq, ZMQ_XPUB_NODROP, 1)) &&
           set_int(p->zmq, ZMQ_RCVHWM, UNREAD_MAX) &&
           set_int(p->zmq, ZMQ_RCVBUF, UNREAD_BYTES) &&
           (!kind->is_heard || set_int(p->zmq, ZMQ_XPUB_VERBOSER, 1)) &&
           (!kind->is_bound ||
            set_text(p->zmq, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN_OPEN)) &&
           zmq_setsockopt(p->zmq, ZMQ_MAXMSGSIZE, &longest, sizeof longest) ==
               0 &&
           /* A collector that reconnects has no use for old reports. */
           (kind->is_bound || set_int(p->zmq, ZMQ_IMMEDIATE, 1));
}

static bool pub_socket_open_watchers(struct pub_socket *p,
                                     watchers_change_fn *on_change, void *arg)
{
    const struct watchers_setup setup = {.reactor = p->shared->reactor,
                                         .counters = p->shared->counters,
                                         .log = p->shared->log,
                                         .zmq = p->shared->zmq,
                                         .socket = p->zmq,
                                         .zap = p->shared->zap,
                                         .on_change = on_change,
                                         .arg = arg};
    p->watchers = watchers_new(&setup);
    return p->watchers != NULL;
}

static bool pub_socket_open_pair(struct pub_socket *p)
{
    char name[PAIR_NAME_BYTES];
    snprintf(name, sizeof name, "inproc://pub_socket-%p", (void *)p);
    p->pair = zmq_socket(p->shared->zmq, ZMQ_PAIR);
    p->far = zmq_socket(p->shared->zmq, ZMQ_PAIR);
    return p->pair && p->far && set_int(p->pair, ZMQ_SNDHWM, PAIR_MESSAGES) &&
           set_int(p->pair, ZMQ_RCVHWM, PAIR_MESSAGES) &&
           set_int(p->far, ZMQ_SNDHWM, PAIR_MESSAGES) &&
           set_int(p->far, ZMQ_RCVHWM, PAIR_MESSAGES) &&
           set_int(p->far, ZMQ_SNDTIMEO, PAIR_MS) &&
           set_int(p->far, ZMQ_LINGER, 0) && zmq_bind(p->pair, name) == 0 &&
           zmq_connect(p->far, name) == 0;
}

struct pub_socket *pub_socket_new(struct pub_socket_shared *shared,
                                  enum pub_socket_kind kind,
                                  watchers_change_fn *on_change, void *arg)
{
    static const struct timespec no_wait = {.tv_sec = 0};
    const struct kind_row *row = &kinds[kind];
    struct pub_socket *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    (void)pub_thread_join(&shared->ending, &no_wait);
    p->shared = shared;
    p->is_heard = row->is_heard;
    p->zmq = zmq_socket(shared->zmq, row->type);
    if (p->zmq && pub_socket_tune(p, row) &&
        (!row->is_bound || pub_socket_open_watchers(p, on_change, arg)) &&
        pub_socket_open_pair(p) &&
        zmq_input_open(&p->input, shared->reactor, p->pair, pub_socket_receive,
                       p))
        return p;
    int err = errno;
    pub_socket_free(p);
    errno = err;
    return NULL;
}

bool pub_socket_start(struct pub_socket *p, struct sentence *why)
{
    const struct pub_thread_setup setup = {
        .socket = p->zmq, .pair = p->far, .slow = &p->shared->slow};
    p->thread = pub_thread_start(&setup);
    if (!p->thread)
        return sentence_fail(why, "%s", strerror(errno));
    return true;
}

static void close_socket(void *socket)
{
    if (socket)
        zmq_close(socket);
}

/* The monitoring of the socket ends before the thread closes it. */
void pub_socket_free(struct pub_socket *p)
{
    if (!p)
        return;
    watchers_free(p->watchers);
    zmq_input_close(&p->input);
    if (p->thread) {
        pub_thread_end(p->thread, p->pair, &p->shared->ending);
    } else {
        close_socket(p->zmq);
        close_socket(p->far);
    }
    close_socket(p->pair);
    free(p);
}

/* An endpoint keeps the options that the socket had when it was bound. */
bool pub_socket_protect(struct pub_socket *p, const char *secret_key,
                        struct sentence *why)
{
    bool ok = zmq_has("curve") && set_int(p->zmq, ZMQ_CURVE_SERVER, 1) &&
              set_text(p->zmq, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN_KEYS) &&
              zmq_setsockopt(p->zmq, ZMQ_CURVE_SECRETKEY, secret_key,
                             strlen(secret_key) + 1) == 0;
    return ok || sentence_fail(why, "%s",
                               zmq_has("curve")
                                   ? zmq_strerror(errno)
                                   : "this libzmq was built without CURVE");
}

static bool pub_socket_set_key(struct pub_socket *p, int option,
                               const char *key)
{
    return zmq_setsockopt(p->zmq, option, key, KEY_FILE_TEXT_BYTES) == 0;
}

bool pub_socket_trust(struct pub_socket *p, const char *server,
                      const char *secret_key, struct sentence *why)
{
    char public_key[KEY_FILE_TEXT_BYTES];
    bool ok = zmq_has("curve") &&
              zmq_curve_public(public_key, secret_key) == 0 &&
              pub_socket_set_key(p, ZMQ_CURVE_SERVERKEY, server) &&
              pub_socket_set_key(p, ZMQ_CURVE_PUBLICKEY, public_key) &&
              pub_socket_set_key(p, ZMQ_CURVE_SECRETKEY, secret_key);
    return ok || sentence_fail(why, "%s",
                               zmq_has("curve")
                                   ? zmq_strerror(errno)
                                   : "this libzmq was built without CURVE");
}

bool pub_socket_connect(struct pub_socket *p, const char *endpoint,
                        struct sentence *why)
{
    bool ok = zmq_connect(p->zmq, endpoint) == 0;
    if (!ok)
        sentence_fail(why, "%s", zmq_strerror(errno));
    return ok;
}

bool pub_socket_bind(struct pub_socket *p, const char *endpoint,
                     char bound[PUB_SOCKET_ENDPOINT_BYTES],
                     struct sentence *why)
{
    size_t size = PUB_SOCKET_ENDPOINT_BYTES;
    bool ok = zmq_bind(p->zmq, endpoint) == 0 &&
              zmq_getsockopt(p->zmq, ZMQ_LAST_ENDPOINT, bound, &size) == 0;
    if (!ok)
        sentence_fail(why, "%s", zmq_strerror(errno));
    return ok;
}

/* libzmq closes the copy with the socket, and leaves the file alone. */
bool pub_socket_adopt(struct pub_socket *p, int fd, const char *path,
                      struct sentence *why)
{
    char endpoint[PUB_SOCKET_ENDPOINT_BYTES];
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    if (copy < 0)
        return sentence_fail(why, "%s", strerror(errno));
    bool ok =
        set_int(p->zmq, ZMQ_USE_FD, copy) && zmq_bind(p->zmq, endpoint) == 0;
    if (!ok) {
        sentence_fail(why, "%s", zmq_strerror(errno));
        close(copy);
    }
    (void)set_int(p->zmq, ZMQ_USE_FD, -1);
    return ok;
}

void pub_socket_review(struct pub_socket *p, bool is_any_revoked)
{
    watchers_review(p->watchers, is_any_revoked && !p->is_heard);
}

size_t pub_socket_peers(const struct pub_socket *p)
{
    return watchers_count(p->watchers);
}

/* The other thread may free parts at the same time: there is then more room
 * than this reports, never less. */
bool pub_socket_has_room(const struct pub_socket *p, size_t bytes)
{
    size_t held = atomic_load(&p->shared->held_bytes);
    return bytes < PUB_SOCKET_LARGE_BYTES || held == 0 ||
           held + bytes <= PUB_SOCKET_HELD_BYTES;
}

/* All parts get there or none: the pair has room for messages, not parts. */
static bool pub_socket_try(struct pub_socket *p,
                           const struct pub_socket_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        zmq_msg_t msg;
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        if (!part_wrap(p, &parts[i], &msg))
            zmq_msg_init(&msg); /* an empty part, to complete the message */
        if (zmq_msg_send(&msg, p->pair, flags) < 0) {
            zmq_msg_close(&msg);
            return false;
        }
    }
    return true;
}

void pub_socket_send(struct pub_socket *p, const struct pub_socket_part *parts,
                     size_t count)
{
    assert(count <= PUB_SOCKET_PARTS_MAX);
    size_t slow = atomic_exchange(&p->shared->slow, 0);
    if (!pub_socket_try(p, parts, count))
        slow++;
    counter_add(p->shared->counters, COUNT_slow_watchers, slow);
    zmq_input_recheck(&p->input);
}

bool pub_socket_shared_init(struct pub_socket_shared *shared,
                            struct reactor *reactor, struct counters *counters,
                            struct log *log)
{
    shared->reactor = reactor;
    shared->counters = counters;
    shared->log = log;
    shared->zmq = zmq_ctx_new();
    return shared->zmq != NULL;
}

/* Terminating the context waits for all sockets: without a bound, if a thread
 * is stuck in one. */
bool pub_socket_shared_fini(struct pub_socket_shared *shared)
{
    struct timespec deadline;
    if (!shared->zmq)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += END_MS / 1000;
    if (!pub_thread_join(&shared->ending, &deadline))
        return false;
    while (zmq_ctx_term(shared->zmq) != 0 && errno == EINTR)
        continue;
    shared->zmq = NULL;
    return true;
}

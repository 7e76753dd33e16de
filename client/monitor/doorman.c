/* SPDX-License-Identifier: MIT */
#include "client/monitor/doorman.h"

#include "client/complain.h"
#include "common/key_file.h"
#include "common/sentence.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

/* The parts of a request that matter here. */
enum { PART_VERSION, PART_ID, PART_MECHANISM = 5, PART_KEY, PARTS };

enum { DOORMAN_PART_BYTES = 256, DOORMAN_KEY_BYTES = 32 };

struct doorman {
    void *socket;
    struct event *event;
    const char *path;
    struct stat seen;
    struct key_list allowed;
};

struct doorman_request {
    int count;
    size_t length[PARTS];
    char part[PARTS][DOORMAN_PART_BYTES]; /* what is longer is cut */
};

/* --- the keys ------------------------------------------------------------ */

/* A file that is not good leaves those read last. */
static bool doorman_read(struct doorman *d, struct sentence *why)
{
    struct key_list fresh = {.keys = NULL};
    (void)stat(d->path, &d->seen);
    if (!key_file_read_list(d->path, &fresh, why))
        return false;
    key_list_fini(&d->allowed);
    d->allowed = fresh;
    return true;
}

static void doorman_look(struct doorman *d)
{
    struct stat now;
    struct sentence why;
    bool is_same =
        stat(d->path, &now) != 0 ||
        (now.st_ino == d->seen.st_ino && now.st_size == d->seen.st_size &&
         now.st_mtim.tv_sec == d->seen.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == d->seen.st_mtim.tv_nsec);
    if (!is_same && !doorman_read(d, &why))
        complain(EXIT_FAILED, "%s; those that could report before still can",
                 why.text);
}

/* Public keys are no secret: how long a comparison takes reveals nothing. */
static bool doorman_knows(const struct doorman *d, const char *key)
{
    for (size_t i = 0; i < d->allowed.count; i++)
        if (strcmp(d->allowed.keys[i], key) == 0)
            return true;
    return false;
}

/* --- requests ------------------------------------------------------------ */

/* False when there is none. */
static bool doorman_receive(struct doorman *d, struct doorman_request *r)
{
    int has_more = 1;
    size_t size = sizeof has_more;
    for (r->count = 0; has_more; r->count++) {
        char ignored[1], *to = ignored;
        size_t room = sizeof ignored;
        if (r->count < PARTS) {
            to = r->part[r->count];
            room = DOORMAN_PART_BYTES;
        }
        int n = zmq_recv(d->socket, to, room, ZMQ_DONTWAIT);
        if (n < 0)
            return false;
        if (r->count < PARTS)
            r->length[r->count] = (size_t)n < room ? (size_t)n : room;
        if (zmq_getsockopt(d->socket, ZMQ_RCVMORE, &has_more, &size) != 0)
            return false;
    }
    return true;
}

static bool doorman_admits(const struct doorman *d,
                           const struct doorman_request *r)
{
    static const char curve[] = "CURVE";
    char key[KEY_FILE_TEXT_BYTES];
    return r->count > PART_KEY && r->length[PART_KEY] == DOORMAN_KEY_BYTES &&
           r->length[PART_MECHANISM] == sizeof curve - 1 &&
           memcmp(r->part[PART_MECHANISM], curve, sizeof curve - 1) == 0 &&
           zmq_z85_encode(key, (const uint8_t *)r->part[PART_KEY],
                          DOORMAN_KEY_BYTES) &&
           doorman_knows(d, key);
}

/* Version, id, status, a text that nobody reads, and two that nobody needs. */
static void doorman_reply(struct doorman *d, const struct doorman_request *r,
                          bool is_admitted)
{
    bool has_id = r->count > PART_ID;
    (void)zmq_send(d->socket, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(d->socket, has_id ? r->part[PART_ID] : "",
                   has_id ? r->length[PART_ID] : 0, ZMQ_SNDMORE);
    (void)zmq_send(d->socket, is_admitted ? "200" : "400", 3, ZMQ_SNDMORE);
    (void)zmq_send(d->socket, "", 0, ZMQ_SNDMORE);
    (void)zmq_send(d->socket, "", 0, ZMQ_SNDMORE);
    (void)zmq_send(d->socket, "", 0, 0);
}

/* The descriptor signals changes only, so all that has come is answered. */
static void doorman_on_readable(evutil_socket_t fd, short events, void *arg)
{
    struct doorman *d = arg;
    struct doorman_request r;
    (void)fd;
    (void)events;
    while (doorman_receive(d, &r)) {
        doorman_look(d);
        doorman_reply(d, &r, doorman_admits(d, &r));
    }
}

/* --- life ---------------------------------------------------------------- */

static bool doorman_start(struct doorman *d, struct event_base *base,
                          void *context, struct sentence *why)
{
    int fd = -1, no_linger = 0;
    size_t size = sizeof fd;
    d->socket = zmq_socket(context, ZMQ_REP);
    if (!d->socket ||
        zmq_setsockopt(d->socket, ZMQ_LINGER, &no_linger, sizeof no_linger) !=
            0 ||
        zmq_bind(d->socket, "inproc://zeromq.zap.01") != 0 ||
        zmq_getsockopt(d->socket, ZMQ_FD, &fd, &size) != 0)
        return sentence_fail(why, "cannot ask for keys: %s",
                             zmq_strerror(errno));
    d->event =
        event_new(base, fd, EV_READ | EV_PERSIST, doorman_on_readable, d);
    if (!d->event || event_add(d->event, NULL) != 0)
        return sentence_fail(why, "out of memory");
    event_active(d->event, EV_READ, 0); /* see doorman_on_readable */
    return true;
}

struct doorman *doorman_open(struct event_base *base, void *context,
                             const char *path, struct sentence *why)
{
    struct doorman *d = calloc(1, sizeof *d);
    if (!d) {
        sentence_fail(why, "out of memory");
        return NULL;
    }
    d->path = path;
    if (doorman_read(d, why) && doorman_start(d, base, context, why))
        return d;
    doorman_close(d);
    return NULL;
}

void doorman_close(struct doorman *d)
{
    if (!d)
        return;
    if (d->event)
        event_free(d->event);
    if (d->socket)
        zmq_close(d->socket);
    key_list_fini(&d->allowed);
    free(d);
}

/* SPDX-License-Identifier: MIT */
#include "client/monitor/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct feed {
    void *socket;
    size_t held; /* parts that are open */
    zmq_msg_t part[FEED_PARTS];
};

void *feed_context_new(void)
{
    return zmq_ctx_new();
}

void feed_context_free(void *context)
{
    if (context)
        zmq_ctx_term(context);
}

static bool feed_set_up(void *socket, const struct feed_setup *setup)
{
    int linger_ms = 0;
    int longest_wait_ms = 2000; /* between attempts to connect */
    return zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms) ==
               0 &&
           zmq_setsockopt(socket, ZMQ_RECONNECT_IVL_MAX, &longest_wait_ms,
                          sizeof longest_wait_ms) == 0 &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &setup->max_bytes,
                          sizeof setup->max_bytes) == 0 &&
           (setup->is_bound ? zmq_bind(socket, setup->endpoint)
                            : zmq_connect(socket, setup->endpoint)) == 0;
}

struct feed *feed_open(void *context, const struct feed_setup *setup)
{
    struct feed *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->socket =
        zmq_socket(context, setup->kind == FEED_PULL ? ZMQ_PULL : ZMQ_SUB);
    if (f->socket && feed_set_up(f->socket, setup))
        return f;
    int error = errno;
    feed_close(f);
    errno = error;
    return NULL;
}

static void feed_drop(struct feed *f)
{
    while (f->held > 0)
        zmq_msg_close(&f->part[--f->held]);
}

void feed_close(struct feed *f)
{
    if (!f)
        return;
    feed_drop(f);
    if (f->socket)
        zmq_close(f->socket);
    free(f);
}

const char *feed_error(void)
{
    return zmq_strerror(errno);
}

void feed_subscribe(struct feed *f, const char *beginning)
{
    zmq_setsockopt(f->socket, ZMQ_SUBSCRIBE, beginning, strlen(beginning));
}

void feed_endpoint(const struct feed *f, char out[FEED_ENDPOINT_BYTES])
{
    size_t length = FEED_ENDPOINT_BYTES;
    if (zmq_getsockopt(f->socket, ZMQ_LAST_ENDPOINT, out, &length) != 0)
        out[0] = '\0';
}

int feed_fd(const struct feed *f)
{
    int fd = -1;
    size_t length = sizeof fd;
    zmq_getsockopt(f->socket, ZMQ_FD, &fd, &length);
    return fd;
}

/* A message arrives whole: after the first part none of the others is waited
 * for. False: none is there. */
static bool feed_take_parts(struct feed *f, bool *is_too_long)
{
    bool has_more = true;
    *is_too_long = false;
    while (has_more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, f->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            return false;
        }
        has_more = zmq_msg_more(&part) != 0;
        *is_too_long = f->held == FEED_PARTS;
        if (*is_too_long)
            zmq_msg_close(&part);
        else
            f->part[f->held++] = part;
    }
    return true;
}

bool feed_receive(struct feed *f, struct feed_message *message)
{
    bool is_too_long;
    do {
        feed_drop(f);
        if (!feed_take_parts(f, &is_too_long))
            return false;
    } while (is_too_long);
    message->parts = f->held;
    for (size_t i = 0; i < f->held; i++)
        message->part[i] = (struct feed_part){zmq_msg_data(&f->part[i]),
                                              zmq_msg_size(&f->part[i])};
    return true;
}

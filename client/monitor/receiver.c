/* SPDX-License-Identifier: MIT */
#include "client/monitor/receiver.h"

#include "client/monitor/doorman.h"
#include "client/monitor/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct receiver {
    void *socket;
    size_t held; /* of the parts that are in use */
    zmq_msg_t part[RECEIVER_PARTS];
};

void *receiver_context_new(void)
{
    return zmq_ctx_new();
}

void receiver_context_free(void *context)
{
    if (context)
        zmq_ctx_term(context);
}

static bool receiver_set_up(void *socket, const struct receiver_setup *setup)
{
    int linger_ms = 0;
    int waiting_max = 16;       /* messages of one peer: these may be long */
    int longest_wait_ms = 2000; /* between attempts to connect */
    return zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms) ==
               0 &&
           zmq_setsockopt(socket, ZMQ_RECONNECT_IVL_MAX, &longest_wait_ms,
                          sizeof longest_wait_ms) == 0 &&
           zmq_setsockopt(socket, ZMQ_RCVHWM, &waiting_max,
                          sizeof waiting_max) == 0 &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &setup->max_bytes,
                          sizeof setup->max_bytes) == 0 &&
           (!setup->keys || keys_apply(setup->keys, socket)) &&
           (!setup->secret ||
            keys_protect(setup->secret, DOORMAN_DOMAIN, socket)) &&
           (setup->is_bound ? zmq_bind(socket, setup->endpoint)
                            : zmq_connect(socket, setup->endpoint)) == 0;
}

struct receiver *receiver_open(void *context,
                               const struct receiver_setup *setup)
{
    struct receiver *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->socket =
        zmq_socket(context, setup->kind == RECEIVER_PULL ? ZMQ_PULL : ZMQ_SUB);
    if (f->socket && receiver_set_up(f->socket, setup))
        return f;
    int error = errno;
    receiver_close(f);
    errno = error;
    return NULL;
}

static void receiver_drop(struct receiver *f)
{
    while (f->held > 0)
        zmq_msg_close(&f->part[--f->held]);
}

void receiver_close(struct receiver *f)
{
    if (!f)
        return;
    receiver_drop(f);
    if (f->socket)
        zmq_close(f->socket);
    free(f);
}

const char *receiver_error(void)
{
    return zmq_strerror(errno);
}

void receiver_subscribe(struct receiver *f, const char *beginning)
{
    zmq_setsockopt(f->socket, ZMQ_SUBSCRIBE, beginning, strlen(beginning));
}

void receiver_endpoint(const struct receiver *f,
                       char out[RECEIVER_ENDPOINT_BYTES])
{
    size_t length = RECEIVER_ENDPOINT_BYTES;
    if (zmq_getsockopt(f->socket, ZMQ_LAST_ENDPOINT, out, &length) != 0)
        out[0] = '\0';
}

int receiver_fd(const struct receiver *f)
{
    int fd = -1;
    size_t length = sizeof fd;
    zmq_getsockopt(f->socket, ZMQ_FD, &fd, &length);
    return fd;
}

/* A message arrives whole: once its first part is there, so are the others.
 * False when there is none. */
static bool receiver_take_parts(struct receiver *f, bool *is_too_long)
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
        *is_too_long = f->held == RECEIVER_PARTS;
        if (*is_too_long)
            zmq_msg_close(&part);
        else
            f->part[f->held++] = part;
    }
    return true;
}

bool receiver_receive(struct receiver *f, struct receiver_message *message)
{
    bool is_too_long;
    do {
        receiver_drop(f);
        if (!receiver_take_parts(f, &is_too_long))
            return false;
    } while (is_too_long);
    message->parts = f->held;
    for (size_t i = 0; i < f->held; i++)
        message->part[i] = (struct receiver_part){zmq_msg_data(&f->part[i]),
                                                  zmq_msg_size(&f->part[i])};
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "broker/monitor/pub_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { MESSAGES_PER_TURN = 1000 };

struct pub_thread {
    struct pub_thread_setup setup;
    pthread_t id;
    struct pub_thread *next;  /* in the list of those that are to end */
    atomic_bool is_abandoned; /* there was no room for the end */
};

struct message {
    zmq_msg_t parts[PUB_THREAD_PARTS_MAX];
    int count;
};

/* False when there is none. The loop sends no longer ones. */
static bool message_receive(struct message *m, void *pair)
{
    bool is_more = true;
    for (m->count = 0; is_more && m->count < PUB_THREAD_PARTS_MAX; m->count++) {
        zmq_msg_t *part = &m->parts[m->count];
        zmq_msg_init(part);
        if (zmq_msg_recv(part, pair, ZMQ_DONTWAIT) < 0)
            return false;
        is_more = zmq_msg_more(part);
    }
    return true;
}

static bool message_is_end(struct message *m)
{
    return m->count == 1 && zmq_msg_size(&m->parts[0]) == 0;
}

/* False when a subscribed peer has no room: then no peer got any of it. */
static bool message_try(struct message *m, void *socket)
{
    for (int i = 0; i < m->count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < m->count ? ZMQ_SNDMORE : 0);
        if (zmq_msg_send(&m->parts[i], socket, flags) < 0)
            return false;
    }
    return true;
}

static void set_lossless(void *socket, int is_on)
{
    (void)zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &is_on, sizeof is_on);
}

/* First sends without loss, which shows whether a peer has no room; then to the
 * peers that have room. ZeroMQ skips a peer without room until it has caught
 * up, so this counts once for each time that a peer falls behind. */
static void pub_thread_publish(const struct pub_thread *t, struct message *m)
{
    if (!message_try(m, t->setup.socket)) {
        atomic_fetch_add(t->setup.slow, 1);
        set_lossless(t->setup.socket, 0);
        (void)message_try(m, t->setup.socket);
        set_lossless(t->setup.socket, 1);
    }
    for (int i = 0; i < m->count; i++)
        zmq_msg_close(&m->parts[i]);
}

/* False at the end. */
static bool pub_thread_forward(const struct pub_thread *t)
{
    struct message m;
    for (int i = 0; i < MESSAGES_PER_TURN && message_receive(&m, t->setup.pair);
         i++) {
        if (message_is_end(&m))
            return false;
        pub_thread_publish(t, &m);
    }
    return !atomic_load(&t->is_abandoned);
}

/* The loop empties the pair in each turn; if it does not for as long as the
 * pair's timeout, the report is lost. */
static void pub_thread_report(const struct pub_thread *t, zmq_msg_t *msg)
{
    const unsigned char *text = zmq_msg_data(msg);
    size_t n = zmq_msg_size(msg);
    if (n == 0 || text[0] > 1)
        return; /* a message to nobody */
    struct pub_thread_report head = {.number = zmq_msg_get(msg, ZMQ_SRCFD),
                                     .is_subscribed = text[0] == 1};
    const char *key = zmq_msg_gets(msg, "User-Id");
    if (key && strlen(key) < sizeof head.key)
        strcpy(head.key, key);
    zmq_msg_t report;
    if (zmq_msg_init_size(&report, sizeof head + n - 1) != 0)
        return;
    unsigned char *bytes = zmq_msg_data(&report);
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, text + 1, n - 1);
    if (zmq_msg_send(&report, t->setup.pair, 0) < 0)
        zmq_msg_close(&report);
}

static void pub_thread_hear(const struct pub_thread *t)
{
    bool got = true;
    for (int i = 0; i < MESSAGES_PER_TURN && got; i++) {
        zmq_msg_t msg;
        zmq_msg_init(&msg);
        got = zmq_msg_recv(&msg, t->setup.socket, ZMQ_DONTWAIT) >= 0;
        if (got)
            pub_thread_report(t, &msg);
        zmq_msg_close(&msg);
    }
}

static bool pub_thread_turn(const struct pub_thread *t)
{
    zmq_pollitem_t items[] = {
        {.socket = t->setup.pair, .events = ZMQ_POLLIN},
        {.socket = t->setup.socket, .events = ZMQ_POLLIN}};
    if (zmq_poll(items, sizeof items / sizeof *items, -1) < 0)
        return errno == EINTR;
    if (items[1].revents)
        pub_thread_hear(t);
    return !items[0].revents || pub_thread_forward(t);
}

static void *pub_thread_run(void *arg)
{
    struct pub_thread *t = arg;
    while (pub_thread_turn(t))
        continue;
    zmq_close(t->setup.socket);
    zmq_close(t->setup.pair);
    return NULL;
}

/* Signals are for the loop. */
static int pub_thread_create(struct pub_thread *t)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&t->id, NULL, pub_thread_run, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return err;
}

struct pub_thread *pub_thread_start(const struct pub_thread_setup *setup)
{
    struct pub_thread *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->setup = *setup;
    int err = pub_thread_create(t);
    if (err == 0)
        return t;
    free(t);
    errno = err;
    return NULL;
}

void pub_thread_end(struct pub_thread *t, void *pair,
                    struct pub_thread **ending)
{
    t->next = *ending;
    *ending = t;
    if (zmq_send(pair, "", 0, ZMQ_DONTWAIT) < 0)
        atomic_store(&t->is_abandoned, true);
}

bool pub_thread_join(struct pub_thread **ending,
                     const struct timespec *deadline)
{
    struct pub_thread **at = ending;
    while (*at) {
        struct pub_thread *t = *at;
        if (pthread_clockjoin_np(t->id, NULL, CLOCK_MONOTONIC, deadline) != 0) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        free(t);
    }
    return !*ending;
}

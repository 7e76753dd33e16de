/* SPDX-License-Identifier: MIT
 *
 * pub_thread - the thread that owns a publishing ZeroMQ socket. One call into
 * libzmq works off whatever its peers have sent, however much that is: so the
 * broker's loop may not make it. The loop and this thread share nothing but a
 * pair of sockets within the process, over which complete messages come to be
 * published, and reports of subscriptions go back.
 */
#ifndef SLUICE_MONITOR_PUB_THREAD_H
#define SLUICE_MONITOR_PUB_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PUB_THREAD_PARTS_MAX = 3,
    PUB_THREAD_KEY_BYTES = 41, /* with its end */
};

/* What the thread reports: one message of this head and a prefix of topics. */
struct pub_thread_report {
    int32_t number; /* libzmq's descriptor of the peer; negative: unknown */
    bool is_subscribed;
    char key[PUB_THREAD_KEY_BYTES]; /* it was admitted for; "": for none */
};

struct pub_thread_setup {
    void *socket;        /* is closed when the thread ends */
    void *pair;          /* the thread's end of the pair; the same */
    atomic_size_t *slow; /* counts how often a peer fell behind; borrowed */
};

struct pub_thread;
struct timespec;

/* From now on only the thread may use the sockets. NULL, with the reason in
 * errno and the sockets still the caller's, when the system refuses. */
struct pub_thread *pub_thread_start(const struct pub_thread_setup *setup);

/* Has the thread end after it has published what was sent over `pair`, the
 * loop's end; does not wait for it. Takes `t` into the list `ending`. */
void pub_thread_end(struct pub_thread *t, void *pair,
                    struct pub_thread **ending);

/* Waits for the threads in the list until `deadline`, on the monotonic clock,
 * and takes those out that have ended. True when none is left. */
bool pub_thread_join(struct pub_thread **ending,
                     const struct timespec *deadline);

#endif

/* SPDX-License-Identifier: MIT
 *
 * listening - prints the messages of one connection, or runs a command for each
 * of them, until it is lost or there is enough. Both versions of the protocol:
 * a wire (frames.h, units.h) brings the messages. Output is written when
 * nothing more has arrived, not after each message.
 */
#ifndef SLUICE_CLIENT_LISTEN_LISTENING_H
#define SLUICE_CLIENT_LISTEN_LISTENING_H

#include "client/news.h"
#include "client/printer.h"
#include "client/runner.h"

struct listening;

struct listening_wire {
    /* The next message; SLUICE_AGAIN: there is none yet. Else why there is
     * nothing more to receive. */
    enum sluice_error (*next)(struct listening *l,
                              const struct sluice_event **e);

    /* The message was put; `is_last`: enough of them. False, with errno, when
     * the output cannot be written. */
    bool (*settle)(struct listening *l, const struct sluice_event *e,
                   bool is_last);
};

struct listening_plan {
    const struct target *target; /* borrowed */
    const char *command;         /* borrowed; NULL: prints */
    int timeout_ms;              /* for an attempt to connect, the goodbye */
    size_t max_frame;            /* bytes */
    uint64_t count;              /* messages after which it ends; 0: never */
    bool has_newline;            /* for the command: behind each message */
    bool reconnects, is_quiet;
};

struct listening {
    struct listening_plan plan;
    struct sluice *s;
    const struct listening_wire *wire;
    struct reading reading;
    struct news news;
    struct printer printer;
    struct runner runner; /* with a command, in version 1 */
    uint64_t taken;       /* messages */
    int64_t give_up_ms;   /* said goodbye after a stop signal, and waits for the
                             rest until then; -1 before */
    struct sluice_event frame; /* version 1: the message that came last */
};

/* What to do after a step. */
enum listening_step {
    LISTENING_GO,
    LISTENING_LOST, /* the connection; the handle says why */
    LISTENING_DONE,
    LISTENING_FAILED, /* and reported */
    LISTENING_MISUSED,
};

/* Takes the messages of a connection, until a step other than GO. */
enum listening_step listening_serve(struct listening *l);

/* Said goodbye after a stop signal. */
bool listening_is_leaving(const struct listening *l);

#endif

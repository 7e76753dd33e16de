/* SPDX-License-Identifier: MIT
 *
 * clients - all clients of one reactor, and what their sessions share:
 * accepting them, and closing them when the broker stops.
 */
#ifndef SLUICE_SESSION_CLIENTS_H
#define SLUICE_SESSION_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "broker/base/budget.h"
#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/base/footprint.h"
#include "broker/base/list.h"
#include "broker/base/log.h"
#include "broker/session/admission.h"
#include "broker/session/demands.h"
#include "broker/session/reason.h"
#include "broker/session/review.h"
#include "broker/session/waits.h"
#include "broker/session/writer.h"

struct core;
struct identities;
struct reactor;
struct reactor_timer;
struct tls;
struct tries;
struct unit_hub;
struct users;

struct clients_config {
    uint32_t max_frame_bytes;
    uint32_t hello_ms; /* for the first frame */
    uint32_t frame_ms; /* for a started message to make progress */
    uint32_t leave_ms; /* for a leaving client to take what it is owed */
    uint32_t drain_ms; /* for all clients, when the broker stops */
    /* For each client of version 2. */
    uint32_t patience_ms; /* for a reply to find room */
    uint32_t ping_ms;     /* between two signs of life; 0: it is not pinged */
    uint32_t hold_bytes;
    uint32_t subscriptions_max;
    uint32_t requests_max;
};

struct clients {
    struct clients_config config;
    struct reactor *reactor;
    struct tls *tls; /* set by the owner; NULL: it is not spoken */
    struct core *core;
    struct counters *counters;
    struct budget *budget;
    struct log *log;
    struct list list;        /* sessions, oldest first */
    struct list *shown_next; /* in the list, or its head; see client_views.h */
    uint32_t count;
    uint32_t bound;     /* set by the owner: clients beyond it are guests; first
                           UINT32_MAX */
    uint32_t undrained; /* sessions that stopping has to wait for */
    uint64_t accepted;  /* also the last connection's number */
    uint64_t closed[REASON_TOTAL];
    struct waits waits;
    struct admission admission;
    uint64_t turn_bytes;   /* read since the last delivery */
    bool has_store_failed; /* and the sessions have noticed */
    struct footprint footprint;
    struct reactor_timer *timer;
    clock_ms timer_at;     /* when it fires, while it runs */
    bool wants_descriptor; /* set by the owner: no client can connect until a
                              descriptor is free */
    void (*on_closed)(void *arg); /* a descriptor has become free */
    void *on_closed_arg;
    bool weighs_users;             /* some have limits of memory; identity.h */
    struct identities *identities; /* NULL: nobody is asked; identity.h */
    struct tries *tries;           /* NULL until clients_obtain_tries() */
    struct review review;          /* of sessions: may they stay? */
    struct unit_hub *hub;          /* what the sessions of version 2 share */
    uint8_t *scratch;              /* the read buffer of all connections */
    struct iovec iov[WRITER_IOV_MAX];
};

/* All pointers are borrowed. False when there is no memory. */
bool clients_init(struct clients *all, const struct clients_config *config,
                  struct reactor *reactor, struct core *core,
                  struct counters *counters, struct budget *budget,
                  struct log *log);

/* Replaces the bounds. */
void clients_configure(struct clients *all,
                       const struct clients_config *config);

/* What is known of those that try to show who they are, made with the first of
 * them; it lives as long as `all`. NULL without memory, or when the system
 * refuses. */
struct tries *clients_obtain_tries(struct clients *all);

/* Closes the remaining sessions and delivers for the last time. */
void clients_close_all(struct clients *all);

void clients_fini(struct clients *all);

/* A new connection, of which so much is demanded; takes `fd`. */
void clients_add(struct clients *all, int fd, const struct sockaddr *peer,
                 socklen_t length, struct demands demands);

/* From now on only input that the kernel already holds is accepted; what
 * clients are owed is still delivered. */
void clients_drain(struct clients *all);

/* True when nothing is left that could be delivered, acknowledged or replied
 * to. Costs the same however many clients there are. */
bool clients_are_drained(const struct clients *all);

/* Begins to close every connection in order. */
void clients_finish(struct clients *all);

/* The same for those alone that are told so; what is not delivered by now is
 * dropped. False when there are none. */
bool clients_dismiss(struct clients *all);

#endif

/* SPDX-License-Identifier: MIT
 *
 * service - the service manager that may have started the broker: it passes
 * listening sockets, receives our status, and expects watchdog pings from the
 * loop. The protocol of sd_notify(3), a datagram of NAME=VALUE lines to the
 * socket that NOTIFY_SOCKET names, is implemented here: that takes less code
 * than using the library would, and works wherever the protocol does.
 */
#ifndef SLUICE_BROKER_SERVICE_H
#define SLUICE_BROKER_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct log;
struct reactor;
struct reactor_timer;
struct sentence;

struct service {
    int fd; /* -1: no manager is to be notified */
    struct sockaddr_un address;
    socklen_t length;
    struct log *log;
    struct reactor_timer *watchdog; /* NULL when the manager wants no pings */
    uint32_t ping_ms;
};

/* Reads the environment, and removes NOTIFY_SOCKET from it. False, with one
 * sentence, when NOTIFY_SOCKET cannot be a socket's name or the system refuses;
 * call service_fini in any case. The pointers are borrowed. */
bool service_init(struct service *s, struct reactor *r, struct log *log,
                  struct sentence *why);
void service_fini(struct service *s);

/* How many listening sockets the manager has passed, from descriptor
 * SERVICE_FIRST_SOCKET on; removes their variables from the environment. */
int service_take_sockets(void);

enum { SERVICE_FIRST_SOCKET = 3 };

/* The broker is ready, for the first time or again; `status` is for operators.
 * From now on the loop pings the watchdog. */
void service_ready(struct service *s, const char *status);
void service_reloading(struct service *s);

/* The broker starts, and first opens what it had. */
void service_recovering(struct service *s);

/* The broker stops, which may take `ms`. */
void service_stopping(struct service *s, uint64_t ms);

#endif

/* SPDX-License-Identifier: MIT
 *
 * notify - what a service manager is told, by the protocol of sd_notify(3): a
 * datagram of NAME=VALUE lines to the socket that NOTIFY_SOCKET names. Without
 * one nothing is sent. It is spoken here directly: that is less than the
 * library would be, and works wherever the protocol does.
 */
#ifndef SLUICE_BASE_NOTIFY_H
#define SLUICE_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: nobody to tell */
    struct sockaddr_un address;
    socklen_t length;
};

/* Reads the environment, and takes the variable out of it. False, with the
 * reason in errno, when it names a socket that cannot be. */
bool notify_init(struct notify *n);
void notify_fini(struct notify *n);

/* Never waits. False, with the reason in errno, when the manager did not take
 * it. */
__attribute__((format(printf, 2, 3))) bool notify_send(struct notify *n,
                                                       const char *format, ...);

/* How often the manager wants to hear WATCHDOG=1 at least, in ms; 0: it does
 * not. */
uint32_t notify_watchdog_ms(void);

/* How many listening sockets it has passed, from NOTIFY_FIRST_SOCKET on;
 * takes the variables out of the environment. */
int notify_take_sockets(void);

enum { NOTIFY_FIRST_SOCKET = 3 };

#endif

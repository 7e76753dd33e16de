/* SPDX-License-Identifier: MIT
 *
 * socket_file - the file of a unix socket that this process listens on. A lock
 * beside it, PATH.lock, is held for as long: two brokers never have one path,
 * and none removes the file of another, whoever starts, stops or is killed
 * when. The lock is advisory; for a program that knows nothing of it, a file is
 * only replaced when nobody answers behind it, and only removed when it is
 * still the one that was made here.
 */
#ifndef SLUICE_NET_SOCKET_FILE_H
#define SLUICE_NET_SOCKET_FILE_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

struct sentence;

struct socket_file {
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": none */
    int lock;                                               /* a descriptor */
    dev_t device; /* which file was made */
    ino_t inode;
};

/* Binds a new socket to a path, which may have the file of a broker that was
 * killed. The caller owns the socket, which is non-blocking, and *f, which
 * does not depend on it. -1, with the reason and *f empty, when
 * the path is taken or cannot be. */
int socket_file_bind(struct socket_file *f, const struct sockaddr_un *at,
                     struct sentence *why);

/* Removes the file and lets others have the path. The socket should be closed
 * before. Does nothing when *f is empty, and leaves it empty. */
void socket_file_remove(struct socket_file *f);

#endif

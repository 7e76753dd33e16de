/* SPDX-License-Identifier: MIT
 *
 * socket_file - the file of a unix socket that this process listens on. A lock
 * beside it, PATH.lock, is held for as long: two brokers never share a path,
 * and no broker removes the file of another, in whatever order they start, stop
 * or are killed. The lock is advisory. To protect programs that do not use it,
 * a file is replaced only when nothing answers on it, and removed only when it
 * is still the file that was made here.
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

/* Binds a new socket to a path, where the file of a killed broker may remain.
 * The caller owns the socket, which is non-blocking, and *f, which does not
 * depend on the socket. -1, with the reason and *f empty, when the path is
 * taken or not usable. */
int socket_file_bind(struct socket_file *f, const struct sockaddr_un *at,
                     struct sentence *why);

/* Removes the file and releases the path. The socket should be closed first.
 * Does nothing when *f is empty, and leaves it empty. */
void socket_file_remove(struct socket_file *f);

#endif

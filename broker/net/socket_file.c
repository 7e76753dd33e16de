/* SPDX-License-Identifier: MIT */
#include "broker/net/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/net/bind_error.h"
#include "common/sentence.h"

#define LOCK_SUFFIX ".lock"

enum {
    LOCK_PATH_BYTES =
        sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof(LOCK_SUFFIX) - 1,
};

static void lock_path(const char *path, char out[LOCK_PATH_BYTES])
{
    snprintf(out, LOCK_PATH_BYTES, "%s" LOCK_SUFFIX, path);
}

static void close_keeping_errno(int fd)
{
    int err = errno;
    close(fd);
    errno = err;
}

/* The last holder may have removed the file after we opened it: then we have
 * locked a file that no other process will ever see. */
static bool lock_is_current(int fd, const char *path)
{
    struct stat ours, there;
    return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* A descriptor, or -1 with errno: EADDRINUSE when another broker holds it. */
static int lock_take(const char *path)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return -1;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            close(fd);
            errno = EADDRINUSE;
            return -1;
        }
        if (lock_is_current(fd, path))
            return fd;
        close(fd);
    }
}

static void lock_give_back(int fd, const char *socket_path)
{
    char path[LOCK_PATH_BYTES];
    lock_path(socket_path, path);
    unlink(path); /* while the lock is held: the file is ours */
    close(fd);
}

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* A socket file outlives a broker that was killed. It may be replaced only when
 * nothing answers on it. */
static bool is_stale(const struct sockaddr_un *at)
{
    struct stat st;
    if (lstat(at->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = open_socket();
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* The path is locked. A socket, or -1 with errno. */
static int bind_socket(struct socket_file *f, const struct sockaddr_un *at)
{
    struct stat st;
    int fd = open_socket();
    if (fd < 0)
        return -1;
    if (is_stale(at))
        unlink(at->sun_path);
    if (bind(fd, (const struct sockaddr *)at, sizeof *at) != 0 ||
        lstat(at->sun_path, &st) != 0) {
        close_keeping_errno(fd);
        return -1;
    }
    f->device = st.st_dev;
    f->inode = st.st_ino;
    return fd;
}

static int fail(struct sentence *why, const char *path, int err)
{
    sentence_fail(why, "cannot listen on unix socket %s: %s%s", path,
                  strerror(err), bind_error_hint(err));
    return -1;
}

/* Most errors that prevent the lock file also prevent the socket, so the
 * socket's sentence fits. A lock file that exists but cannot be taken must be
 * named. */
static int fail_to_lock(struct sentence *why, const char *path,
                        const char *locked)
{
    struct stat st;
    int err = errno;
    if (err == EADDRINUSE || lstat(locked, &st) != 0)
        return fail(why, path, err);
    sentence_fail(why, "cannot lock %s: %s", locked, strerror(err));
    return -1;
}

int socket_file_bind(struct socket_file *f, const struct sockaddr_un *at,
                     struct sentence *why)
{
    char locked[LOCK_PATH_BYTES];
    *f = (struct socket_file){.path = ""};
    lock_path(at->sun_path, locked);
    int lock = lock_take(locked);
    if (lock < 0)
        return fail_to_lock(why, at->sun_path, locked);
    int fd = bind_socket(f, at);
    if (fd < 0) {
        fail(why, at->sun_path, errno);
        lock_give_back(lock, at->sun_path);
        return -1;
    }
    f->lock = lock;
    memcpy(f->path, at->sun_path, sizeof f->path);
    return fd;
}

void socket_file_remove(struct socket_file *f)
{
    struct stat st;
    if (!f->path[0])
        return;
    if (lstat(f->path, &st) == 0 && st.st_dev == f->device &&
        st.st_ino == f->inode)
        unlink(f->path);
    lock_give_back(f->lock, f->path);
    f->path[0] = '\0';
}

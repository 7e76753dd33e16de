/* SPDX-License-Identifier: MIT */
#include "client/message_file.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static bool message_file_add(int fd, struct sluice_bytes bytes)
{
    const char *at = bytes.data;
    for (size_t left = bytes.length; left > 0;) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

int message_file_new(struct sluice_bytes message, bool has_newline)
{
    int fd = memfd_create("message", MFD_CLOEXEC);
    struct sluice_bytes end = {"\n", has_newline ? 1 : 0};
    if (fd < 0 || (message_file_add(fd, message) && message_file_add(fd, end) &&
                   lseek(fd, 0, SEEK_SET) == 0))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

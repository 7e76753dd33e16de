/* SPDX-License-Identifier: MIT
 *
 * Files that are messages as a whole. Memory grows with what was read, and one
 * byte more than a message may have is never exceeded.
 */
#include "client/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_FIRST_BYTES = 256 << 10 };

struct source_files {
    struct source base; /* fd and name are of the open file */
    size_t left;
    const char *const *next;
    char *bytes;
    size_t capacity, used;
    size_t longest; /* bytes that a message may have */
};

/* False, with errno. */
static bool files_open(struct source_files *f)
{
    const char *name = *f->next++;
    bool is_input = strcmp(name, "-") == 0;
    f->left--;
    f->used = 0;
    f->base.name = is_input ? "standard input" : name;
    f->base.fd = is_input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    return f->base.fd >= 0;
}

static void files_close(struct source_files *f)
{
    if (f->base.fd > STDIN_FILENO)
        close(f->base.fd);
    f->base.fd = -1;
}

static bool files_make_room(struct source_files *f)
{
    if (f->used < f->capacity)
        return true;
    size_t capacity = f->capacity ? f->capacity * 2 : FILES_FIRST_BYTES;
    char *bytes = realloc(f->bytes, capacity);
    if (!bytes)
        return false;
    f->bytes = bytes;
    f->capacity = capacity;
    return true;
}

/* One read. SOURCE_MESSAGE: the file is complete. */
static enum source_result files_read(struct source_files *f)
{
    if (!files_make_room(f))
        return SOURCE_FAILED;
    size_t room = f->capacity - f->used;
    size_t wanted = f->longest + 1 - f->used;
    ssize_t n =
        read(f->base.fd, f->bytes + f->used, room < wanted ? room : wanted);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? SOURCE_WAIT : SOURCE_FAILED;
    f->used += (size_t)n;
    if (f->used > f->longest) {
        errno = EMSGSIZE;
        return SOURCE_FAILED;
    }
    return n == 0 ? SOURCE_MESSAGE : SOURCE_WAIT;
}

/* The caller may have been woken by something else, and then read() would
 * block: the connection could be lost unnoticed. */
static bool files_is_readable(const struct source_files *f)
{
    struct pollfd fd = {.fd = f->base.fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static enum source_result files_next(struct source *source,
                                     struct sluice_bytes *message)
{
    struct source_files *f = (struct source_files *)source;
    if (f->base.fd < 0 && f->left == 0)
        return SOURCE_END;
    if (f->base.fd < 0 && !files_open(f))
        return SOURCE_FAILED;
    enum source_result result = SOURCE_WAIT;
    if (files_is_readable(f))
        result = files_read(f);
    if (result == SOURCE_MESSAGE) {
        files_close(f);
        *message = (struct sluice_bytes){f->bytes, f->used};
    }
    return result;
}

static void files_free(struct source *source)
{
    struct source_files *f = (struct source_files *)source;
    files_close(f);
    free(f->bytes);
    free(f);
}

static const struct source_type files_type = {files_next, files_free};

struct source *source_files_new(size_t count, const char *const *names,
                                size_t longest)
{
    struct source_files *f = malloc(sizeof *f);
    if (!f)
        return NULL;
    *f = (struct source_files){.base = {&files_type, -1, -1, NULL},
                               .left = count,
                               .next = names,
                               .longest = longest};
    return &f->base;
}

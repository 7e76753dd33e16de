/* SPDX-License-Identifier: MIT
 *
 *     bytes        head            tail        capacity
 *       | done       | not split yet | free        |
 *
 * Reads at most once per wait: what one read() brought is split first.
 */
#include "client/source.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINES_FIRST_BYTES = 256 << 10 };

struct source_lines {
    struct source base;
    char *bytes;
    size_t capacity, head, tail;
    size_t searched; /* no newline before this */
    size_t longest;  /* bytes that a line may have */
    bool is_read_due, is_eof;
};

static enum source_result lines_give(struct source_lines *l, size_t length,
                                     size_t newline,
                                     struct sluice_bytes *message)
{
    if (length > l->longest) {
        errno = EMSGSIZE;
        return SOURCE_FAILED;
    }
    *message = (struct sluice_bytes){l->bytes + l->head, length};
    l->head += length + newline;
    l->searched = l->head;
    return SOURCE_MESSAGE;
}

static bool lines_make_room(struct source_lines *l)
{
    size_t waiting = l->tail - l->head;
    if (l->head > 0)
        memmove(l->bytes, l->bytes + l->head, waiting);
    l->searched -= l->head;
    l->head = 0;
    l->tail = waiting;
    if (l->tail < l->capacity)
        return true;
    char *bytes = realloc(l->bytes, l->capacity * 2);
    if (!bytes)
        return false;
    l->bytes = bytes;
    l->capacity *= 2;
    return true;
}

/* The caller may have been woken by something else, and then read() would
 * block: the connection could be lost unnoticed. */
static bool lines_is_readable(const struct source_lines *l)
{
    struct pollfd fd = {.fd = l->base.fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

/* False, with errno, when reading fails. */
static bool lines_read(struct source_lines *l)
{
    if (!lines_make_room(l))
        return false;
    ssize_t n = read(l->base.fd, l->bytes + l->tail, l->capacity - l->tail);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    l->is_eof = n == 0;
    l->tail += (size_t)n;
    return true;
}

static enum source_result lines_next(struct source *source,
                                     struct sluice_bytes *message)
{
    struct source_lines *l = (struct source_lines *)source;
    if (l->is_read_due && !lines_is_readable(l))
        return SOURCE_WAIT;
    if (l->is_read_due && !lines_read(l))
        return SOURCE_FAILED;
    l->is_read_due = false;
    const char *newline =
        memchr(l->bytes + l->searched, '\n', l->tail - l->searched);
    if (newline)
        return lines_give(l, (size_t)(newline - (l->bytes + l->head)), 1,
                          message);
    l->searched = l->tail;
    size_t rest = l->tail - l->head;
    if (l->is_eof)
        return rest > 0 ? lines_give(l, rest, 0, message) : SOURCE_END;
    if (rest > l->longest)
        return lines_give(l, rest, 0, message);
    l->is_read_due = true;
    return SOURCE_WAIT;
}

static void lines_free(struct source *source)
{
    free(((struct source_lines *)source)->bytes);
    free(source);
}

static const struct source_type lines_type = {lines_next, lines_free};

struct source *source_lines_new(int fd, size_t longest)
{
    struct source_lines *l = malloc(sizeof *l);
    char *bytes = malloc(LINES_FIRST_BYTES);
    if (!l || !bytes) {
        free(l);
        free(bytes);
        return NULL;
    }
    *l = (struct source_lines){.base = {&lines_type, fd, -1, "standard input"},
                               .bytes = bytes,
                               .capacity = LINES_FIRST_BYTES,
                               .longest = longest};
    return &l->base;
}

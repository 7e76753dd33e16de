/* SPDX-License-Identifier: MIT
 *
 * source - where the messages of `sluice send` come from: its arguments, the
 * lines of standard input, whole files, or a generator. A table of functions,
 * one file each in sources/.
 */
#ifndef SLUICE_CLIENT_SOURCE_H
#define SLUICE_CLIENT_SOURCE_H

#include "client/sluice.h"

#include <stdint.h>

enum source_result {
    SOURCE_MESSAGE,
    SOURCE_WAIT, /* until source->fd is readable, or source->due_ms */
    SOURCE_END,
    SOURCE_FAILED, /* with errno; EMSGSIZE: longer than allowed */
};

struct source;

struct source_type {
    /* The message is valid until the next call. */
    enum source_result (*next)(struct source *source,
                               struct sluice_bytes *message);
    void (*free)(struct source *source);
};

struct source {
    const struct source_type *type;
    int fd;           /* -1 when it never waits for a descriptor */
    int64_t due_ms;   /* on the monotonic clock; -1 when it does not wait for a
                         time */
    const char *name; /* what it reads, for SOURCE_FAILED; NULL when nothing */
};

static inline enum source_result source_next(struct source *source,
                                             struct sluice_bytes *message)
{
    return source->type->next(source, message);
}

/* NULL is allowed. */
static inline void source_free(struct source *source)
{
    if (source)
        source->type->free(source);
}

/* All of them return NULL without memory. */

/* `texts` must outlive the source. */
struct source *source_arguments_new(int count, char **texts);

/* The lines of standard input or another `fd`, without their newline; the last
 * may lack one. */
struct source *source_lines_new(int fd, size_t longest);

/* Each of the `count` files is one message; "-" is standard input. `names` must
 * outlive the source. */
struct source *source_files_new(size_t count, const char *const *names,
                                size_t longest);

/* `count` messages, 0: without end; `interval_ms` apart. Each is `size` times
 * 'X' or, when size is 0, a numbered text with a number that identifies the
 * sender. */
struct source *source_generator_new(uint64_t count, uint64_t interval_ms,
                                    size_t size);

#endif

/* SPDX-License-Identifier: MIT
 *
 * users_text - the text of a users file, to be edited: comments and order stay,
 * and the file is exchanged at once, with the mode and owner that it had. It is
 * locked from the first look to the exchange, so that of two programs that edit
 * it neither loses what the other wrote.
 */
#ifndef SLUICE_CLIENT_USERS_TEXT_H
#define SLUICE_CLIENT_USERS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sentence;

struct users_text {
    char *path;    /* owned; behind symbolic links */
    int folder_fd; /* of its folder, locked; -1 when it could not be opened */
    int fd;        /* -1 when the file is new */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    char *text; /* owned; with a final NUL */
    size_t length;
};

/* Opens a file, which may be missing. False, with the reason. */
bool users_text_open(struct users_text *t, const char *path,
                     struct sentence *why);

/* Replaces `count` lines from `line` on, the first being 1, by `text`, which
 * ends with a line end unless it is "". With `count` 0 it goes in front of
 * `line`. False without memory. */
bool users_text_replace(struct users_text *t, unsigned line, unsigned count,
                        const char *text);

/* How many lines there are. */
unsigned users_text_lines(const struct users_text *t);

/* How many lines belong to a section that begins at `line`: up to the next one
 * or to the comments in front of it. */
unsigned users_text_section(const struct users_text *t, unsigned line);

/* Writes the text to a new file beside the old one, which takes its place if
 * `check` finds that it is in order. `check` gives the reason otherwise. False,
 * with the reason. */
bool users_text_save(struct users_text *t,
                     bool (*check)(const char *path, struct sentence *why),
                     struct sentence *why);

/* Also after users_text_open() has failed. */
void users_text_close(struct users_text *t);

#endif

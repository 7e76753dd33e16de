/* SPDX-License-Identifier: MIT
 *
 * page_users - who may see the page of the collector: users of a users file
 * that have `monitor = yes`, by a token or a password. The file is read again
 * when it changes; one with a mistake changes nothing.
 *
 * Passwords are compared in the caller's loop, and so seldom that nobody can
 * keep it busy: somebody who sends wrong ones can delay those who show theirs
 * for the first time, but not others.
 */
#ifndef SLUICE_CLIENT_PAGE_USERS_H
#define SLUICE_CLIENT_PAGE_USERS_H

#include "common/http_status.h"

#include <stdbool.h>

struct network;
struct page_users;

enum {
    PAGE_USERS_COMPARED = 8,   /* passwords at once, and then */
    PAGE_USERS_PER_SECOND = 2, /* (one takes about 30 ms), */
    PAGE_USERS_KNOWN = 64,     /* those that were right are remembered */
};

/* NULL, with the mistakes on standard error, when the file is not good. */
struct page_users *page_users_new(const char *path);
void page_users_free(struct page_users *u); /* NULL is allowed */

/* Whether the file has changed, and was read; looks once in a second. */
bool page_users_look(struct page_users *u);

/* Judges what a request from `from` shows; `authorization` may be NULL. Never
 * HTTP_UNDECIDED. */
struct http_verdict page_users_judge(struct page_users *u,
                                     const char *authorization,
                                     const struct network *from);

#endif

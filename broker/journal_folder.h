/* SPDX-License-Identifier: MIT
 *
 * journal_folder - whether a folder can become, or is, the place of durable
 * queues. A store must never come into use by accident: the folder must exist,
 * and hold nothing or a journal.
 */
#ifndef SLUICE_BROKER_JOURNAL_FOLDER_H
#define SLUICE_BROKER_JOURNAL_FOLDER_H

#include <stdbool.h>

struct sentence;

/* Looks at it and changes nothing. False, with the reason: it does not exist,
 * cannot be written, holds other files, a journal of a newer version, or one
 * that another broker uses. With `argv`, the words of a command line, a broker
 * that was started with the same ones may use it: its options are checked
 * before they are read again. */
bool journal_folder_check(const char *path, char *const *argv,
                          struct sentence *why);

/* That a process uses it, which is not known if `pid` is 0, and what to do
 * about it. Always false. */
bool journal_folder_refuse_used(const char *path, long pid,
                                struct sentence *why);

#endif

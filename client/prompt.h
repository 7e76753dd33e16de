/* SPDX-License-Identifier: MIT
 *
 * prompt - a line that the user types, with libedit's keys and history, while
 * messages are printed above it. Without a terminal it just reads lines.
 *
 *     prompt_hide(p);      the typed line is off the terminal
 *     ...                  write whole lines to stdout
 *     prompt_show(p);      and it is back, with its cursor
 */
#ifndef SLUICE_CLIENT_PROMPT_H
#define SLUICE_CLIENT_PROMPT_H

#include <stdbool.h>

struct prompt;

/* Called before each key is read; returns when there is one (true), or to end
 * the prompt (false). It may hide and show the prompt. */
typedef bool prompt_wait(void *context);

/* On standard input and output, with `text` before the line; NULL, with errno,
 * when that fails. `context` must outlive it, `text` is copied. */
struct prompt *prompt_new(const char *text, prompt_wait *wait, void *context);

/* Leaves the terminal as it was. NULL is allowed. */
void prompt_free(struct prompt *p);

/* Whether a person types: else lines are only read. */
bool prompt_is_terminal(const struct prompt *p);

/* The next line, without its newline and no longer on the terminal; valid until
 * the next call. NULL at the end of the input, or when the wait ended it. */
const char *prompt_line(struct prompt *p);

/* Around output to the terminal, so that it does not mix with the line that is
 * being typed. */
void prompt_hide(struct prompt *p);
void prompt_show(struct prompt *p);

#endif

/* SPDX-License-Identifier: MIT
 *
 * libedit draws the line; this knows how many rows of the terminal it takes, so
 * that they can be removed again.
 */
#include "client/prompt.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { PROMPT_HISTORY = 200, PROMPT_COLUMNS = 80 };

struct prompt {
    char *text;
    prompt_wait *wait;
    void *context;
    EditLine *edit;
    History *history;
    char *line; /* NULL before the first */
    bool is_terminal, is_typing;
};

/* --- the rows of the line ------------------------------------------------ */

static int prompt_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return PROMPT_COLUMNS;
}

/* A character that does not fit into the rest of a row begins the next one. */
static int prompt_advance(int cell, wchar_t character, int columns)
{
    int width = wcwidth(character);
    if (width < 0)
        width = 2; /* libedit shows a control character as ^X */
    if (cell % columns + width > columns)
        cell += columns - cell % columns;
    return cell + width;
}

/* How many rows `end`, a place in the line, is below the prompt's first. */
static int prompt_row(const struct prompt *p, const wchar_t *end)
{
    int columns = prompt_columns();
    int cell = (int)strlen(p->text);
    for (const wchar_t *at = el_wline(p->edit)->buffer; at < end; at++)
        cell = prompt_advance(cell, *at, columns);
    return cell / columns;
}

static void prompt_erase(int rows_above)
{
    putchar('\r');
    if (rows_above > 0)
        printf("\033[%dA", rows_above);
    fputs("\033[J", stdout);
}

void prompt_hide(struct prompt *p)
{
    if (p->is_terminal && p->is_typing)
        prompt_erase(prompt_row(p, el_wline(p->edit)->cursor));
}

void prompt_show(struct prompt *p)
{
    fflush(stdout);
    if (!p->is_terminal || !p->is_typing)
        return;
    el_resize(p->edit);
    el_set(p->edit, EL_REFRESH);
}

/* --- typing -------------------------------------------------------------- */

static char *prompt_text(EditLine *edit)
{
    struct prompt *p;
    el_get(edit, EL_CLIENTDATA, &p);
    return p->text;
}

/* One character from standard input, as libedit expects it: 1, or 0 at the end.
 * Bytes that are not a character of the user's locale are skipped. */
static int prompt_read(EditLine *edit, wchar_t *character)
{
    struct prompt *p;
    el_get(edit, EL_CLIENTDATA, &p);
    mbstate_t state = {0};
    while (p->wait(p->context)) {
        char byte;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -1;
        if (n < 0)
            continue;
        size_t length = mbrtowc(character, &byte, 1, &state);
        if (length <= 1)
            return 1;
        if (length == (size_t)-1)
            memset(&state, 0, sizeof state);
    }
    return 0;
}

/* The entered line is still there, and the cursor below all of it. */
static void prompt_on_entered(struct prompt *p)
{
    HistEvent event;
    if (p->is_terminal) {
        const wchar_t *newline = el_wline(p->edit)->lastchar - 1;
        prompt_erase(prompt_row(p, newline) + 1);
        fflush(stdout);
    }
    if (*p->line)
        history(p->history, &event, H_ENTER, p->line);
}

const char *prompt_line(struct prompt *p)
{
    int length;
    p->is_typing = true;
    const char *typed = el_gets(p->edit, &length);
    free(p->line);
    p->line = typed && length > 0 ? strdup(typed) : NULL;
    if (!p->line) {
        prompt_hide(p);
        fflush(stdout);
        p->is_typing = false;
        return NULL;
    }
    p->line[strcspn(p->line, "\n")] = '\0';
    prompt_on_entered(p);
    p->is_typing = false;
    return p->line;
}

/* --- its life ------------------------------------------------------------ */

static bool prompt_open(struct prompt *p)
{
    HistEvent event;
    setlocale(LC_CTYPE, "");
    p->is_terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    p->edit = el_init("sluice", stdin, stdout, stderr);
    p->history = history_init();
    if (!p->edit || !p->history)
        return false;
    history(p->history, &event, H_SETSIZE, PROMPT_HISTORY);
    el_set(p->edit, EL_CLIENTDATA, p);
    el_set(p->edit, EL_PROMPT, prompt_text);
    el_set(p->edit, EL_GETCFN, prompt_read);
    el_set(p->edit, EL_HIST, history, p->history);
    el_set(p->edit, EL_EDITOR, "emacs");
    el_set(p->edit, EL_SIGNAL, 1); /* ^C, ^Z and back, a resized window */
    el_source(p->edit, NULL);      /* the user's own keys, ~/.editrc */
    return true;
}

struct prompt *prompt_new(const char *text, prompt_wait *wait, void *context)
{
    struct prompt *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->text = strdup(text);
    p->wait = wait;
    p->context = context;
    if (p->text && prompt_open(p))
        return p;
    prompt_free(p);
    errno = ENOMEM;
    return NULL;
}

void prompt_free(struct prompt *p)
{
    if (!p)
        return;
    if (p->history)
        history_end(p->history);
    if (p->edit)
        el_end(p->edit);
    free(p->line);
    free(p->text);
    free(p);
}

bool prompt_is_terminal(const struct prompt *p)
{
    return p->is_terminal;
}

/* SPDX-License-Identifier: MIT */
#include "broker/options/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/options/mistakes.h"
#include "broker/options/option_table.h"
#include "broker/options/options.h"

enum { LIST_BYTES = 512 }; /* of the names in a mistake */

#define BLANKS " \t\v\f\r"

/* The kind of section that the reader is in. */
enum section {
    SECTION_NONE, /* before the first one */
    SECTION_OPTIONS,
    SECTION_CHANNEL, /* a rule was added for it */
    SECTION_WRONG,   /* a mistake; its lines are skipped */
};

struct file {
    struct options *options;
    struct mistakes *mistakes; /* know path and line */
    enum section section;
    const char *name;           /* of a section of options */
    unsigned lines[OPTION_MAX]; /* where each key was set, or 0 */
};

static struct origin file_origin(const struct file *f)
{
    return (struct origin){ORIGIN_FILE, f->mistakes->line};
}

/* Keys. */

/* Adds to a list of at most LIST_BYTES. */
__attribute__((format(printf, 2, 3))) static void
list_add(char *list, const char *format, ...)
{
    va_list arguments;
    size_t n = strlen(list);
    va_start(arguments, format);
    vsnprintf(list + n, LIST_BYTES - n, format, arguments);
    va_end(arguments);
}

static void file_reject_key(struct file *f, const char *key)
{
    char keys[LIST_BYTES] = "", elsewhere[LIST_BYTES] = "";
    for (const struct option *row = option_table; row->name; row++) {
        if (strcmp(row->section, f->name) == 0)
            list_add(keys, "%s%s", *keys ? ", " : "", option_key(row));
        if (option_may_be_called(row, key))
            list_add(elsewhere, "%s'%s' in [%s]", *elsewhere ? " or " : "",
                     option_key(row), row->section);
    }
    mistakes_add(f->mistakes, "'%s' is not a key of [%s]%s%s", key, f->name,
                 *elsewhere ? "; there is " : ", which are: ",
                 *elsewhere ? elsewhere : keys);
}

static void file_set_option(struct file *f, const char *key, const char *text)
{
    const struct option *row = option_find_key(f->name, key);
    if (!row) {
        file_reject_key(f, key);
        return;
    }
    unsigned *line = &f->lines[row - option_table];
    if (*line > 0 && row->most <= 1) {
        mistakes_add(f->mistakes, "%s: was set in line %u already", key, *line);
        return;
    }
    *line = f->mistakes->line;
    options_set(f->options, row, key, text, file_origin(f), f->mistakes);
}

/* Cuts the blanks from both ends. */
static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    size_t n = strlen(text);
    while (n > 0 && strchr(BLANKS, text[n - 1]))
        n--;
    text[n] = '\0';
    return text;
}

/* A comment behind something else begins with a blank and a semicolon. */
static void cut_comment(char *text)
{
    while ((text = strchr(text + 1, ';')) != NULL) {
        if (strchr(BLANKS, text[-1])) {
            *text = '\0';
            return;
        }
    }
}

/* `key = value` or `key: value`, whichever comes first. */
static void file_read_pair(struct file *f, char *text)
{
    cut_comment(text);
    char *end = strpbrk(text, "=:");
    if (!end) {
        mistakes_add(f->mistakes, "'%s' is neither [section] nor key = value",
                     trim(text));
        return;
    }
    *end = '\0';
    char *key = trim(text), *value = trim(end + 1);
    if (f->section == SECTION_NONE)
        mistakes_add(f->mistakes,
                     "%s: stands before the first section; begin with [broker]",
                     key);
    else if (f->section == SECTION_OPTIONS)
        file_set_option(f, key, value);
    else if (f->section == SECTION_CHANNEL)
        rules_set(&f->options->rules, key, value, f->mistakes);
}

/* Sections. */

static bool is_comment(const char *text)
{
    text += strspn(text, BLANKS);
    return *text == '\0' || *text == ';' || *text == '#';
}

static void file_open_channel(struct file *f, const char *pattern)
{
    struct rules *rules = &f->options->rules;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule_values *rule = &rules->given[i];
        if (rule->origin.kind != ORIGIN_FILE ||
            strcmp(rule->pattern, pattern) != 0)
            continue;
        mistakes_add(f->mistakes, "[channel \"%s\"] begins in line %u already",
                     pattern, rule->origin.line);
        return;
    }
    if (rules_open(rules, pattern, file_origin(f), f->mistakes))
        f->section = SECTION_CHANNEL;
}

static void file_reject_section(struct file *f, const char *name)
{
    char names[LIST_BYTES] = "";
    for (const struct option *row = option_table; row->name; row++)
        if (option_find_key(row->section, NULL) == row)
            list_add(names, "%s[%s%s]", *names ? ", " : "", row->section,
                     option_is_rule(row) ? " \"PATTERN\"" : "");
    mistakes_add(f->mistakes, "[%s] is not a section, which are: %s", name,
                 names);
}

static void file_enter_section(struct file *f, char *name)
{
    static const char channel[] = "channel \"";
    size_t prefix = sizeof channel - 1;
    const struct option *row = option_find_key(name, NULL);
    if (strncmp(name, channel, prefix) == 0) {
        name[strlen(name) - 1] = '\0';
        file_open_channel(f, name + prefix);
    } else if (row && !option_is_rule(row)) {
        f->name = row->section;
        f->section = SECTION_OPTIONS;
    } else {
        file_reject_section(f, name);
    }
}

/* `[name]` or `[channel "PATTERN"]`, and perhaps a comment. */
static void file_read_section(struct file *f, char *text)
{
    char *quote = strchr(text, '"'), *end = strchr(text, ']');
    if (quote && end && quote < end) {
        end = strstr(quote + 1, "\"]");
        end = end ? end + 1 : NULL;
    }
    f->section = SECTION_WRONG;
    if (!end || !is_comment(end + 1)) {
        mistakes_add(f->mistakes,
                     "a section is [name] or [name \"pattern\"], and nothing "
                     "behind it");
        return;
    }
    *end = '\0';
    file_enter_section(f, text + 1);
}

/* Lines. */

static void file_read_line(struct file *f, char *text)
{
    if (strlen(text) > FILE_LINE_BYTES_MAX)
        mistakes_add(f->mistakes, "the line is longer than %d bytes",
                     FILE_LINE_BYTES_MAX);
    else if (is_comment(text))
        return;
    else if (*(text += strspn(text, BLANKS)) == '[')
        file_read_section(f, text);
    else
        file_read_pair(f, text);
}

/* A file that is still being written ends anywhere, mostly within a line; or it
 * is empty, having just been created. */
static void file_read_lines(struct file *f, char *text)
{
    struct mistakes *m = f->mistakes;
    char *end;
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3; /* some editors begin a file so */
    for (m->line = 1; (end = strchr(text, '\n')) != NULL; m->line++) {
        *end = '\0';
        file_read_line(f, text);
        text = end + 1;
    }
    if (*text)
        mistakes_add(m, "the last line has no end: the file is not complete");
}

/* The file. */

/* Reads the whole file before any of it is used. */
static bool file_read_text(int fd, char *text, struct mistakes *m)
{
    size_t size = 0;
    ssize_t n;
    while ((n = read(fd, text + size, FILE_BYTES_MAX - size)) > 0)
        size += (size_t)n;
    text[size] = '\0';
    if (n < 0)
        return mistakes_add(m, "%s", strerror(errno));
    if (size == FILE_BYTES_MAX)
        return mistakes_add(m, "is longer than 1 MiB");
    if (size == 0)
        return mistakes_add(m, "is empty: the file is not complete; to say "
                               "nothing, leave a comment in it");
    if (strlen(text) < size)
        return mistakes_add(m, "there is a NUL byte in it: it is not a text");
    return true;
}

/* O_NONBLOCK: a pipe without a writer must not block a broker that reads its
 * file again. */
static int file_open(const char *path, struct mistakes *m)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        mistakes_add(m, "%s", strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    mistakes_add(m, "is not a file");
    return -1;
}

bool file_read(const char *path, struct options *o, struct mistakes *m)
{
    struct file f = {.options = o, .mistakes = m};
    size_t before = m->count;
    m->place = path;
    int fd = file_open(path, m);
    char *text = fd < 0 ? NULL : malloc(FILE_BYTES_MAX + 1);
    if (text && file_read_text(fd, text, m))
        file_read_lines(&f, text);
    else if (fd >= 0 && !text)
        mistakes_add(m, "there is no memory to read it");
    free(text);
    if (fd >= 0)
        close(fd);
    m->place = NULL;
    m->line = 0;
    return m->count == before;
}

/* SPDX-License-Identifier: MIT */
#include "broker/options/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/options/mistakes.h"
#include "broker/options/options.h"

enum {
    /* inih cuts longer lines in two, without a word. */
    LINE_BYTES_MAX = 190,
    FILE_BYTES_MAX = 1 << 20,
    SECTION_BYTES = 320, /* a pattern and what is around it */
};

/* Where the reader is. */
enum place {
    PLACE_START,   /* before the first section */
    PLACE_OPTIONS, /* in a section of options */
    PLACE_CHANNEL, /* in [channel "..."], a rule was added for it */
    PLACE_WRONG,   /* in a section that cannot be; was told */
};

struct file {
    const char *path;
    struct options *options;
    struct mistakes *mistakes;
    unsigned line;
    enum place place;
    char section[SECTION_BYTES];
    unsigned lines[OPTION_MAX]; /* where each key was set, or 0 */
};

__attribute__((format(printf, 2, 3))) static bool
file_complain(struct file *f, const char *format, ...)
{
    char sentence[MISTAKE_BYTES + 128];
    va_list list;
    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    return mistakes_add(f->mistakes, "%s:%u: %s", f->path, f->line, sentence);
}

/* Keys. */

/* Adds to a list of at most MISTAKE_BYTES. */
__attribute__((format(printf, 3, 4))) static void
list_add(char *list, size_t *n, const char *format, ...)
{
    va_list arguments;
    if (*n >= MISTAKE_BYTES)
        return;
    va_start(arguments, format);
    int added = vsnprintf(list + *n, MISTAKE_BYTES - *n, format, arguments);
    va_end(arguments);
    *n += (size_t)added;
}

static bool file_reject_key(struct file *f, const char *key)
{
    char keys[MISTAKE_BYTES] = "", elsewhere[MISTAKE_BYTES] = "";
    size_t n = 0, m = 0;
    for (size_t i = 0; i < option_table_size; i++) {
        const struct option *row = &option_table[i];
        if (strcmp(row->section, f->section) == 0)
            list_add(keys, &n, "%s%s", n > 0 ? ", " : "", option_key(row));
        if (option_may_be_called(row, key))
            list_add(elsewhere, &m, "%s'%s' in [%s]", m > 0 ? " or " : "",
                     option_key(row), row->section);
    }
    if (m > 0)
        return file_complain(f, "'%s' is not a key of [%s]; there is %s", key,
                             f->section, elsewhere);
    return file_complain(f, "'%s' is not a key of [%s], which are: %s", key,
                         f->section, keys);
}

/* A comment that was taken for a part of the value does not look wrong. */
static bool file_reject_value(struct file *f, const char *value,
                              const char *error)
{
    bool has_comment = strpbrk(value, "#;") != NULL;
    return file_complain(
        f, "%s%s", error,
        has_comment ? "; a comment behind a value begins with ' ;'" : "");
}

static bool file_set_option(struct file *f, const char *key, const char *value)
{
    char error[MISTAKE_BYTES];
    const struct option *row = option_find_key(f->section, key);
    if (!row)
        return file_reject_key(f, key);
    unsigned *line = &f->lines[option_index(row)];
    if (*line > 0 && row->shape != OPTION_LIST)
        return file_complain(f, "%s: was set in line %u already", key, *line);
    *line = f->line;
    return options_set(f->options, row, key, value,
                       (struct origin){ORIGIN_FILE, f->line}, error) ||
           file_reject_value(f, value, error);
}

static bool file_set_rule(struct file *f, const char *key, const char *value)
{
    char error[MISTAKE_BYTES];
    return rules_set(&f->options->rules, key, value, error) ||
           file_reject_value(f, value, error);
}

/* By inih, for a line that is neither empty nor a comment. */
static int file_on_pair(void *arg, const char *section, const char *key,
                        const char *value)
{
    struct file *f = arg;
    (void)section; /* every line is parsed alone */
    if (f->place == PLACE_START)
        file_complain(
            f, "%s: stands before the first section; begin with [broker]", key);
    else if (f->place == PLACE_OPTIONS)
        file_set_option(f, key, value);
    else if (f->place == PLACE_CHANNEL)
        file_set_rule(f, key, value);
    return 1;
}

/* Sections. */

static bool is_comment(const char *text)
{
    text += strspn(text, " \t\r\n");
    return *text == '\0' || *text == ';' || *text == '#';
}

static void file_open_channel(struct file *f, const char *pattern)
{
    char error[MISTAKE_BYTES];
    struct rules *rules = &f->options->rules;
    for (size_t i = 0; i < rules_given(rules); i++) {
        struct origin o = rules->values[i].origin;
        if (o.kind != ORIGIN_FILE || strcmp(rules->patterns[i], pattern) != 0)
            continue;
        file_complain(f, "[channel \"%s\"] begins in line %u already", pattern,
                      o.line);
        return;
    }
    if (!rules_open(rules, pattern, error)) {
        file_complain(f, "%s", error);
        return;
    }
    rules_set_origin(rules, (struct origin){ORIGIN_FILE, f->line});
    f->place = PLACE_CHANNEL;
}

static void file_reject_section(struct file *f, const char *name)
{
    char names[MISTAKE_BYTES] = "";
    size_t n = 0;
    for (size_t i = 0; i < option_table_size; i++) {
        const struct option *row = &option_table[i];
        if (option_opens_section(row))
            list_add(names, &n, "%s[%s%s]", n > 0 ? ", " : "", row->section,
                     row->shape == OPTION_RULES ? " \"PATTERN\"" : "");
    }
    file_complain(f, "[%.60s] is not a section, which are: %s", name, names);
}

static void file_enter_section(struct file *f, char *name)
{
    static const char channel[] = "channel \"";
    size_t prefix = sizeof channel - 1, n = strlen(name);
    if (strncmp(name, channel, prefix) == 0) {
        name[n - 1] = '\0';
        file_open_channel(f, name + prefix);
    } else if (strcmp(name, "channel") != 0 && option_has_section(name)) {
        snprintf(f->section, sizeof f->section, "%s", name);
        f->place = PLACE_OPTIONS;
    } else {
        file_reject_section(f, name);
    }
}

/* `[name]` or `[channel "PATTERN"]`, and perhaps a comment. Not by inih, which
 * cuts what is between the brackets after 49 bytes. */
static void file_read_section(struct file *f, char *text)
{
    char *quote = strchr(text, '"'), *end = strchr(text, ']');
    if (quote && end && quote < end) {
        end = strstr(quote + 1, "\"]");
        end = end ? end + 1 : NULL;
    }
    f->place = PLACE_WRONG;
    if (!end || !is_comment(end + 1)) {
        file_complain(f,
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
    if (f->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3; /* some editors begin a file so */
    text += strspn(text, " \t");
    if (is_comment(text))
        return;
    if (*text == '[')
        file_read_section(f, text);
    else if (strlen(text) > LINE_BYTES_MAX)
        file_complain(f, "the line is longer than %d bytes", LINE_BYTES_MAX);
    else if (ini_parse_string(text, file_on_pair, f) != 0)
        file_complain(f, "'%s' is neither [section] nor key = value", text);
}

/* A file that somebody is still writing ends anywhere, mostly within a line;
 * or it is empty, having just been begun. */
static bool file_read_lines(struct file *f, char *text, size_t size)
{
    char *next;
    if (memchr(text, '\0', size))
        return file_complain(f, "there is a NUL byte in it: it is not a text");
    for (f->line = 1; *text; text = next, f->line++) {
        char *end = strchr(text, '\n');
        if (!end)
            return file_complain(f, "the last line has no end: the file is not "
                                    "complete");
        next = end + 1;
        *end = '\0';
        if (end > text && end[-1] == '\r')
            end[-1] = '\0';
        file_read_line(f, text);
    }
    return true;
}

/* The file. */

static bool file_fail(struct file *f, const char *why)
{
    return mistakes_add(f->mistakes, "%s: %s", f->path, why);
}

/* Reads it whole before a word of it is believed. */
static bool file_read_text(struct file *f, int fd, char *text)
{
    size_t size = 0;
    ssize_t n;
    while ((n = read(fd, text + size, FILE_BYTES_MAX - size)) > 0)
        size += (size_t)n;
    if (n < 0)
        return file_fail(f, strerror(errno));
    if (size == FILE_BYTES_MAX)
        return file_fail(f, "is longer than 1 MiB");
    if (size == 0)
        return file_fail(f, "is empty: the file is not complete; to say "
                            "nothing, leave a comment in it");
    text[size] = '\0';
    return file_read_lines(f, text, size);
}

/* O_NONBLOCK: a pipe with nobody at its other end must not hold up a broker
 * that reads its file again. */
static int file_open(struct file *f)
{
    struct stat st;
    int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        file_fail(f, strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    file_fail(f, "is not a file");
    return -1;
}

bool file_read(const char *path, struct options *o, struct mistakes *c)
{
    struct file f = {.path = path, .options = o, .mistakes = c};
    size_t before = c->count;
    int fd = file_open(&f);
    if (fd < 0)
        return false;
    char *text = malloc(FILE_BYTES_MAX + 1);
    if (text)
        file_read_text(&f, fd, text);
    else
        file_fail(&f, "there is no memory to read it");
    free(text);
    close(fd);
    return c->count == before;
}

/* SPDX-License-Identifier: MIT */
#include "common/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mistakes.h"

#define BLANKS " \t\v\f\r"

/* Wider than 0640. */
enum { INI_SECRET_FORBIDDEN = S_IXUSR | S_IWGRP | S_IXGRP | S_IRWXO };

struct ini {
    const struct ini_handler *handler;
    struct mistakes *mistakes; /* know path and line */
};

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

/* `key = value` or `key: value`, whichever comes first. A line that is neither
 * is not repeated: in a file that was named by mistake it may be a secret. */
static void ini_read_pair(const struct ini *ini, char *text)
{
    cut_comment(text);
    char *end = strpbrk(text, "=:");
    if (!end) {
        mistakes_add(ini->mistakes,
                     "this line is neither [section] nor key = value");
        return;
    }
    *end = '\0';
    char *key = trim(text), *value = trim(end + 1);
    ini->handler->on_pair(ini->handler->arg, key, value);
}

static bool is_comment(const char *text)
{
    text += strspn(text, BLANKS);
    return *text == '\0' || *text == ';' || *text == '#';
}

/* `[name]` or `[name "label"]`, and perhaps a comment. */
static void ini_read_section(const struct ini *ini, char *text)
{
    char *quote = strchr(text, '"'), *end = strchr(text, ']');
    if (quote && end && quote < end) {
        end = strstr(quote + 1, "\"]");
        end = end ? end + 1 : NULL;
    }
    if (!end || !is_comment(end + 1)) {
        mistakes_add(ini->mistakes,
                     "a section is [name] or [name \"...\"], and nothing "
                     "behind it");
        ini->handler->on_section(ini->handler->arg, NULL);
        return;
    }
    *end = '\0';
    ini->handler->on_section(ini->handler->arg, text + 1);
}

/* Lines. */

static void ini_read_line(const struct ini *ini, char *text)
{
    if (strlen(text) > INI_LINE_BYTES_MAX)
        mistakes_add(ini->mistakes, "the line is longer than %d bytes",
                     INI_LINE_BYTES_MAX);
    else if (is_comment(text))
        return;
    else if (*(text += strspn(text, BLANKS)) == '[')
        ini_read_section(ini, text);
    else
        ini_read_pair(ini, text);
}

/* A file that is still being written ends anywhere, mostly within a line; or it
 * is empty, having just been created. */
static void ini_read_lines(const struct ini *ini, char *text)
{
    struct mistakes *m = ini->mistakes;
    char *end;
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3; /* some editors begin a file so */
    for (m->line = 1; (end = strchr(text, '\n')) != NULL; m->line++) {
        *end = '\0';
        ini_read_line(ini, text);
        text = end + 1;
    }
    if (*text)
        mistakes_add(m, "the last line has no end: the file is not complete");
}

/* The file. */

/* `text` ends with the byte. */
static bool ini_reject_nul(const char *text, struct mistakes *m)
{
    m->line = 1;
    while ((text = strchr(text, '\n')) != NULL) {
        m->line++;
        text++;
    }
    mistakes_add(m, "there is a NUL byte in it: it is not a text");
    m->line = 0;
    return false;
}

/* Reads the whole file, of which that many bytes are expected, before any of it
 * is used. */
static bool ini_read_text(int fd, char *text, size_t room, struct mistakes *m)
{
    size_t size = 0;
    ssize_t n;
    while ((n = read(fd, text + size, room - size)) > 0)
        size += (size_t)n;
    text[size] = '\0';
    if (n < 0)
        return mistakes_add(m, "%s", strerror(errno));
    if (size == room)
        return mistakes_add(m, room > INI_BYTES_MAX
                                   ? "is longer than 32 MiB"
                                   : "grows while it is read: the file is not "
                                     "complete");
    if (size == 0)
        return mistakes_add(m, "is empty: the file is not complete; to say "
                               "nothing, leave a comment in it");
    return strlen(text) == size || ini_reject_nul(text, m);
}

static bool ini_may_be_used(int fd, const char *path, bool is_secret,
                            struct mistakes *m)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return mistakes_add(m, "is not a file");
    if (is_secret && (st.st_mode & INI_SECRET_FORBIDDEN) != 0)
        return mistakes_add(m,
                            "has mode %04o and holds what nobody else may "
                            "know; run: chmod 640 %s",
                            (unsigned)st.st_mode & 07777, path);
    return true;
}

/* O_NONBLOCK: a pipe without a writer must not block a broker that reads its
 * file again. */
static int ini_open(const char *path, bool is_secret, struct mistakes *m)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        mistakes_add(m, "%s", strerror(errno));
        return -1;
    }
    if (ini_may_be_used(fd, path, is_secret, m))
        return fd;
    close(fd);
    return -1;
}

/* Room for the file, and one byte that shows that there is more of it. */
static size_t ini_room(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_size < INI_BYTES_MAX
               ? (size_t)st.st_size + 1
               : INI_BYTES_MAX + 1;
}

/* Secrets that were copied stay where they were freed. */
static void ini_free_text(char *text, size_t room, bool is_secret)
{
    if (is_secret && text)
        explicit_bzero(text, room);
    free(text);
}

bool ini_read(const char *path, const struct ini_handler *handler,
              struct mistakes *m)
{
    struct ini ini = {.handler = handler, .mistakes = m};
    size_t before = m->count;
    m->place = path;
    int fd = ini_open(path, handler->is_secret, m);
    size_t room = ini_room(fd);
    char *text = fd < 0 ? NULL : malloc(room + 1);
    if (text && ini_read_text(fd, text, room, m))
        ini_read_lines(&ini, text);
    else if (fd >= 0 && !text)
        mistakes_add(m, "there is no memory to read it");
    ini_free_text(text, room, handler->is_secret);
    if (fd >= 0)
        close(fd);
    m->place = NULL;
    m->line = 0;
    return m->count == before;
}

char *ini_label(char *section, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(section, name, length) != 0 ||
        strncmp(section + length, " \"", 2) != 0)
        return NULL;
    char *label = section + length + 2, *end = strrchr(label, '"');
    if (end)
        *end = '\0';
    return end ? label : NULL;
}

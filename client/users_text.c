/* SPDX-License-Identifier: MIT */
#include "client/users_text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ini.h"
#include "common/sentence.h"

enum { NEW_FILE_MODE = 0600 };

/* --- reading ------------------------------------------------------------- */

static bool users_text_fail(const struct users_text *t, const char *verb,
                            struct sentence *why)
{
    return sentence_fail(why, "cannot %s %s: %s", verb, t->path,
                         strerror(errno));
}

/* Of the folder: the file itself is exchanged, or is not there yet. */
static bool users_text_lock(struct users_text *t, struct sentence *why)
{
    const char *slash = strrchr(t->path, '/');
    char *folder =
        slash ? strndup(t->path, (size_t)(slash - t->path) + 1) : strdup(".");
    if (folder)
        t->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = t->folder_fd >= 0 && flock(t->folder_fd, LOCK_EX) == 0;
    if (!ok)
        sentence_fail(why, "cannot lock the folder of %s: %s", t->path,
                      strerror(errno));
    free(folder);
    return ok;
}

static bool users_text_open_file(struct users_text *t, struct sentence *why)
{
    struct stat st;
    int fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return true;
    t->fd = fd;
    if (fd < 0 || fstat(fd, &st) != 0)
        return users_text_fail(t, "open", why);
    t->mode = st.st_mode & 07777;
    t->uid = st.st_uid;
    t->gid = st.st_gid;
    return S_ISREG(st.st_mode) ||
           sentence_fail(why, "%s is not a file", t->path);
}

static bool users_text_read(struct users_text *t, struct sentence *why)
{
    ssize_t n = 0;
    t->text = calloc(1, INI_BYTES_MAX + 1);
    if (!t->text)
        return users_text_fail(t, "read", why);
    while (t->fd >= 0 && t->length < INI_BYTES_MAX &&
           (n = read(t->fd, t->text + t->length, INI_BYTES_MAX - t->length)) >
               0)
        t->length += (size_t)n;
    return n >= 0 || users_text_fail(t, "read", why);
}

bool users_text_open(struct users_text *t, const char *path,
                     struct sentence *why)
{
    char *real = realpath(path, NULL);
    *t = (struct users_text){.path = real ? real : strdup(path),
                             .folder_fd = -1,
                             .fd = -1,
                             .mode = NEW_FILE_MODE};
    if (!t->path)
        return sentence_fail(why, "cannot open %s: %s", path, strerror(errno));
    return users_text_lock(t, why) && users_text_open_file(t, why) &&
           users_text_read(t, why);
}

void users_text_close(struct users_text *t)
{
    if (t->fd >= 0)
        close(t->fd);
    if (t->folder_fd >= 0)
        close(t->folder_fd);
    if (t->text)
        explicit_bzero(t->text, t->length);
    free(t->text);
    free(t->path);
}

/* --- lines --------------------------------------------------------------- */

/* Where a line begins; where the text ends, if there are fewer. */
static size_t users_text_offset(const struct users_text *t, unsigned line)
{
    const char *at = t->text, *end = t->text + t->length;
    while (line > 1 && at < end) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        at = next ? next + 1 : end;
        line--;
    }
    return (size_t)(at - t->text);
}

unsigned users_text_lines(const struct users_text *t)
{
    unsigned lines = 0;
    for (size_t i = 0; i < t->length; i++)
        lines += t->text[i] == '\n';
    return lines;
}

/* What a line begins with, behind blanks. */
static char users_text_first(const struct users_text *t, unsigned line)
{
    const char *at = t->text + users_text_offset(t, line);
    return at[strspn(at, " \t\v\f\r")];
}

unsigned users_text_section(const struct users_text *t, unsigned line)
{
    unsigned last = users_text_lines(t), end = line + 1;
    while (end <= last && users_text_first(t, end) != '[')
        end++;
    while (end <= last && end > line + 1 &&
           strchr("\n;#", users_text_first(t, end - 1)))
        end--;
    return end - line;
}

bool users_text_replace(struct users_text *t, unsigned line, unsigned count,
                        const char *text)
{
    size_t begin = users_text_offset(t, line);
    size_t end = users_text_offset(t, line + count), added = strlen(text);
    char *grown = malloc(t->length + added + 1);
    if (!grown)
        return false;
    memcpy(grown, t->text, begin);
    memcpy(grown + begin, text, added);
    memcpy(grown + begin + added, t->text + end, t->length - end + 1);
    explicit_bzero(t->text, t->length);
    free(t->text);
    t->text = grown;
    t->length += added - (end - begin);
    return true;
}

/* --- writing ------------------------------------------------------------- */

static bool users_text_write(const struct users_text *t, int fd)
{
    for (size_t done = 0; done < t->length;) {
        ssize_t n = write(fd, t->text + done, t->length - done);
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    if (fchmod(fd, t->mode) != 0)
        return false;
    if (t->fd >= 0 && (t->uid != geteuid() || t->gid != getegid()) &&
        fchown(fd, t->uid, t->gid) != 0)
        return false;
    return fsync(fd) == 0;
}

static bool users_text_exchange(struct users_text *t,
                                bool (*check)(const char *path,
                                              struct sentence *why),
                                struct sentence *why)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s.XXXXXX", t->path);
    int fd = n < (int)sizeof path ? mkostemp(path, O_CLOEXEC) : -1;
    if (fd < 0)
        return users_text_fail(t, "write beside", why);
    bool is_written = users_text_write(t, fd);
    int error = errno;
    if (close(fd) != 0)
        is_written = false;
    errno = error;
    bool ok = is_written ? check(path, why) : users_text_fail(t, "write", why);
    if (ok && rename(path, t->path) != 0)
        ok = users_text_fail(t, "replace", why);
    if (ok)
        (void)fsync(t->folder_fd); /* a name is durable with its folder */
    else
        unlink(path);
    return ok;
}

/* A signal that ends the process waits until no file lies beside this one. */
bool users_text_save(struct users_text *t,
                     bool (*check)(const char *path, struct sentence *why),
                     struct sentence *why)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    bool ok = users_text_exchange(t, check, why);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return ok;
}

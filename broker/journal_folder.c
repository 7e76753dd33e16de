/* SPDX-License-Identifier: MIT */
#include "broker/journal_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/sentence.h"
#include "proto/journal_names.h"

enum { PID_BYTES = 16, WORDS_BYTES = 8 << 10 };

/* Up to `size` bytes of a file in the folder; -1 when it cannot be read. */
static ssize_t folder_read(int folder, const char *name, char *out, size_t size)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, out, size);
    close(fd);
    return n;
}

/* What the folder of an unfinished start, or a new file system, may hold. */
static bool is_harmless(const char *name)
{
    static const char *const names[] = {
        ".", "..", "lost+found", JOURNAL_NAME_LOCK, JOURNAL_NAME_NEW_FORMAT};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return journal_name_spare_number(name) >= 0 ||
           journal_name_segment_id(name) == 1;
}

/* Whether nothing but that is there. */
static bool check_empty(const char *path, struct sentence *why)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    bool ok = true;
    if (!dir)
        return sentence_fail(why, "cannot read %s: %s", path, strerror(errno));
    while (ok && (entry = readdir(dir)) != NULL)
        if (!is_harmless(entry->d_name))
            ok = sentence_fail(why, "%s holds '%s' and is not a journal", path,
                               entry->d_name);
    closedir(dir);
    return ok;
}

static bool check_format(int folder, const char *path, struct sentence *why)
{
    char text[JOURNAL_FORMAT_TEXT + 1];
    uint8_t uuid[JOURNAL_UUID];
    unsigned version = 0;
    ssize_t n = folder_read(folder, JOURNAL_NAME_FORMAT, text, sizeof text);
    if (n < 0 && errno == ENOENT)
        return check_empty(path, why);
    if (n < 0)
        return sentence_fail(why, "cannot read %s/" JOURNAL_NAME_FORMAT ": %s",
                             path, strerror(errno));
    enum journal_fault fault =
        journal_get_format(uuid, &version, text, (size_t)n);
    if (fault == JOURNAL_SOUND)
        return true;
    if (fault == JOURNAL_NEWER)
        return sentence_fail(why,
                             "%s is a journal of version %u; this program "
                             "reads version %d",
                             path, version, JOURNAL_VERSION);
    return sentence_fail(why, "%s/" JOURNAL_NAME_FORMAT ": %s", path,
                         journal_fault_text(fault));
}

/* The next word of a command line, which counts; NULL when there is none. */
static const char *next_word(const char **at, const char *end)
{
    while (*at < end) {
        const char *word = *at;
        *at += strlen(word) + 1;
        if (strcmp(word, "--check") != 0)
            return word;
    }
    return NULL;
}

/* Whether the process was started with these words, whatever program it is. */
static bool was_started_with(long pid, char *const *argv)
{
    char path[32], words[WORDS_BYTES + 1];
    snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
    ssize_t n = folder_read(AT_FDCWD, path, words, WORDS_BYTES);
    if (n <= 0 || n == WORDS_BYTES)
        return false;
    words[n] = '\0';
    const char *at = words, *word = next_word(&at, words + n);
    for (argv++; *argv; argv++) {
        if (strcmp(*argv, "--check") == 0)
            continue;
        word = next_word(&at, words + n);
        if (!word || strcmp(word, *argv) != 0)
            return false;
    }
    return !next_word(&at, words + n);
}

/* The file of the lock is for people: it may be empty, or the number one of
 * another container. */
bool journal_folder_refuse_used(const char *path, long pid,
                                struct sentence *why)
{
    static const char advice[] =
        "stop it first, or give this one a folder of its own";
    if (pid > 0)
        return sentence_fail(why, "another broker uses %s (pid %ld); %s", path,
                             pid, advice);
    return sentence_fail(
        why,
        "another broker uses %s ('fuser -v %s/" JOURNAL_NAME_LOCK
        "' names it); %s",
        path, path, advice);
}

/* A shared lock, for a moment: a broker holds an exclusive one. */
static bool check_lock(int folder, const char *path, char *const *argv,
                       struct sentence *why)
{
    char pid[PID_BYTES] = "";
    int fd = openat(folder, JOURNAL_NAME_LOCK, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ||
               sentence_fail(why, "cannot open %s/" JOURNAL_NAME_LOCK ": %s",
                             path, strerror(errno));
    bool is_used = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ssize_t n = is_used ? read(fd, pid, sizeof pid - 1) : 0;
    close(fd);
    pid[n > 0 ? n : 0] = '\0';
    long user = strtol(pid, NULL, 10);
    return !is_used || (argv && was_started_with(user, argv)) ||
           journal_folder_refuse_used(path, user, why);
}

bool journal_folder_check(const char *path, char *const *argv,
                          struct sentence *why)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return sentence_fail(why, "cannot open the folder %s: %s", path,
                             strerror(errno));
    bool ok =
        check_format(folder, path, why) && check_lock(folder, path, argv, why);
    close(folder);
    if (ok && access(path, R_OK | W_OK | X_OK) != 0)
        return sentence_fail(why, "cannot write to %s: %s", path,
                             strerror(errno));
    return ok;
}

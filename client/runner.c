/* SPDX-License-Identifier: MIT
 *
 * The message is a file in memory, not a pipe: whatever its length, nothing has
 * to be written while the command runs, and a command that reads none of it is
 * not a special case.
 */
#include "client/runner.h"

#include "client/complain.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

bool runner_init(struct runner *r, const char *command, const char *channel)
{
    *r = (struct runner){.command = command};
    return setenv("SLUICE_CHANNEL", channel, 1) == 0;
}

static bool runner_fill(int fd, struct sluice_bytes message)
{
    const char *at = message.data;
    for (size_t left = message.length; left > 0;) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    return lseek(fd, 0, SEEK_SET) == 0;
}

/* A file that holds the message, to be read from its beginning, or -1. */
static int runner_file(struct sluice_bytes message)
{
    int fd = memfd_create("message", MFD_CLOEXEC);
    if (fd < 0 || runner_fill(fd, message))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* This program ignores SIGPIPE, which a command would inherit. */
static int runner_spawn(const struct runner *r, int input, pid_t *pid)
{
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, NULL, NULL};
    char *command = strdup(r->command);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    if (!command)
        return ENOMEM;
    argv[2] = command;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(&attributes, &defaults);
    if (error == 0)
        error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (error == 0)
        error =
            posix_spawn(pid, "/bin/sh", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(command);
    return error;
}

static void runner_judge(struct runner *r, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    r->failures++;
    if (WIFEXITED(status))
        complain(EXIT_FAILED,
                 "--exec: message %" PRIu64 ": the command exited with %d",
                 r->runs, WEXITSTATUS(status));
    else
        complain(EXIT_FAILED,
                 "--exec: message %" PRIu64 ": signal %d ended the command",
                 r->runs, WTERMSIG(status));
}

/* A stop signal does not end the wait: a command that runs may finish. */
static bool runner_await(struct runner *r, pid_t pid)
{
    int status;
    pid_t ended;
    do
        ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0)
        return false;
    runner_judge(r, status);
    return true;
}

bool runner_run(struct runner *r, struct sluice_bytes message)
{
    int input = runner_file(message);
    if (input < 0)
        return false;
    pid_t pid;
    int error = runner_spawn(r, input, &pid);
    close(input);
    if (error != 0) {
        errno = error;
        return false;
    }
    r->runs++;
    return runner_await(r, pid);
}

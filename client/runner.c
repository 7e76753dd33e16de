/* SPDX-License-Identifier: MIT */
#include "client/runner.h"

#include "client/complain.h"
#include "client/message_file.h"
#include "client/stop_signal.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A signal without a handler would not interrupt a wait. */
static void runner_on_child(int number)
{
    (void)number;
}

bool runner_init(struct runner *r, const char *command, const char *channel)
{
    *r = (struct runner){.command = command};
    struct sigaction action = {.sa_handler = runner_on_child,
                               .sa_flags = SA_RESTART | SA_NOCLDSTOP};
    return sigaction(SIGCHLD, &action, NULL) == 0 &&
           setenv("SLUICE_CHANNEL", channel, 1) == 0;
}

/* This program ignores SIGPIPE, which a command would inherit. */
static int runner_set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    int error = posix_spawnattr_setsigdefault(attributes, &defaults);
    if (error == 0)
        error = posix_spawnattr_setpgroup(attributes, 0);
    if (error == 0)
        error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETPGROUP);
    return error;
}

static int runner_spawn(const struct runner *r, int input, pid_t *pid)
{
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, NULL, NULL};
    char *command = strdup(r->command);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (!command)
        return ENOMEM;
    argv[2] = command;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (error == 0)
        error = runner_set_attributes(&attributes);
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

/* Waits until the command ends or a stop signal comes, which is reported once.
 * SIGCHLD is blocked but in ppoll(), so that none is missed before it. */
static void runner_wait(bool *is_reported, const sigset_t *unblocked)
{
    struct pollfd stop = {.fd = *is_reported ? -1 : stop_signal_fd(),
                          .events = POLLIN};
    (void)ppoll(&stop, 1, NULL, unblocked);
    if (*is_reported || !stop_signal_came())
        return;
    *is_reported = true;
    complain(EXIT_DONE, "stopping as soon as the command has ended; a second "
                        "signal ends it");
}

/* The exit status of the command, as waitpid(2) has it. False, with errno. */
static bool runner_await(pid_t pid, int *status)
{
    sigset_t child, unblocked;
    bool is_reported = false;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &unblocked);
    pid_t ended;
    while ((ended = waitpid(pid, status, WNOHANG)) == 0)
        runner_wait(&is_reported, &unblocked);
    sigprocmask(SIG_SETMASK, &unblocked, NULL);
    return ended == pid;
}

bool runner_run(struct runner *r, struct sluice_bytes message)
{
    int input = message_file_new(message, r->has_newline);
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
    int status;
    stop_signal_take_along(pid);
    bool has_ended = runner_await(pid, &status);
    stop_signal_take_along(0);
    if (has_ended)
        runner_judge(r, status);
    return has_ended;
}

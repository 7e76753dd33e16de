/* SPDX-License-Identifier: MIT
 *
 * Input and output are files in memory, not pipes: whatever their length,
 * nothing has to be read or written while the command runs.
 */
#include "client/job.h"

#include "client/complain.h"
#include "client/message_file.h"
#include "client/stop_signal.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Room for channel, number and try, and the NULL behind them. */
enum { JOB_FACTS = 3 };

/* --- the environment ----------------------------------------------------- */

static char *job_variable(const char *name, const char *value, size_t length)
{
    char *text = NULL;
    if (asprintf(&text, "%s=%.*s", name, (int)length, value) < 0)
        return NULL;
    return text;
}

static char *job_number(const char *name, uint64_t number)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%" PRIu64, number);
    return job_variable(name, text, (size_t)length);
}

static char *job_header(const struct sluice_header *h)
{
    char name[80];
    snprintf(name, sizeof name, "SLUICE_H_%s", h->name);
    for (char *at = name; *at; at++)
        if (*at == '-' || *at == '.')
            *at = '_';
    return job_variable(name, h->value.data, h->value.length);
}

static void job_free_environment(char **all, size_t borrowed)
{
    for (size_t i = borrowed; all && all[i]; i++)
        free(all[i]);
    free(all);
}

/* Ours, then what describes the message, which is to be freed. A later variable
 * of the same name does not count: ours must not have one. */
static char **job_environment(const struct sluice_event *e, size_t *borrowed)
{
    size_t ours = 0, headers = 0, n = 0;
    while (environ[ours])
        ours++;
    while (e->headers[headers].name)
        headers++;
    char **all = calloc(ours + JOB_FACTS + headers + 1, sizeof *all);
    if (!all)
        return NULL;
    for (size_t i = 0; i < ours; i++)
        if (strncmp(environ[i], "SLUICE_H_", 9) != 0 &&
            strncmp(environ[i], "SLUICE_CHANNEL=", 15) != 0 &&
            strncmp(environ[i], "SLUICE_SEQ=", 11) != 0 &&
            strncmp(environ[i], "SLUICE_TRY=", 11) != 0)
            all[n++] = environ[i];
    *borrowed = n;
    all[n++] =
        job_variable("SLUICE_CHANNEL", e->channel.data, e->channel.length);
    if (e->seq > 0) {
        all[n++] = job_number("SLUICE_SEQ", e->seq);
        all[n++] = job_number("SLUICE_TRY", e->tries);
    }
    for (size_t i = 0; i < headers; i++)
        all[n++] = job_header(&e->headers[i]);
    for (size_t i = *borrowed; i < n; i++)
        if (!all[i]) {
            all[i] = NULL;
            job_free_environment(all, *borrowed);
            return NULL;
        }
    return all;
}

/* --- running ------------------------------------------------------------- */

/* This program ignores SIGPIPE, which a command would inherit. */
static int job_set_attributes(posix_spawnattr_t *attributes)
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

static int job_spawn(struct job *job, const char *command, int input,
                     char **environment)
{
    char *text = strdup(command);
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, text, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (!text)
        return ENOMEM;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (error == 0 && job->output >= 0)
        error = posix_spawn_file_actions_adddup2(&actions, job->output,
                                                 STDOUT_FILENO);
    if (error == 0)
        error = job_set_attributes(&attributes);
    if (error == 0)
        error = posix_spawn(&job->pid, "/bin/sh", &actions, &attributes, argv,
                            environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(text);
    return error;
}

static int job_run(struct job *job, const char *command,
                   const struct sluice_event *message, int input)
{
    size_t borrowed = 0;
    char **environment = job_environment(message, &borrowed);
    if (!environment)
        return ENOMEM;
    int error = job_spawn(job, command, input, environment);
    job_free_environment(environment, borrowed);
    if (error != 0)
        return error;
    job->fd = (int)syscall(SYS_pidfd_open, job->pid, 0);
    if (job->fd >= 0) {
        stop_signal_take_along(job->pid);
        return 0;
    }
    error = errno;
    kill(-job->pid, SIGKILL);
    waitpid(job->pid, NULL, 0);
    return error;
}

bool job_start(struct job *job, const struct job_plan *plan,
               const struct sluice_event *message)
{
    *job = (struct job){.fd = -1, .output = -1, .delivery = message->delivery};
    int input = message_file_new(message->body, plan->has_newline);
    int error = errno;
    if (input >= 0 && plan->keeps_output) {
        job->output = memfd_create("output", MFD_CLOEXEC);
        error = errno;
    }
    if (input >= 0 && (job->output >= 0 || !plan->keeps_output))
        error = job_run(job, plan->command, message, input);
    if (input >= 0)
        close(input);
    if (job->fd >= 0)
        return true;
    if (job->output >= 0)
        close(job->output);
    job->output = -1;
    errno = error;
    return false;
}

int job_end(struct job *job)
{
    int status = 0;
    pid_t ended;
    stop_signal_leave_behind(job->pid);
    do
        ended = waitpid(job->pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    close(job->fd);
    job->fd = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* --- reports ------------------------------------------------------------- */

void job_report_failure(uint64_t message, int status)
{
    bool is_signal = status < 0;
    complain(EXIT_FAILED,
             is_signal
                 ? "--exec: message %" PRIu64 ": signal %d ended the command"
                 : "--exec: message %" PRIu64 ": the command exited with %d",
             message, is_signal ? -status : status);
}

void job_report_stop(unsigned running)
{
    complain(EXIT_DONE,
             running == 1
                 ? "stopping as soon as the command has ended; a second signal "
                   "ends it"
                 : "stopping as soon as the commands have ended; a second "
                   "signal ends them");
}

/* --- output -------------------------------------------------------------- */

struct sluice_bytes job_take_output(struct job *job)
{
    struct stat about;
    char *text = NULL;
    size_t length = 0;
    if (fstat(job->output, &about) == 0)
        text = malloc((size_t)about.st_size + 1);
    while (text && length < (size_t)about.st_size) {
        ssize_t n = pread(job->output, text + length,
                          (size_t)about.st_size - length, (off_t)length);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    close(job->output);
    job->output = -1;
    return (struct sluice_bytes){text, length};
}

/* It was allocated here, and not as a constant. */
void job_free_output(struct sluice_bytes output)
{
    union {
        const void *in;
        void *out;
    } pointer = {.in = output.data};
    free(pointer.out);
}

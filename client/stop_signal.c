/* SPDX-License-Identifier: MIT
 *
 * The only global state of the program: a signal handler has no argument.
 */
#include "client/stop_signal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal_flag;
static volatile sig_atomic_t
    stop_signal_groups[STOP_SIGNAL_GROUPS_MAX]; /* pid_t; 0: none */
static int stop_signal_pipe[2] = {-1, -1};

/* The second signal: as if there were no handler, but with company. */
static void stop_signal_end(int number)
{
    for (int i = 0; i < STOP_SIGNAL_GROUPS_MAX; i++)
        if (stop_signal_groups[i] != 0)
            kill((pid_t)-stop_signal_groups[i], number);
    signal(number, SIG_DFL);
    raise(number);
}

static void stop_signal_on_signal(int number)
{
    int saved = errno;
    if (stop_signal_flag)
        stop_signal_end(number);
    stop_signal_flag = 1;
    ssize_t n = write(stop_signal_pipe[1], "", 1);
    (void)n; /* one byte into an empty pipe */
    errno = saved;
}

/* No SA_RESTART: a write() to a stalled reader must return, too. */
static bool stop_signal_handle(int flags)
{
    struct sigaction action = {.sa_handler = stop_signal_on_signal,
                               .sa_flags = flags};
    return sigaction(SIGINT, &action, NULL) == 0 &&
           sigaction(SIGTERM, &action, NULL) == 0;
}

bool stop_signal_init(void)
{
    return pipe2(stop_signal_pipe, O_CLOEXEC | O_NONBLOCK) == 0 &&
           stop_signal_handle((int)SA_RESETHAND);
}

/* Exchanges one group for another; false when there is no such group. */
static bool stop_signal_exchange(pid_t group, pid_t other)
{
    int i = 0;
    while (i < STOP_SIGNAL_GROUPS_MAX && stop_signal_groups[i] != group)
        i++;
    if (i == STOP_SIGNAL_GROUPS_MAX)
        return false;
    stop_signal_groups[i] = (sig_atomic_t)other;
    return true;
}

void stop_signal_take_along(pid_t group)
{
    if (stop_signal_exchange(0, group))
        (void)stop_signal_handle(0);
}

void stop_signal_leave_behind(pid_t group)
{
    (void)stop_signal_exchange(group, 0);
}

bool stop_signal_came(void)
{
    return stop_signal_flag != 0;
}

int stop_signal_fd(void)
{
    return stop_signal_pipe[0];
}

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
static int stop_signal_pipe[2] = {-1, -1};

static void stop_signal_on_signal(int number)
{
    (void)number;
    int saved = errno;
    stop_signal_flag = 1;
    ssize_t n = write(stop_signal_pipe[1], "", 1);
    (void)n; /* one byte into an empty pipe */
    errno = saved;
}

bool stop_signal_init(void)
{
    if (pipe2(stop_signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    /* No SA_RESTART: a write() to a stalled reader must return, too. */
    struct sigaction action = {.sa_handler = stop_signal_on_signal,
                               .sa_flags = (int)SA_RESETHAND};
    return sigaction(SIGINT, &action, NULL) == 0 &&
           sigaction(SIGTERM, &action, NULL) == 0;
}

bool stop_signal_came(void)
{
    return stop_signal_flag != 0;
}

int stop_signal_fd(void)
{
    return stop_signal_pipe[0];
}

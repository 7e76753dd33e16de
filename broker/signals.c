/* SPDX-License-Identifier: MIT */
#include "broker/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void set_mask(int how, int one, int other)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, one);
    sigaddset(&signals, other);
    (void)pthread_sigmask(how, &signals, NULL);
}

/* The kernel keeps signals that are blocked even if they are ignored, but
 * forgets them when that begins. */
void signals_hold(void)
{
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
    set_mask(SIG_BLOCK, SIGHUP, SIGUSR1);
}

void signals_ignore_stops(void)
{
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
}

void signals_release(void)
{
    set_mask(SIG_UNBLOCK, SIGHUP, SIGUSR1);
}

int signals_next_stop(void)
{
    sigset_t signals;
    set_mask(SIG_BLOCK, SIGTERM, SIGINT);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_end_stop(int file)
{
    struct signalfd_siginfo next;
    if (file < 0)
        return 0;
    int signo =
        read(file, &next, sizeof next) == sizeof next ? (int)next.ssi_signo : 0;
    close(file);
    return signo;
}

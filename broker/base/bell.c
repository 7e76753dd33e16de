/* SPDX-License-Identifier: MIT */
#include "broker/base/bell.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_US = 1000000 };

bool bell_open(struct bell *b)
{
    atomic_init(&b->is_armed, false);
    b->file = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return b->file >= 0;
}

void bell_close(struct bell *b)
{
    (void)close(b->file);
}

/* Exchanging, on both sides, orders what came before it: either the ringer sees
 * that the bell is armed, or the sleeper sees the work. */
void bell_ring(struct bell *b)
{
    const uint64_t one = 1;
    if (atomic_exchange(&b->is_armed, false) &&
        write(b->file, &one, sizeof one) < 0)
        return; /* it rings already */
}

void bell_arm(struct bell *b)
{
    (void)atomic_exchange(&b->is_armed, true);
}

void bell_wait(struct bell *b, uint64_t timeout_us)
{
    struct pollfd one = {.fd = b->file, .events = POLLIN};
    struct timespec timeout = {(time_t)(timeout_us / SECOND_US),
                               (long)(timeout_us % SECOND_US) * 1000};
    (void)ppoll(&one, 1, timeout_us == BELL_ENDLESS ? NULL : &timeout, NULL);
    bell_quiet(b);
}

void bell_quiet(struct bell *b)
{
    uint64_t count;
    atomic_store(&b->is_armed, false);
    if (read(b->file, &count, sizeof count) < 0)
        return; /* it did not ring */
}

/* SPDX-License-Identifier: MIT */
#include "client/opened.h"

#include "client/complain.h"
#include "client/stop_signal.h"

#include <poll.h>

enum { OPENED_FDS_MAX = 1024 };

static bool opened_may_retry(const struct outage *outage,
                             enum sluice_error error)
{
    return outage && error != SLUICE_UNSUPPORTED && error != SLUICE_REFUSED &&
           !stop_signal_came() && !outage_is_final(outage, error);
}

/* Only the first connection is begun again here: each attempt has a time limit
 * of its own, and what cannot succeed ends the command. */
enum sluice_error opened_reach(struct sluice *s, const struct target *target,
                               int timeout_ms, struct outage *outage)
{
    enum sluice_error error;
    bool may_retry;
    do {
        error = sluice_set_reconnect(s, false);
        if (error == SLUICE_OK)
            error = target_open(target, s, timeout_ms);
        if (error == SLUICE_OK)
            return sluice_set_reconnect(s, outage != NULL);
        may_retry = opened_may_retry(outage, error);
        if (may_retry)
            outage_on_lost(outage, sluice_error_detail(s));
    } while (may_retry && outage_pause(outage));
    return may_retry ? SLUICE_INTERRUPTED : error;
}

int opened_complain(const struct sluice *s, enum sluice_error error)
{
    return error == SLUICE_INTERRUPTED
               ? complain(EXIT_FAILED, "stopped before it was connected")
               : complain_unconnected(s, error);
}

bool opened_begin(struct sluice *s, const struct target *target, int timeout_ms,
                  struct outage *outage, int *status)
{
    enum sluice_error error = opened_reach(s, target, timeout_ms, outage);
    if (error != SLUICE_OK)
        *status = opened_complain(s, error);
    return error == SLUICE_OK;
}

/* Events that have arrived go before the signal and the descriptors. */
enum sluice_error opened_next(struct sluice *s, const struct sluice_event **e,
                              const int *fds, unsigned count, int timeout_ms,
                              bool is_stopping)
{
    enum sluice_error error = sluice_next(s, e, SLUICE_NO_WAIT);
    if (error != SLUICE_AGAIN)
        return error;
    struct pollfd waiting[2 + OPENED_FDS_MAX] = {
        {.fd = sluice_fd(s), .events = sluice_events(s)},
        {.fd = is_stopping ? -1 : stop_signal_fd(), .events = POLLIN},
    };
    count = count < OPENED_FDS_MAX ? count : OPENED_FDS_MAX;
    for (unsigned i = 0; i < count; i++)
        waiting[2 + i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    int wait_ms = sluice_wait_ms(s);
    if (timeout_ms >= 0 && (wait_ms < 0 || timeout_ms < wait_ms))
        wait_ms = timeout_ms;
    (void)poll(waiting, 2 + count,
               wait_ms); /* the caller looks at everything */
    return sluice_next(s, e, SLUICE_NO_WAIT);
}

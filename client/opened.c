/* SPDX-License-Identifier: MIT */
#include "client/opened.h"

#include "client/complain.h"
#include "client/stop_signal.h"

#include <poll.h>
#include <string.h>

enum { OPENED_FDS_MAX = 1024 };

bool opened_begin(struct sluice *s, const char *server, int timeout_ms,
                  bool reconnects, int *status)
{
    enum sluice_error error = sluice_set_reconnect(s, false);
    if (error == SLUICE_OK)
        error = sluice_open(s, server, timeout_ms);
    if (error == SLUICE_OK)
        error = sluice_set_reconnect(s, reconnects);
    if (error == SLUICE_OK)
        return true;
    *status = complain_unconnected(s, error);
    return false;
}

void opened_report(const struct sluice_event *e, const char *server,
                   bool reconnects)
{
    if (e->kind == SLUICE_EVENT_END && reconnects)
        complain(EXIT_DONE, "%s; trying again until it succeeds",
                 strcmp(e->reason, "bye") == 0 ? "the broker said goodbye"
                                               : "the connection broke");
    else if (e->kind == SLUICE_EVENT_OPEN)
        complain(EXIT_DONE, "connected again to %s", server);
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

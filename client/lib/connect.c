/* SPDX-License-Identifier: MIT */
#include "client/lib/secure.h"
#include "client/lib/transfer.h"

#include <errno.h>
#include <unistd.h>

/* So that a server that is not to be trusted is found by the call that
 * connects. */
static enum sluice_error connect_shake(struct sluice *s,
                                       sluice_deadline deadline)
{
    enum sluice_error error;
    while ((error = sluice_wire_shake(&s->wire, &s->failure)) == SLUICE_AGAIN) {
        error = sluice_transfer_await(
            s, sluice_wire_events(&s->wire, false), deadline,
            "the server did not complete the handshake of TLS in time");
        if (error == SLUICE_AGAIN)
            error = sluice_failure_set(&s->failure, SLUICE_TIMEOUT,
                                       "a handshake of TLS takes time");
        if (error != SLUICE_OK)
            break;
    }
    return error;
}

enum sluice_error sluice_connect(struct sluice *s, const char *address,
                                 int timeout_ms)
{
    sluice_handle_assert(s);
    if (sluice_handle_is_up(s))
        return sluice_handle_bad_state(s);
    sluice_handle_reset(s);
    sluice_deadline deadline = sluice_deadline_in(timeout_ms);
    int fd = -1;
    enum sluice_error error = sluice_dial(sluice_secure_address(address),
                                          deadline, s->room, &fd, &s->failure);
    if (error == SLUICE_OK)
        error = sluice_handle_start(s, fd);
    if (error == SLUICE_OK)
        error = sluice_secure_begin(s, address);
    if (error == SLUICE_OK)
        error = connect_shake(s, deadline);
    if (error != SLUICE_OK)
        sluice_handle_reset(s);
    return error;
}

enum sluice_error sluice_attach(struct sluice *s, int fd)
{
    sluice_handle_assert(s);
    if (sluice_handle_is_up(s)) {
        close(fd);
        return sluice_handle_bad_state(s);
    }
    sluice_handle_reset(s);
    if (!sluice_dial_prepare(fd)) {
        sluice_failure_set(&s->failure, SLUICE_UNREACHABLE,
                           "cannot use this descriptor: %s", strerror(errno));
        close(fd);
        return SLUICE_UNREACHABLE;
    }
    enum sluice_error error = sluice_handle_start(s, fd);
    if (error == SLUICE_OK)
        error = sluice_secure_begin(s, NULL);
    if (error != SLUICE_OK)
        sluice_handle_reset(s);
    return error;
}

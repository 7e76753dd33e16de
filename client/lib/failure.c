/* SPDX-License-Identifier: MIT */
#include "client/lib/failure.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const failure_texts[] = {
    [SLUICE_OK] = "success",
    [SLUICE_AGAIN] = "would have to wait",
    [SLUICE_TIMEOUT] = "timed out",
    [SLUICE_INTERRUPTED] = "interrupted by a signal",
    [SLUICE_BACKLOG] = "received messages must be taken first",
    [SLUICE_CLOSED] = "the broker closed the connection",
    [SLUICE_BROKEN] = "the connection broke",
    [SLUICE_UNRESOLVED] = "unknown host",
    [SLUICE_UNREACHABLE] = "the broker cannot be reached",
    [SLUICE_DENIED] = "no permission to use the broker's socket",
    [SLUICE_TOO_LONG] = "the message is too long",
    [SLUICE_BAD_ADDRESS] = "not an address",
    [SLUICE_BAD_CHANNEL] = "not a channel name",
    [SLUICE_BAD_STATE] = "not possible in this state of the connection",
    [SLUICE_NO_MEMORY] = "out of memory",
    [SLUICE_UNSUPPORTED] = "the broker does not speak version 2",
    [SLUICE_REFUSED] = "refused by the broker",
    [SLUICE_HELD] = "the broker holds this channel back",
    [SLUICE_GONE] = "it came on a connection that has ended",
    [SLUICE_BAD_HEADER] = "not a header, or too many",
    [SLUICE_BAD_OPTION] = "an option is out of range",
    [SLUICE_FOREIGN] = "the server is not a sluice broker",
    [SLUICE_UNTRUSTED] = "the broker could not prove who it is",
    [SLUICE_TLS] = "TLS has failed",
};

const char *sluice_error_text(enum sluice_error error)
{
    size_t i = (size_t)error;
    if (i >= sizeof failure_texts / sizeof *failure_texts)
        return "unknown error";
    return failure_texts[i];
}

enum sluice_error sluice_failure_set(struct sluice_failure *f,
                                     enum sluice_error error,
                                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->sentence, sizeof f->sentence, format, args);
    va_end(args);
    f->error = error;
    return error;
}

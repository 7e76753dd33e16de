/* SPDX-License-Identifier: MIT */
#include "client/complain.h"

#include <stdarg.h>
#include <stdio.h>

int complain(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("sluice: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

static const char *complain_advice(enum sluice_error error)
{
    switch (error) {
    case SLUICE_UNREACHABLE:
        return "; is sluiced running? Start it, or name another broker with "
               "--server or $SLUICE_SERVER";
    case SLUICE_TIMEOUT:
        return "; check --server or $SLUICE_SERVER, or raise --timeout";
    case SLUICE_UNRESOLVED:
        return "; check --server or $SLUICE_SERVER";
    default:
        return "";
    }
}

int complain_unconnected(const struct sluice *s, enum sluice_error error,
                         const char *server)
{
    if (error == SLUICE_BAD_ADDRESS)
        return complain(EXIT_USAGE,
                        "--server (or $SLUICE_SERVER) takes host:port, "
                        "[v6]:port or unix:PATH, not '%.255s'",
                        server);
    return complain(EXIT_FAILED, "%s%s", sluice_error_detail(s),
                    complain_advice(error));
}

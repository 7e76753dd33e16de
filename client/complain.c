/* SPDX-License-Identifier: MIT */
#include "client/complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* What the user can do; NULL when the sentence already says so. */
static const char *const complain_advice[] = {
    [SLUICE_UNREACHABLE] =
        ("is sluiced running? Start it, or name another broker with --server "
         "or $SLUICE_SERVER"),
    [SLUICE_TIMEOUT] = "check --server or $SLUICE_SERVER, or raise --timeout",
    [SLUICE_UNRESOLVED] = "check --server or $SLUICE_SERVER",
    [SLUICE_UNSUPPORTED] = "this needs a newer sluiced",
    [SLUICE_UNTRUSTED] = "see --tls-ca, --tls-name and --tls-pin",
    [SLUICE_TLS] = NULL, /* the last */
};

int complain_failed(enum sluice_error error, const char *sentence)
{
    const char *advice =
        error == SLUICE_UNTRUSTED ? complain_advice[error] : NULL;
    return complain(EXIT_FAILED, "%s%s%s", sentence, advice ? "; " : "",
                    advice ? advice : "");
}

int complain_misused_http(enum sluice_error error, const char *sentence)
{
    return complain(EXIT_USAGE, "%s%s",
                    error == SLUICE_BAD_ADDRESS ? "--http: " : "", sentence);
}

int complain_unconnected(const struct sluice *s, enum sluice_error error)
{
    if (error == SLUICE_BAD_ADDRESS)
        return complain(EXIT_USAGE, "--server (or $SLUICE_SERVER): %s",
                        sluice_error_detail(s));
    if (error == SLUICE_BAD_OPTION)
        return complain(EXIT_USAGE, "%s", sluice_error_detail(s));
    const char *advice = complain_advice[error];
    if (error == SLUICE_REFUSED && strcmp(sluice_error_code(s), "auth") == 0)
        advice = COMPLAIN_DEMANDS ", with its right secret";
    return complain(EXIT_FAILED, "%s%s%s", sluice_error_detail(s),
                    advice ? "; " : "", advice ? advice : "");
}

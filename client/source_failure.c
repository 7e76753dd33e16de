/* SPDX-License-Identifier: MIT */
#include "client/source_failure.h"

#include "client/complain.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int source_failure_complain(const struct source *source, int error,
                            uint64_t sent, uint64_t longest)
{
    if (error == EMSGSIZE)
        return complain(EXIT_FAILED,
                        "message %" PRIu64 " is longer than the %" PRIu64
                        " bytes of --max-frame; messages sent: %" PRIu64,
                        sent + 1, longest, sent);
    return complain(EXIT_FAILED,
                    "cannot read %.255s: %s; messages sent: %" PRIu64,
                    source->name, strerror(error), sent);
}

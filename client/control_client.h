/* SPDX-License-Identifier: MIT
 *
 * control_client - asks the broker's control socket, HTTP on a unix socket of
 * the same machine, one request at a time.
 */
#ifndef SLUICE_CLIENT_CONTROL_CLIENT_H
#define SLUICE_CLIENT_CONTROL_CLIENT_H

#include "client/cli_option.h"
#include "client/sluice.h"
#include "common/percent.h"

#include <stddef.h>
#include <sys/un.h>

/* The options of the commands that use it. */
struct control_options {
    const char *server, *control; /* control: NULL when not given */
    struct cli_option_number timeout_ms;
};

/* Rows of a table of options; `at` is the offset of a control_options in the
 * command's struct. */
#define CONTROL_OPTION_SERVER(at)                                              \
    {                                                                          \
        "server", CLI_OPTION_TEXT,                                             \
            (at) + offsetof(struct control_options, server), "ADDR",           \
            SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,                      \
            "the broker: host:port, [v6]:port or unix:PATH, of this machine"   \
    }
#define CONTROL_OPTION_CONTROL(at)                                             \
    {                                                                          \
        "control", CLI_OPTION_TEXT,                                            \
            (at) + offsetof(struct control_options, control), "ADDR", NULL,    \
            NULL, 0, 0,                                                        \
            "its control socket, unix:PATH, where --server does not lead to "  \
            "it"                                                               \
    }
#define CONTROL_OPTION_TIMEOUT(at)                                             \
    {                                                                          \
        "timeout", CLI_OPTION_DURATION,                                        \
            (at) + offsetof(struct control_options, timeout_ms), "TIME", "5s", \
            NULL, 1, 86400000, "how long an answer may take"                   \
    }

/* Room for a channel's name in a request's target. */
enum { CONTROL_NAME_BYTES = PERCENT_BYTES * SLUICE_CHANNEL_MAX + 1 };

struct control_client {
    struct sockaddr_un at;
    int timeout_ms;
};

struct control_answer {
    char *body; /* owned, with a NUL behind it */
    size_t length;
};

/* Finds the socket. Returns EXIT_DONE, or another status when an error has been
 * printed. */
int control_client_find(struct control_client *c,
                        const struct control_options *options);

/* Asks, and waits for the answer. Returns EXIT_DONE, with a body for the caller
 * to free, or another status when an error has been printed. */
int control_client_ask(const struct control_client *c, const char *method,
                       const char *target, struct control_answer *answer);

/* Writes a channel's name as the value of a parameter. */
void control_client_encode(const char *channel, char out[CONTROL_NAME_BYTES]);

#endif

/* SPDX-License-Identifier: MIT
 *
 * sluice request - asks a question on a channel, and prints the first reply.
 */
#include "client/channel_hint.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/headers.h"
#include "client/opened.h"
#include "client/print_options.h"
#include "client/source_failure.h"
#include "client/target.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_TOKEN = 1, REQUEST_GRACE_MS = 5000 };

struct request_options {
    struct target target;
    struct cli_option_number timeout_ms;
    struct cli_option_texts headers;
    struct print_options print;
};

#define REQUEST_VALUE(field) offsetof(struct request_options, field)

static const struct cli_option request_options[] = {
    TARGET_SERVER(REQUEST_VALUE(target)),
    {"timeout", CLI_OPTION_DURATION, REQUEST_VALUE(timeout_ms), "TIME", "5s",
     NULL, 1, 3600000, "how long to wait for the reply"},
    HEADERS_OPTION(REQUEST_VALUE(headers)),
    PRINT_OPTIONS_RAW(REQUEST_VALUE(print)),
    TARGET_TLS(REQUEST_VALUE(target)),
    TARGET_LOGIN(REQUEST_VALUE(target)),
    {.name = NULL},
};

struct request {
    struct request_options options;
    struct headers headers;
    struct sluice *s;
    struct sluice_bytes channel, body;
    struct source *input; /* NULL: the body is an argument, or empty */
    struct printer printer;
};

/* The broker ends a request in time; the grace is for a broker that does not
 * answer at all. */
static enum sluice_error request_ask(struct request *r,
                                     const struct sluice_event **e)
{
    int timeout_ms = (int)r->options.timeout_ms.value;
    enum sluice_error error =
        sluice_request(r->s, r->channel, r->body, r->headers.list, timeout_ms,
                       REQUEST_TOKEN, timeout_ms);
    return error == SLUICE_OK ? sluice_await(r->s, REQUEST_TOKEN, e,
                                             timeout_ms + REQUEST_GRACE_MS)
                              : error;
}

static int request_refused(const struct request *r,
                           const struct sluice_event *e)
{
    const char *channel = r->channel.data;
    if (strcmp(e->reason, "no-responder") == 0)
        return complain(EXIT_FAILED,
                        "nothing on %s replies to requests; is its 'sluice"
                        " reply' running?",
                        channel);
    if (strcmp(e->reason, "timeout") == 0)
        return complain(EXIT_FAILED,
                        "no reply from %s in time; raise --timeout", channel);
    if (strcmp(e->reason, "unknown") == 0 || strcmp(e->reason, "not-done") == 0)
        return complain(EXIT_FAILED, "the connection ended before the reply");
    return complain(EXIT_FAILED, "the request was refused: %s (%.*s)",
                    e->reason, (int)e->body.length, (const char *)e->body.data);
}

static int request_run_on(struct request *r)
{
    int status;
    const struct sluice_event *e;
    if (!opened_begin(r->s, &r->options.target,
                      (int)r->options.timeout_ms.value, NULL, &status))
        return status;
    if (request_ask(r, &e) != SLUICE_OK)
        return complain(EXIT_FAILED, "%s", sluice_error_detail(r->s));
    if (e->kind != SLUICE_EVENT_REPLY)
        return request_refused(r, e);
    if (!printer_put(&r->printer, e->body) || !printer_flush(&r->printer))
        return complain(EXIT_FAILED, "cannot write to standard output: %s",
                        strerror(errno));
    return EXIT_DONE;
}

/* All of standard input, however slowly it comes. */
static enum source_result request_read_input(struct request *r)
{
    enum source_result result;
    while ((result = source_next(r->input, &r->body)) == SOURCE_WAIT) {
        struct pollfd input = {.fd = r->input->fd, .events = POLLIN};
        (void)poll(&input, 1, -1);
    }
    return result;
}

/* A single dash is standard input; its message stays until the source is
 * freed. False, with an error printed, when it cannot be read. */
static bool request_read_body(struct request *r, int argc, char **argv)
{
    static const char *const input[] = {"-"};
    if (argc < 3)
        return true;
    r->body = sluice_text(argv[2]);
    if (strcmp(argv[2], *input) != 0)
        return true;
    r->input = source_files_new(1, input, SLUICE_MESSAGE_MAX);
    if (!r->input)
        (void)complain(EXIT_FAILED, "out of memory");
    else if (request_read_input(r) == SOURCE_MESSAGE)
        return true;
    else
        (void)source_failure_complain(r->input, errno, 0, SLUICE_MESSAGE_MAX);
    return false;
}

static int request_start(struct request *r, int argc, char **argv)
{
    r->channel = sluice_text(argv[1]);
    print_options_apply(&r->options.print, &r->printer, argv[1]);
    r->printer.is_document = true;
    r->s = sluice_new();
    if (!r->s)
        return complain(EXIT_FAILED, "out of memory");
    return request_read_body(r, argc, argv) ? request_run_on(r) : EXIT_FAILED;
}

/* False, with *status, when the command line is wrong. */
static bool request_parse(struct request *r, int *argc, char **argv,
                          int *status)
{
    struct sentence why;
    if (!command_parse(&command_request, &r->options, argc, argv, status) ||
        !command_has_channel(&command_request, *argc, argv, status))
        return false;
    const char *wrong = NULL;
    if (*argc > 3)
        wrong = "one MESSAGE is a request; quote its words";
    else if (!headers_read(&r->headers, &r->options.headers, &why))
        wrong = why.text;
    if (wrong)
        *status = command_misused(&command_request, wrong);
    return !wrong;
}

static int request_run(int argc, char **argv)
{
    struct request *r = calloc(1, sizeof *r);
    int status;
    if (!r)
        return complain(EXIT_FAILED, "out of memory");
    if (request_parse(r, &argc, argv, &status)) {
        channel_hint_print(argv[1], CHANNEL_PUBLISH);
        status = request_start(r, argc, argv);
    }
    sluice_free(r->s);
    source_free(r->input);
    free(r);
    return status;
}

const struct command command_request = {
    .name = "request",
    .arguments = "CHANNEL [MESSAGE]",
    .summary = "Ask a question, print the reply",
    .details =
        "Sends MESSAGE, which may be left out, and prints the first reply,\n"
        "with a newline if it does not end with one. A MESSAGE that is a\n"
        "single dash is all of standard input. When nothing replies, it says\n"
        "so and exits with 1.\n"
        "\n"
        "  sluice request /svc/time noon --timeout 2s\n",
    .options = request_options,
    .run = request_run,
};

/* SPDX-License-Identifier: MIT
 *
 * sluice peek - prints the messages that wait in a channel, and leaves them
 * there.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/control_client.h"
#include "client/print_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PEEK_MOST = 1000 };

struct peek_options {
    struct control_options control;
    struct cli_option_number count;
    struct print_options print;
};

#define PEEK_VALUE(field) offsetof(struct peek_options, field)

static const struct cli_option peek_options[] = {
    CONTROL_OPTION_SERVER(PEEK_VALUE(control)),
    {"count", CLI_OPTION_COUNT, PEEK_VALUE(count), "N", "10", NULL, 1,
     PEEK_MOST, "print at most N messages, the oldest first"},
    PRINT_OPTIONS_FORMAT(PEEK_VALUE(print)),
    PRINT_OPTIONS_RAW(PEEK_VALUE(print)),
    {"timestamps", CLI_OPTION_FLAG,
     PEEK_VALUE(print) + offsetof(struct print_options, has_times), NULL, NULL,
     NULL, 0, 0,
     "print when it arrived before each line of text; JSON always has it"},
    CONTROL_OPTION_CONTROL(PEEK_VALUE(control)),
    CONTROL_OPTION_TIMEOUT(PEEK_VALUE(control)),
    {.name = NULL},
};

struct peeker {
    struct peek_options options;
    struct printer printer;
    const char *at; /* in the answer */
    size_t left;
    uint64_t shown, cut; /* messages; those of which only a part came */
    uint64_t waiting;
};

/* Takes the line that the answer goes on with; false when it has none. */
static bool peeker_take_line(struct peeker *p, char *out, size_t room)
{
    const char *end = p->left > 0 ? memchr(p->at, '\n', p->left) : NULL;
    size_t n = end ? (size_t)(end - p->at) : 0;
    if (!end || n >= room)
        return false;
    memcpy(out, p->at, n);
    out[n] = '\0';
    p->at += n + 1;
    p->left -= n + 1;
    return true;
}

static bool peeker_print(struct peeker *p, const char *head)
{
    uint64_t age_ms, bytes;
    size_t shown;
    if (sscanf(head, "message %" SCNu64 " %" SCNu64 " %zu", &age_ms, &bytes,
               &shown) != 3 ||
        shown >= p->left || p->at[shown] != '\n')
        return false;
    p->printer.age_ms = age_ms;
    p->shown++;
    p->cut += shown < bytes;
    bool ok = printer_put(&p->printer, (struct sluice_bytes){p->at, shown});
    p->at += shown + 1;
    p->left -= shown + 1;
    return ok;
}

/* Prints every message. False when the answer is not one, or, with errno, when
 * the output cannot be written. */
static bool peeker_print_all(struct peeker *p)
{
    char line[128];
    errno = 0;
    while (peeker_take_line(p, line, sizeof line)) {
        if (sscanf(line, "waiting %" SCNu64, &p->waiting) == 1)
            return printer_flush(&p->printer);
        if (!peeker_print(p, line))
            return false;
    }
    return false;
}

/* Says what a reader would otherwise not know. */
static void peeker_report(const struct peeker *p, const char *channel)
{
    if (p->waiting == 0)
        complain(EXIT_DONE, "nothing waits in %s", channel);
    if (p->cut > 0)
        complain(EXIT_DONE, "the message is longer; only its beginning is "
                            "shown");
    else if (p->shown < p->waiting && p->shown < p->options.count.value)
        complain(EXIT_DONE,
                 "%" PRIu64 " of %" PRIu64 " messages; more are too long to be "
                 "shown at once",
                 p->shown, p->waiting);
}

static int peeker_peek(struct peeker *p, const char *channel)
{
    struct control_client client;
    struct control_answer answer;
    char name[CONTROL_NAME_BYTES], target[sizeof name + 64];
    int status = control_client_find(&client, &p->options.control);
    if (status != EXIT_DONE)
        return status;
    control_client_encode(channel, name);
    snprintf(target, sizeof target, "/messages?channel=%s&n=%" PRIu64, name,
             p->options.count.value);
    status = control_client_ask(&client, "GET", target, &answer);
    if (status != EXIT_DONE)
        return status;
    print_options_apply(&p->options.print, &p->printer, channel);
    p->at = answer.body;
    p->left = answer.length;
    if (peeker_print_all(p))
        peeker_report(p, channel);
    else
        status = complain(EXIT_FAILED, "cannot print the messages: %s",
                          errno ? strerror(errno) : "the answer is cut");
    free(answer.body);
    return status;
}

static int peek_run(int argc, char **argv)
{
    struct peeker *p = calloc(1, sizeof *p);
    if (!p)
        return complain(EXIT_FAILED, "out of memory");
    int status;
    if (command_parse(&command_peek, &p->options, &argc, argv, &status) &&
        command_has_channel(&command_peek, argc, argv, &status)) {
        const char *wrong = argc > 2 ? "one CHANNEL is enough"
                                     : print_options_wrong(&p->options.print);
        status = wrong ? command_misused(&command_peek, wrong)
                       : peeker_peek(p, argv[1]);
    }
    free(p);
    return status;
}

const struct command command_peek = {
    .name = "peek",
    .arguments = "CHANNEL",
    .summary = "Print the messages that wait in a queue, and leave them there",
    .details =
        "Prints the messages of a queue that no consumer has been given yet,\n"
        "or those that a topic keeps for its next subscriber, the oldest\n"
        "first. The broker logs who looked. It must run on this machine.\n"
        "\n"
        "  sluice peek /queue/jobs --count 3\n",
    .options = peek_options,
    .run = peek_run,
};

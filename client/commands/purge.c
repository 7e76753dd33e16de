/* SPDX-License-Identifier: MIT
 *
 * sluice purge - drops the messages that wait in a channel.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/control_client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct purge_options {
    struct control_options control;
    bool is_sure;
};

#define PURGE_VALUE(field) offsetof(struct purge_options, field)

static const struct cli_option purge_options[] = {
    CONTROL_OPTION_SERVER(PURGE_VALUE(control)),
    {"yes", CLI_OPTION_FLAG, PURGE_VALUE(is_sure), NULL, NULL, NULL, 0, 0,
     "do not ask"},
    CONTROL_OPTION_CONTROL(PURGE_VALUE(control)),
    CONTROL_OPTION_TIMEOUT(PURGE_VALUE(control)),
    {.name = NULL},
};

struct purger {
    struct purge_options options;
    struct control_client client;
    const char *channel;
    char name[CONTROL_NAME_BYTES]; /* the same, for a target */
};

static int purge_unreadable(void)
{
    return complain(EXIT_FAILED, "the broker's answer cannot be read; is it of "
                                 "another version?");
}

static int purger_count(const struct purger *p, uint64_t *waiting)
{
    char target[CONTROL_NAME_BYTES + 64];
    struct control_answer answer;
    snprintf(target, sizeof target, "/messages?channel=%s&n=1", p->name);
    int status = control_client_ask(&p->client, "GET", target, &answer);
    if (status != EXIT_DONE)
        return status;
    /* It is the last line, behind a message of any bytes. */
    const char *line = answer.length > 0
                           ? memrchr(answer.body, '\n', answer.length - 1)
                           : NULL;
    line = line ? line + 1 : answer.body;
    if (sscanf(line, "waiting %" SCNu64, waiting) != 1)
        status = purge_unreadable();
    free(answer.body);
    return status;
}

/* The answer is on a terminal: whatever else is there is not meant for it. */
static bool purge_is_confirmed(void)
{
    char line[16];
    return fgets(line, sizeof line, stdin) && (*line == 'y' || *line == 'Y');
}

static int purger_ask(const struct purger *p, bool *is_sure)
{
    uint64_t waiting;
    if (!isatty(STDIN_FILENO))
        return command_misused(
            &command_purge,
            "there is no terminal to ask at; to purge without, use --yes");
    int status = purger_count(p, &waiting);
    if (status != EXIT_DONE)
        return status;
    fprintf(stderr, "Drop the %" PRIu64 " messages that wait in %s? [y/N] ",
            waiting, p->channel);
    *is_sure = purge_is_confirmed();
    if (!*is_sure)
        complain(EXIT_DONE, "nothing was dropped");
    return EXIT_DONE;
}

/* One request, which drops a part. */
static int purger_drop(const struct purger *p, uint64_t *dropped,
                       uint64_t *left)
{
    char target[CONTROL_NAME_BYTES + 64];
    struct control_answer answer;
    snprintf(target, sizeof target, "/purge?channel=%s", p->name);
    int status = control_client_ask(&p->client, "POST", target, &answer);
    if (status != EXIT_DONE)
        return status;
    const char *row = strchr(answer.body, '\n');
    if (!row || sscanf(row, "%" SCNu64 "\t%*u\t%" SCNu64, dropped, left) != 2)
        status = purge_unreadable();
    free(answer.body);
    return status;
}

/* As many as waited when it began: publishers may be faster than this. */
static int purger_drop_all(const struct purger *p)
{
    uint64_t all = UINT64_MAX, sum = 0, dropped = 1, left = 1;
    while (dropped > 0 && left > 0 && sum < all) {
        int status = purger_drop(p, &dropped, &left);
        if (status != EXIT_DONE)
            return status;
        if (all == UINT64_MAX)
            all = dropped + left;
        sum += dropped;
    }
    printf("%" PRIu64 " messages dropped\n", sum);
    return EXIT_DONE;
}

static int purger_purge(struct purger *p)
{
    bool is_sure = p->options.is_sure;
    int status = control_client_find(&p->client, &p->options.control);
    control_client_encode(p->channel, p->name);
    if (status == EXIT_DONE && !is_sure)
        status = purger_ask(p, &is_sure);
    return status == EXIT_DONE && is_sure ? purger_drop_all(p) : status;
}

static int purge_run(int argc, char **argv)
{
    struct purger p = {.channel = NULL};
    int status;
    if (!command_parse(&command_purge, &p.options, &argc, argv, &status) ||
        !command_has_channel(&command_purge, argc, argv, &status))
        return status;
    if (argc > 2)
        return command_misused(&command_purge, "one CHANNEL at a time");
    p.channel = argv[1];
    return purger_purge(&p);
}

const struct command command_purge = {
    .name = "purge",
    .arguments = "CHANNEL",
    .summary = "Drop the messages that wait in a queue",
    .details =
        "Drops the messages of a queue that no consumer has been given yet,\n"
        "or those that a topic keeps for its next subscriber. On a terminal "
        "it\n"
        "asks first. The broker counts them as purged and logs who did it. It\n"
        "must run on this machine.\n"
        "\n"
        "  sluice purge /queue/jobs --yes\n",
    .options = purge_options,
    .run = purge_run,
};

/* SPDX-License-Identifier: MIT
 *
 * sluice tap - prints the messages of a channel without consuming them: the
 * broker sends a copy of each to those that subscribe to it at its feed.
 */
#include "client/channel_hint.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/monitor/report.h"
#include "client/monitor/watcher.h"
#include "client/print_options.h"
#include "client/stop_signal.h"
#include "common/percent.h"
#include "proto/head.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct tap_options {
    struct watcher_options watcher;
    struct cli_option_number count;
    struct print_options print;
    bool has_headers;
};

#define TAP_VALUE(field) offsetof(struct tap_options, field)

static const struct cli_option tap_options[] = {
    WATCHER_OPTION_SERVER(TAP_VALUE(watcher)),
    WATCHER_OPTION_MONITOR(TAP_VALUE(watcher)),
    WATCHER_OPTION_SERVER_KEY(TAP_VALUE(watcher)),
    WATCHER_OPTION_KEY(TAP_VALUE(watcher)),
    {"count", CLI_OPTION_COUNT, TAP_VALUE(count), "N", NULL, NULL, 1, 0,
     "stop after N messages"},
    PRINT_OPTIONS_FORMAT(TAP_VALUE(print)),
    PRINT_OPTIONS_RAW(TAP_VALUE(print)),
    PRINT_OPTIONS_TIMES(TAP_VALUE(print)),
    {"headers", CLI_OPTION_FLAG, TAP_VALUE(has_headers), NULL, NULL, NULL, 0, 0,
     "print headers before each line of text; JSON always has them"},
    {.name = NULL},
};

/* The prefix of a channel's topic at the feed; the channel's name follows,
 * encoded. */
#define TAPPER_PREFIX "tap."

enum { TAPPER_VALUES = 4096 }; /* of a head, no longer */

struct tapper {
    struct tap_options options;
    struct watcher watcher;
    struct printer printer;
    struct sluice_header headers[SLUICE_HEADERS_MAX + 1]; /* of a message */
    uint8_t values[TAPPER_VALUES];
    char topic[sizeof TAPPER_PREFIX + PERCENT_BYTES * SLUICE_CHANNEL_MAX];
    uint64_t taken;
};

/* A subscription is to all topics that begin so: that to /a brings /ab, too. */
static bool tapper_is_mine(const struct tapper *t,
                           const struct receiver_message *m)
{
    return m->parts >= 2 && m->part[0].length == strlen(t->topic) &&
           memcmp(m->part[0].data, t->topic, m->part[0].length) == 0;
}

static void tapper_tell_missed(const json_t *document)
{
    double missed = report_number(document, "missed");
    if (missed >= 1)
        complain(EXIT_DONE,
                 "%.0f messages were left out (see sluiced "
                 "--tap-rate)",
                 missed);
}

static bool tapper_is_over(const struct tapper *t)
{
    return stop_signal_came() ||
           (t->options.count.is_given && t->taken == t->options.count.value);
}

/* The headers of the message, which lie in the document and in `values`; those
 * that cannot be headers are left out. */
static void tapper_read_headers(struct tapper *t, json_t *document)
{
    const char *name;
    json_t *value;
    size_t count = 0, used = 0, length;
    json_object_foreach(json_object_get(document, "headers"), name, value)
    {
        if (count == SLUICE_HEADERS_MAX || !head_is_header(span_of(name)) ||
            !json_is_string(value) ||
            !percent_decode(json_string_value(value), json_string_length(value),
                            t->values + used, sizeof t->values - used, &length))
            continue;
        t->headers[count++] =
            (struct sluice_header){name, {t->values + used, length}};
        used += length;
    }
    t->headers[count] = (struct sluice_header){.name = NULL};
}

static bool tapper_print(struct tapper *t, const struct receiver_part *body,
                         json_t *document)
{
    tapper_read_headers(t, document);
    t->printer.headers = t->headers;
    t->taken++;
    return printer_put(&t->printer,
                       (struct sluice_bytes){body->data, body->length});
}

/* False, with errno, when the output cannot be written. */
static bool tapper_take(struct tapper *t, const struct receiver_message *m)
{
    if (!tapper_is_mine(t, m))
        return true;
    const struct receiver_part *head = &m->part[1];
    json_t *document = json_loadb(head->data, head->length, 0, NULL);
    tapper_tell_missed(document);
    bool is_written = m->parts < 3 || tapper_print(t, &m->part[2], document);
    json_decref(document);
    return is_written;
}

static int tapper_run(struct tapper *t)
{
    watcher_subscribe(&t->watcher, t->topic);
    /* Not printed, but they show that the broker answers. */
    watcher_subscribe(&t->watcher, report_topic(REPORT_STATS));
    while (!tapper_is_over(t)) {
        struct receiver_message message;
        bool is_written = true;
        while (is_written && !tapper_is_over(t) &&
               watcher_receive(&t->watcher, &message))
            is_written = tapper_take(t, &message);
        if (!is_written || !printer_flush(&t->printer))
            return complain(EXIT_FAILED, "cannot write to standard output: %s",
                            strerror(errno));
        if (!tapper_is_over(t))
            watcher_wait(&t->watcher, -1, SLUICE_DEADLINE_NEVER);
    }
    return EXIT_DONE;
}

static int tapper_tap(struct tapper *t, const char *channel)
{
    size_t prefix = strlen(TAPPER_PREFIX);
    memcpy(t->topic, TAPPER_PREFIX, prefix);
    percent_encode((const uint8_t *)channel, strlen(channel), t->topic + prefix,
                   sizeof t->topic - prefix);
    print_options_apply(&t->options.print, &t->printer, channel);
    t->printer.has_headers = t->options.has_headers;
    if (!stop_signal_init())
        return complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    channel_hint_print(channel, CHANNEL_SUBSCRIBE);
    int status = watcher_open(&t->watcher, &t->options.watcher);
    if (status == EXIT_DONE)
        status = tapper_run(t);
    watcher_close(&t->watcher);
    return status;
}

static bool tap_check(const struct tap_options *o, int argc, int *status)
{
    const char *wrong = print_options_wrong(&o->print);
    bool is_raw = o->print.is_raw || o->print.format == PRINTER_RAW;
    if (!wrong && is_raw && o->has_headers)
        wrong = "--raw prints bytes alone; leave out --headers";
    if (!wrong)
        wrong = watcher_options_wrong(&o->watcher);
    if (argc > 2)
        wrong = "one CHANNEL is enough; start one tap per channel";
    if (wrong)
        *status = command_misused(&command_tap, wrong);
    return !wrong;
}

static int tap_run(int argc, char **argv)
{
    struct tapper *t = calloc(1, sizeof *t);
    if (!t)
        return complain(EXIT_FAILED, "out of memory");
    int status;
    if (command_parse(&command_tap, &t->options, &argc, argv, &status) &&
        command_has_channel(&command_tap, argc, argv, &status) &&
        tap_check(&t->options, argc, &status))
        status = tapper_tap(t, argv[1]);
    free(t);
    return status;
}

const struct command command_tap = {
    .name = "tap",
    .arguments = "CHANNEL",
    .summary = "See a channel's messages without consuming them",
    .details =
        "Prints a copy of each message that is routed to CHANNEL, a queue or\n"
        "a topic. Its subscribers and consumers still get it. The broker "
        "sends\n"
        "at most its --tap-rate copies a second; how many were left out is\n"
        "reported on standard error. A broker on another machine must run "
        "with\n"
        "--monitor-bind.\n"
        "\n"
        "  sluice tap /queue/jobs --count 10\n",
    .options = tap_options,
    .run = tap_run,
};

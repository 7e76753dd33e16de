/* SPDX-License-Identifier: MIT
 *
 * sluice top - a broker at a glance, in a terminal or as text.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/monitor/watcher.h"
#include "client/stop_signal.h"
#include "client/top/model.h"
#include "client/top/plain.h"
#include "client/top/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TOP_BEAT_MS = 1000,   /* the screen is drawn at least this often */
    TOP_REPORTS_MAX = 100 /* taken at once */
};

struct top_options {
    struct watcher_options watcher;
    struct cli_option_number timeout_ms;
    bool is_once, is_json;
};

#define TOP_VALUE(field) offsetof(struct top_options, field)

static const struct cli_option top_options[] = {
    WATCHER_OPTION_SERVER(TOP_VALUE(watcher)),
    WATCHER_OPTION_HTTP(TOP_VALUE(watcher)),
    WATCHER_OPTION_MONITOR(TOP_VALUE(watcher)),
    WATCHER_OPTION_SERVER_KEY(TOP_VALUE(watcher)),
    WATCHER_OPTION_KEY(TOP_VALUE(watcher)),
    {"once", CLI_OPTION_FLAG, TOP_VALUE(is_once), NULL, NULL, NULL, 0, 0,
     "print everything once, as text, and exit"},
    {"json", CLI_OPTION_FLAG, TOP_VALUE(is_json), NULL, NULL, NULL, 0, 0,
     "print one JSON object per interval; with --once, one"},
    {"timeout", CLI_OPTION_DURATION, TOP_VALUE(timeout_ms), "TIME", "10s", NULL,
     1, 86400000, "how long --once may wait for the broker"},
    WATCHER_OPTION_TARGET(TOP_VALUE(watcher)),
    {.name = NULL},
};

struct top {
    struct top_options options;
    struct watcher watcher;
    struct model model;
};

static void top_subscribe(struct top *t)
{
    for (enum report_kind kind = 0; kind < REPORT_KINDS; kind++)
        if (kind != REPORT_EVENT)
            watcher_subscribe(&t->watcher, report_topic(kind));
}

/* Takes the reports that have come. False when there may be more: a feed that
 * never pauses must not keep us from our deadlines, signals and keys. */
static bool top_receive(struct top *t)
{
    for (int i = 0; i < TOP_REPORTS_MAX; i++) {
        struct receiver_message message;
        struct report report;
        if (!watcher_receive(&t->watcher, &message))
            return true;
        if (!report_read(&report, &message))
            continue;
        model_take(&t->model, &report);
        report_fini(&report);
    }
    return false;
}

/* --- text ---------------------------------------------------------------- */

/* Rates need two documents; JSON has none. */
static int top_print_once(struct top *t)
{
    size_t rounds = t->options.is_json ? 1 : 2;
    int64_t due_ms = sluice_deadline_in((int)t->options.timeout_ms.value);
    t->watcher.told_at = -1; /* it is reported at the end */
    for (;;) {
        bool is_all = top_receive(t);
        if (model_rounds(&t->model) >= rounds)
            break;
        if (stop_signal_came())
            return EXIT_FAILED;
        if (sluice_deadline_left(due_ms) == 0 || watcher_is_over(&t->watcher))
            return watcher_complain(&t->watcher);
        if (is_all)
            watcher_wait(&t->watcher, -1, due_ms);
    }
    if (t->options.is_json)
        plain_print_json(&t->model, stdout);
    else
        plain_print(&t->model, stdout);
    return EXIT_DONE;
}

static int top_print_on(struct top *t)
{
    size_t printed = 0;
    while (!stop_signal_came()) {
        bool is_all = top_receive(t);
        if (model_rounds(&t->model) > printed) {
            printed = model_rounds(&t->model);
            plain_print_json(&t->model, stdout);
            if (fflush(stdout) != 0)
                return EXIT_FAILED;
        }
        if (watcher_is_over(&t->watcher))
            return watcher_complain(&t->watcher);
        if (is_all)
            watcher_wait(&t->watcher, -1, SLUICE_DEADLINE_NEVER);
    }
    return EXIT_DONE;
}

/* --- the screen ---------------------------------------------------------- */

static int top_show(struct top *t)
{
    struct screen screen = {.model = &t->model,
                            .endpoint = t->watcher.endpoint};
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return command_misused(
            &command_top,
            "standard output is not a terminal; use --once or --json");
    if (!screen_open(&screen))
        return complain(EXIT_FAILED,
                        "the terminal that $TERM names is unknown; "
                        "use --once or --json");
    t->watcher.told_at = -1; /* the screen shows it */
    while (!screen.is_over && !watcher_is_over(&t->watcher) &&
           !stop_signal_came()) {
        bool is_all = top_receive(t);
        screen_draw(&screen);
        if (is_all)
            watcher_wait(&t->watcher, STDIN_FILENO,
                         sluice_deadline_in(TOP_BEAT_MS));
        screen_read_keys(&screen);
    }
    screen_close();
    return watcher_is_over(&t->watcher) ? watcher_complain(&t->watcher)
                                        : EXIT_DONE;
}

/* --- the command --------------------------------------------------------- */

static int top_watch(struct top *t)
{
    if (!stop_signal_init())
        return complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    int status = watcher_open(&t->watcher, &t->options.watcher);
    if (status != EXIT_DONE)
        return status;
    model_init(&t->model);
    top_subscribe(t);
    if (t->options.is_once)
        status = top_print_once(t);
    else
        status = t->options.is_json ? top_print_on(t) : top_show(t);
    model_fini(&t->model);
    watcher_close(&t->watcher);
    return status;
}

static int top_run(int argc, char **argv)
{
    struct top *t = calloc(1, sizeof *t);
    if (!t)
        return complain(EXIT_FAILED, "out of memory");
    int status;
    if (command_parse(&command_top, &t->options, &argc, argv, &status)) {
        const char *wrong = watcher_options_wrong(&t->options.watcher);
        if (argc > 1)
            wrong = "top takes options only; name a broker with --server";
        status = wrong ? command_misused(&command_top, wrong) : top_watch(t);
    }
    free(t);
    return status;
}

const struct command command_top = {
    .name = "top",
    .arguments = "",
    .summary = "Watch a broker, its channels and clients in a terminal",
    .details =
        "Shows the traffic of a broker, its channels and its clients, the\n"
        "fullest first, and users of a users file. Press '?' for a list of\n"
        "keys, 'q' to quit. A broker on another machine must run with --http,\n"
        "where --user and the like say who asks, or with --monitor-bind,\n"
        "which takes keys.\n"
        "\n"
        "  sluice top --http https://broker.example:25080 --user ann\n"
        "  sluice top --once --json | jq '.channels.channels[0]'\n",
    .options = top_options,
    .run = top_run,
};

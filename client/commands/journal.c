/* SPDX-License-Identifier: MIT
 *
 * sluice journal - reads the files in which a broker keeps durable queues, and
 * repairs them. It speaks to no broker.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/journal/dump.h"
#include "client/journal/records.h"
#include "client/journal/repair.h"
#include "client/journal/report.h"
#include "client/print_options.h"
#include "proto/journal_names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The exit statuses besides those of all commands. */
enum { JOURNAL_DAMAGED_FOUND = 1, JOURNAL_LOST = 3 };

/* Progress is shown when reading takes longer, and then so often. */
enum { PROGRESS_AFTER_MS = 1000, PROGRESS_EVERY_MS = 200 };

struct journal_options {
    const char *channel;
    struct cli_option_number count;
    struct print_options print;
    bool with_done, shows_records, has_headers, is_sure;
};

struct journal_run {
    struct journal_options options;
    struct survey survey;
    struct printer printer;
    uint64_t shown_ms; /* when progress was shown last, or reading began */
    bool has_progress;
};

#define JOURNAL_VALUE(field) offsetof(struct journal_options, field)

static const struct cli_option journal_options[] = {
    {"channel", CLI_OPTION_TEXT, JOURNAL_VALUE(channel), "NAME", NULL, NULL, 0,
     0, "dump: only the messages of this channel"},
    {"count", CLI_OPTION_COUNT, JOURNAL_VALUE(count), "N", NULL, NULL, 1, 0,
     "dump: stop after N messages"},
    {"acked", CLI_OPTION_FLAG, JOURNAL_VALUE(with_done), NULL, NULL, NULL, 0, 0,
     "dump: also messages that were acknowledged and are still there"},
    {"records", CLI_OPTION_FLAG, JOURNAL_VALUE(shows_records), NULL, NULL, NULL,
     0, 0, "dump: the structure of the files, without messages"},
    {"headers", CLI_OPTION_FLAG, JOURNAL_VALUE(has_headers), NULL, NULL, NULL,
     0, 0,
     "dump: print headers before each line of text; JSON always has them"},
    PRINT_OPTIONS_FORMAT(JOURNAL_VALUE(print)),
    PRINT_OPTIONS_RAW(JOURNAL_VALUE(print)),
    {"yes", CLI_OPTION_FLAG, JOURNAL_VALUE(is_sure), NULL, NULL, NULL, 0, 0,
     "repair: do it, though messages that cannot be read are given up"},
    {.name = NULL},
};

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void journal_progress(void *arg, uint64_t read, uint64_t total)
{
    struct journal_run *r = arg;
    uint64_t now = clock_ms(CLOCK_MONOTONIC);
    uint64_t pause = r->has_progress ? PROGRESS_EVERY_MS : PROGRESS_AFTER_MS;
    if (now - r->shown_ms < pause || total == 0)
        return;
    r->shown_ms = now;
    r->has_progress = true;
    fprintf(stderr, "\rreading: %3" PRIu64 " %% of %" PRIu64 " MiB",
            read * 100 / total, total >> 20);
}

/* False, with an error printed. */
static bool journal_survey(struct journal_run *r, const char *path)
{
    struct sentence why;
    r->shown_ms = clock_ms(CLOCK_MONOTONIC);
    if (isatty(STDERR_FILENO)) {
        r->survey.on_progress = journal_progress;
        r->survey.arg = r;
    }
    bool ok = survey_open(&r->survey, path, &why);
    if (r->has_progress)
        fputs("\r\033[K", stderr);
    r->has_progress = false;
    if (!ok)
        complain(EXIT_USAGE, "%s", why.text);
    return ok;
}

static int journal_status(const struct journal_run *r)
{
    return survey_is_sound(&r->survey) ? EXIT_DONE : JOURNAL_DAMAGED_FOUND;
}

static int journal_check_run(struct journal_run *r)
{
    report_write(&r->survey, stdout);
    return journal_status(r);
}

static int journal_dump_messages(struct journal_run *r)
{
    struct journal_options *o = &r->options;
    struct dump dump = {.survey = &r->survey,
                        .channel = o->channel,
                        .most = o->count.is_given ? o->count.value : UINT64_MAX,
                        .with_done = o->with_done,
                        .printer = &r->printer,
                        .now_ms = clock_ms(CLOCK_REALTIME)};
    print_options_apply(&o->print, &r->printer, "");
    r->printer.has_channel = !o->channel;
    r->printer.has_headers = o->has_headers;
    if (!dump_print(&dump))
        return complain(EXIT_FAILED, "cannot print the messages: %s",
                        errno ? strerror(errno) : "out of memory");
    if (o->channel && !dump.has_channel)
        return complain(EXIT_USAGE, "%s is not in the journal", o->channel);
    if (dump.unread > 0)
        complain(EXIT_DONE,
                 "%" PRIu64 " messages were there and cannot be read any more",
                 dump.unread);
    return journal_status(r);
}

static int journal_dump_run(struct journal_run *r)
{
    int status;
    if (r->options.shows_records) {
        records_write(&r->survey, stdout);
        status = journal_status(r);
    } else {
        status = journal_dump_messages(r);
    }
    report_write_damage(&r->survey, stderr);
    if (r->survey.folder.is_used)
        complain(EXIT_DONE, "a broker uses it: its last batch may be missing");
    return status;
}

/* What was repaired is read again: a repair that did not succeed must not look
 * like one. */
static int journal_repair_verify(struct journal_run *r, const char *path,
                                 uint64_t lost)
{
    bool may_be_more = r->survey.may_lack_more;
    survey_close(&r->survey);
    r->survey = (struct survey){.locks = true};
    if (!journal_survey(r, path))
        return EXIT_FAILED;
    if (!survey_is_sound(&r->survey)) {
        report_write_damage(&r->survey, stderr);
        return complain(EXIT_FAILED, "it is still damaged");
    }
    complain(EXIT_DONE,
             "repaired; messages lost: %" PRIu64 "%s; what was damaged is in "
             "%s/" JOURNAL_NAME_DAMAGED,
             lost, may_be_more ? REPORT_PERHAPS_MORE : "", path);
    return lost > 0 || may_be_more ? JOURNAL_LOST : EXIT_DONE;
}

static int journal_repair_run(struct journal_run *r)
{
    struct survey *s = &r->survey;
    struct sentence why;
    const char *path = s->folder.path;
    if (survey_is_sound(s))
        return complain(EXIT_DONE, "nothing is damaged");
    report_write_damage(s, stderr);
    if (s->is_newer)
        return complain(EXIT_FAILED,
                        "a newer version of sluice must repair it");
    if (!r->options.is_sure)
        return complain(EXIT_USAGE, "nothing was changed; to repair it, add "
                                    "--yes");
    uint64_t lost = report_write_lost(s, stdout);
    if (!repair(s, &why))
        return complain(EXIT_FAILED, "%s", why.text);
    return journal_repair_verify(r, path, lost);
}

/* What can be done with a journal. */
static const struct journal_action {
    const char *name;
    int (*run)(struct journal_run *r);
    bool locks, dumps, is_repair; /* which options it has */
} journal_actions[] = {
    {"check", journal_check_run, false, false, false},
    {"dump", journal_dump_run, false, true, false},
    {"repair", journal_repair_run, true, false, true},
};

static const struct journal_action *journal_find(const char *name)
{
    size_t count = sizeof journal_actions / sizeof *journal_actions;
    for (size_t i = 0; i < count; i++)
        if (strcmp(journal_actions[i].name, name) == 0)
            return &journal_actions[i];
    return NULL;
}

/* Why the options do not belong to the action; NULL when they do. */
static const char *journal_wrong(const struct journal_options *o,
                                 const struct journal_action *action)
{
    bool has_dump = o->channel || o->count.is_given || o->with_done ||
                    o->shows_records || o->has_headers ||
                    print_options_are_given(&o->print);
    if (has_dump && !action->dumps)
        return "only dump has --channel, --count, --acked, --records, "
               "--headers, --format and --raw";
    if (o->is_sure && !action->is_repair)
        return "only repair has --yes";
    if (o->has_headers && (o->print.is_raw || o->print.format == PRINTER_RAW))
        return "--raw prints bytes alone; leave out --headers";
    return print_options_wrong(&o->print);
}

static int journal_act(struct journal_run *r,
                       const struct journal_action *action, const char *path)
{
    int status = EXIT_USAGE;
    r->survey.locks = action->locks;
    r->survey.keeps_done = r->options.with_done;
    if (journal_survey(r, path))
        status = action->run(r);
    survey_close(&r->survey);
    if (fflush(stdout) != 0)
        return complain(EXIT_FAILED, "cannot write: %s", strerror(errno));
    return status;
}

static int journal_run(int argc, char **argv)
{
    struct journal_run *r = calloc(1, sizeof *r);
    int status;
    if (!r)
        return complain(EXIT_FAILED, "out of memory");
    if (command_parse(&command_journal, &r->options, &argc, argv, &status)) {
        const struct journal_action *action =
            argc > 1 ? journal_find(argv[1]) : NULL;
        const char *wrong = !action
                                ? "it takes check, dump or repair, and a folder"
                            : argc != 3 ? "one folder is needed"
                                        : journal_wrong(&r->options, action);
        status = wrong ? command_misused(&command_journal, wrong)
                       : journal_act(r, action, argv[2]);
    }
    free(r);
    return status;
}

const struct command command_journal = {
    .name = "journal",
    .arguments = "check|dump|repair DIR",
    .summary = "Check, print or repair the files of durable queues",
    .details =
        "check reads and verifies every byte of the journal in DIR, the "
        "folder\n"
        "that sluiced has as --journal, and prints what is in its channels "
        "and\n"
        "files, what is damaged, and which messages are lost.\n"
        "\n"
        "dump prints the messages that wait, channel by channel in the order "
        "of\n"
        "their numbers. It removes nothing.\n"
        "\n"
        "repair makes a damaged journal one that sluiced opens. What can be\n"
        "read of damaged files is copied, and the files are moved to\n"
        "DIR/damaged. It prints a line LOST FIRST LAST CHANNEL for the "
        "numbers\n"
        "of messages that are in no file any more. No broker may be running.\n"
        "\n"
        "check and dump change nothing, and can read the journal of a broker\n"
        "that runs; what it writes meanwhile may be missing.\n"
        "\n"
        "  sluice journal check /var/lib/sluice\n"
        "  sluice journal dump /var/lib/sluice --channel /queue/jobs --count "
        "3\n"
        "\n"
        "Exit status: 0 sound, 1 damaged or failed, 2 wrong usage, 3 repaired\n"
        "with loss.\n",
    .options = journal_options,
    .run = journal_run,
};

/* SPDX-License-Identifier: MIT
 *
 * sluice ls - lists the channels or the clients of a broker, which it asks at
 * the control socket, or over HTTP if it is on another machine. A terminal gets
 * a table, anything else fields with tabs in between, which a script can cut.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/control_client.h"
#include "client/control_table.h"
#include "client/http_client.h"
#include "client/json.h"
#include "client/monitor/document_table.h"
#include "client/target.h"
#include "client/top/figure.h"
#include "proto/pattern.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ls_options {
    struct control_options control;
    struct target target; /* for `http` alone; its server is not used */
    const char *http;     /* NULL: the control socket */
    struct cli_option_number count;
    bool has_clients, is_json;
};

#define LS_VALUE(field) offsetof(struct ls_options, field)

static const struct cli_option ls_options[] = {
    CONTROL_OPTION_SERVER(LS_VALUE(control)),
    {"clients", CLI_OPTION_FLAG, LS_VALUE(has_clients), NULL, NULL, NULL, 0, 0,
     "list connections instead of channels"},
    {"count", CLI_OPTION_COUNT, LS_VALUE(count), "N", NULL, NULL, 1, 0,
     "list at most N; on a terminal 1000, unless this says otherwise"},
    {"json", CLI_OPTION_FLAG, LS_VALUE(is_json), NULL, NULL, NULL, 0, 0,
     "print a JSON object for each line"},
    CONTROL_OPTION_CONTROL(LS_VALUE(control)),
    {"http", CLI_OPTION_TEXT, LS_VALUE(http), "URL", NULL, NULL, 0, 0,
     "ask the --http of a broker instead, wherever it is:\n"
     "      https://host:25080"},
    CONTROL_OPTION_TIMEOUT(LS_VALUE(control)),
    TARGET_TLS(LS_VALUE(target)),
    TARGET_LOGIN(LS_VALUE(target)),
    {.name = NULL},
};

/* How a number is shown on a terminal. */
typedef void ls_figure(char out[FIGURE_BYTES], double value);

/* The columns of both lists that are not plain text, and those for JSON alone.
 */
static const struct ls_column {
    const char *name;
    ls_figure *figure; /* NULL: text */
    bool is_rare;      /* a terminal shows it only if it is set somewhere */
} ls_columns[] = {
    {"waiting", figure_count, false},
    {"bytes", figure_bytes, false},
    {"limit", figure_bytes, false},
    {"readers", figure_count, false},
    {"in", figure_count, false},
    {"out", figure_count, false},
    {"dropped", figure_count, false},
    {"paused", figure_count, false},
    {"age_ms", figure_age, false},
    {"conn", figure_count, false},
    {"held", figure_count, true},
    {"workers", figure_count, true},
    {"parked", figure_bytes, true},
    {"unseen", figure_count, true},
    {"durable", figure_count, true},
    {"on_disk", figure_bytes, true},
    {"unacked", figure_count, true},
    {"lanes", figure_count, true},
    {"requests", figure_count, true},
    {"name", NULL, true},
    {"protocol", figure_count, false},
    {"user", NULL, true},
    {"way", NULL, true},
    {"tls", NULL, true},
    {"cipher", NULL, true},
};

/* NULL: text that is always shown. */
static const struct ls_column *ls_column_of(const char *name)
{
    for (size_t i = 0; i < sizeof ls_columns / sizeof *ls_columns; i++)
        if (strcmp(ls_columns[i].name, name) == 0)
            return &ls_columns[i];
    return NULL;
}

static ls_figure *ls_figure_of(const char *name)
{
    const struct ls_column *column = ls_column_of(name);
    return column ? column->figure : NULL;
}

struct lister {
    struct ls_options options;
    bool has_pattern;
    struct pattern pattern;
    struct control_client client;
    struct control_table table;
    uint64_t unlisted; /* that the broker has, and does not list over HTTP */
    size_t shown;      /* rows that are printed */
};

/* --- what is listed ------------------------------------------------------ */

/* An answer has three documents, of which the longest list has 100 rows. */
enum { LS_DOCUMENTS_MAX = 512 << 10 };

static int lister_fetch_documents(struct lister *l, struct http_client *http)
{
    const struct ls_options *o = &l->options;
    enum sluice_error error =
        http_client_init(http, o->http, &o->target, LS_DOCUMENTS_MAX);
    if (error != SLUICE_OK)
        return complain_misused_http(error, http->failure.sentence);
    error = http_client_ask(http, "/stats", (int)o->control.timeout_ms.value);
    if (error != SLUICE_OK)
        return complain_failed(error, http->failure.sentence);
    if (!document_table_add(&l->table, http->answer, http->answer_bytes,
                            o->has_clients ? DOCUMENT_CLIENTS
                                           : DOCUMENT_CHANNELS,
                            &l->unlisted))
        return complain(EXIT_FAILED,
                        "the documents of %s cannot be read; is "
                        "it a broker of another version?",
                        http->url.address);
    return EXIT_DONE;
}

static int lister_fetch_over_http(struct lister *l)
{
    struct http_client http;
    int status = lister_fetch_documents(l, &http);
    http_client_fini(&http);
    return status;
}

static int lister_fetch(struct lister *l)
{
    const char *list = l->options.has_clients ? "/clients" : "/channels";
    uint64_t after = 0;
    do {
        char target[64];
        struct control_answer answer;
        snprintf(target, sizeof target, "%s?after=%" PRIu64, list, after);
        int status = control_client_ask(&l->client, "GET", target, &answer);
        if (status != EXIT_DONE)
            return status;
        if (!control_table_add(&l->table, answer.body, &after))
            return complain(EXIT_FAILED,
                            "the broker's list cannot be read; is it of "
                            "another version?");
    } while (after > 0);
    return EXIT_DONE;
}

static bool lister_wants(const struct lister *l, const char *channel)
{
    uint8_t name[CHANNEL_NAME_MAX];
    size_t length;
    return !l->has_pattern || (percent_decode(channel, strlen(channel), name,
                                              sizeof name, &length) &&
                               pattern_matches(&l->pattern, name, length));
}

/* --- JSON ---------------------------------------------------------------- */

static void ls_print_json_text(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    for (size_t left = strlen(text); left > 0;) {
        char shown[JSON_BYTES];
        size_t shown_length;
        size_t taken = json_next_text(at, left, shown, &shown_length);
        fwrite(shown, 1, shown_length, stdout);
        at += taken;
        left -= taken;
    }
}

static void lister_print_json(const struct lister *l, size_t row)
{
    const struct control_table *t = &l->table;
    for (size_t i = 0; i < t->columns; i++) {
        const char *cell = control_table_cell(t, row, i);
        bool is_number = ls_figure_of(t->names[i]) != NULL;
        printf("%s\"%s\":%s", i > 0 ? "," : "{", t->names[i],
               is_number ? "" : "\"");
        ls_print_json_text(cell);
        fputs(is_number ? "" : "\"", stdout);
    }
    puts("}");
}

/* --- fields with tabs ---------------------------------------------------- */

static void lister_print_fields(const struct lister *l, size_t row)
{
    for (size_t i = 0; i < l->table.columns; i++)
        printf("%s%s", i > 0 ? "\t" : "",
               control_table_cell(&l->table, row, i));
    putchar('\n');
}

/* --- a table ------------------------------------------------------------- */

enum { LS_GAP = 2, LS_HEAD = -1, LS_SHOWN = 1000 };

static bool lister_shows(const struct lister *l, size_t column)
{
    const struct ls_column *known = ls_column_of(l->table.names[column]);
    bool is_shown = !known || !known->is_rare;
    for (size_t row = 0; row < l->shown && !is_shown; row++) {
        const char *cell = control_table_cell(&l->table, row, column);
        is_shown = *cell && strcmp(cell, "0") != 0;
    }
    return is_shown;
}

/* As it is shown on a terminal; row LS_HEAD has the names. */
static const char *lister_show(const struct lister *l, long row, size_t column,
                               char figure[FIGURE_BYTES])
{
    const char *name = l->table.names[column];
    ls_figure *write = ls_figure_of(name);
    if (row == LS_HEAD) {
        return strcmp(name, "age_ms") == 0 ? "age" : name;
    }
    const char *cell = control_table_cell(&l->table, (size_t)row, column);
    if (!write || strcmp(name, "conn") == 0)
        return *cell ? cell : "-";
    write(figure, strtod(cell, NULL));
    return figure;
}

/* Characters, as most of them are as wide as a column. */
static size_t ls_width(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static size_t lister_column_width(const struct lister *l, size_t column)
{
    char figure[FIGURE_BYTES];
    size_t most = ls_width(lister_show(l, LS_HEAD, column, figure));
    for (size_t row = 0; row < l->shown; row++) {
        size_t n = ls_width(lister_show(l, (long)row, column, figure));
        most = n > most ? n : most;
    }
    return most;
}

/* Numbers to the right, text to the left. Returns what it lacks on the right.
 */
static int lister_print_cell(const struct lister *l, long row, size_t column,
                             size_t width)
{
    char figure[FIGURE_BYTES];
    const char *text = lister_show(l, row, column, figure);
    int room = (int)(width - ls_width(text));
    bool is_number = ls_figure_of(l->table.names[column]) != NULL;
    printf("%*s%s", is_number ? room : 0, "", text);
    return is_number ? 0 : room;
}

/* A column of width 0 is not shown. */
static void lister_print_row(const struct lister *l, long row,
                             const size_t *widths)
{
    int gap = 0;
    for (size_t i = 0; i < l->table.columns; i++) {
        if (widths[i] == 0)
            continue;
        printf("%*s", gap, "");
        gap = LS_GAP + lister_print_cell(l, row, i, widths[i]);
    }
    putchar('\n');
}

static void lister_print_table(const struct lister *l)
{
    size_t widths[CONTROL_COLUMNS_MAX];
    for (size_t i = 0; i < l->table.columns; i++)
        widths[i] = lister_shows(l, i) ? lister_column_width(l, i) : 0;
    lister_print_row(l, LS_HEAD, widths);
    for (size_t row = 0; row < l->shown; row++)
        lister_print_row(l, (long)row, widths);
}

/* --- the command --------------------------------------------------------- */

static void lister_select(struct lister *l)
{
    size_t channel = control_table_column(&l->table, "channel");
    for (size_t row = l->table.rows; row-- > 0;)
        if (!lister_wants(l, control_table_cell(&l->table, row, channel)))
            control_table_remove(&l->table, row);
    if (l->options.has_clients)
        control_table_sort(&l->table, control_table_column(&l->table, "conn"),
                           true);
    else
        control_table_sort(&l->table, channel, false);
}

static void lister_print(struct lister *l)
{
    const struct ls_options *o = &l->options;
    bool is_table = !o->is_json && isatty(STDOUT_FILENO) == 1;
    uint64_t most = is_table ? LS_SHOWN : UINT64_MAX;
    if (o->count.is_given)
        most = o->count.value;
    l->shown = l->table.rows < most ? l->table.rows : (size_t)most;
    if (is_table)
        lister_print_table(l);
    for (size_t row = 0; row < l->shown && !is_table; row++)
        if (o->is_json)
            lister_print_json(l, row);
        else
            lister_print_fields(l, row);
}

static int lister_list(struct lister *l)
{
    int status = l->options.http
                     ? lister_fetch_over_http(l)
                     : control_client_find(&l->client, &l->options.control);
    if (status == EXIT_DONE && !l->options.http)
        status = lister_fetch(l);
    if (status != EXIT_DONE)
        return status;
    lister_select(l);
    lister_print(l);
    if (fflush(stdout) != 0)
        return complain(EXIT_FAILED, "cannot write to standard output: %s",
                        strerror(errno));
    if (l->shown < l->table.rows)
        complain(EXIT_DONE, "and %zu more; --count N lists up to N",
                 l->table.rows - l->shown);
    if (l->unlisted > 0)
        complain(EXIT_DONE,
                 "and %" PRIu64 " more, with less in them; over HTTP a broker "
                 "lists only the first hundred",
                 l->unlisted);
    return EXIT_DONE;
}

static bool lister_read_pattern(struct lister *l, const char *text, int *status)
{
    l->has_pattern = true;
    if (pattern_read_plain(&l->pattern, span_of(text)))
        return true;
    *status = command_misused(&command_ls, "PATTERN must be " PATTERN_FORM);
    return false;
}

static int ls_run(int argc, char **argv)
{
    struct lister l = {.has_pattern = false};
    int status;
    if (!command_parse(&command_ls, &l.options, &argc, argv, &status))
        return status;
    if (argc > 2)
        return command_misused(&command_ls, "one PATTERN is enough");
    if (l.options.http && l.options.control.control)
        return command_misused(&command_ls, "--http and --control name two "
                                            "brokers; one is enough");
    if (argc > 1 && !lister_read_pattern(&l, argv[1], &status))
        return status;
    status = lister_list(&l);
    control_table_free(&l.table);
    return status;
}

const struct command command_ls = {
    .name = "ls",
    .arguments = "[PATTERN]",
    .summary = "List the channels or clients of a broker",
    .details =
        "Lists the channels that exist: those with a subscriber or a message.\n"
        "PATTERN is a channel's name, in which '*' stands for one segment and\n"
        "'**', at the end, for the rest. On a terminal it prints a table with\n"
        "rounded numbers; elsewhere it prints exact ones with tabs in between\n"
        "and no heading.\n"
        "\n"
        "Without --http it is a broker on this machine.\n"
        "\n"
        "  sluice ls '/queue/**'\n"
        "  sluice ls --http https://broker.example:25080 --user ann\n"
        "  sluice ls | sort -t \"$(printf '\\t')\" -k3 -n\n"
        "\n"
        "The fields of a channel are: its name, its kind, the messages and\n"
        "bytes that wait in it or for its subscribers, the limit of these\n"
        "bytes, its readers, messages in, out and dropped, publishers that\n"
        "wait, the age of the oldest message in milliseconds, messages that\n"
        "workers have, workers, bytes that are parked, and readers that were\n"
        "not looked at, of more than 10,000. Those of a client are: its\n"
        "number, address, state and first channel, the messages and bytes\n"
        "that wait for it, its messages in, out and dropped, the full channel\n"
        "it waits for, its version of the protocol, its name, the number of\n"
        "its channels, messages that it has as a worker, open requests, the\n"
        "bytes that are parked for it, its user in the users file and how it\n"
        "showed that, its version of TLS and its cipher.\n",
    .options = ls_options,
    .run = ls_run,
};

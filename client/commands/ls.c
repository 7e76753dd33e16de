/* SPDX-License-Identifier: MIT
 *
 * sluice ls - lists the channels or the clients of a broker on this machine. A
 * terminal gets a table, anything else fields with tabs in between, which a
 * script can cut.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/control_client.h"
#include "client/control_table.h"
#include "client/json.h"
#include "client/top/figure.h"
#include "proto/pattern.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ls_options {
    struct control_options control;
    bool has_clients, is_json;
};

#define LS_VALUE(field) offsetof(struct ls_options, field)

static const struct cli_option ls_options[] = {
    CONTROL_OPTION_SERVER(LS_VALUE(control)),
    {"clients", CLI_OPTION_FLAG, LS_VALUE(has_clients), NULL, NULL, NULL, 0, 0,
     "list connections instead of channels"},
    {"json", CLI_OPTION_FLAG, LS_VALUE(is_json), NULL, NULL, NULL, 0, 0,
     "print a JSON object for each line"},
    CONTROL_OPTION_CONTROL(LS_VALUE(control)),
    CONTROL_OPTION_TIMEOUT(LS_VALUE(control)),
    {.name = NULL},
};

/* How a number is shown on a terminal. */
typedef void ls_figure(char out[FIGURE_BYTES], double value);

/* The columns of both lists that are not plain text, and those for JSON alone.
 */
static const struct ls_column {
    const char *name;
    ls_figure *figure; /* NULL: text */
} ls_columns[] = {
    {"waiting", figure_count}, {"bytes", figure_bytes},
    {"limit", figure_bytes},   {"readers", figure_count},
    {"in", figure_count},      {"out", figure_count},
    {"dropped", figure_count}, {"paused", figure_count},
    {"age_ms", figure_age},    {"conn", figure_count},
};

static ls_figure *ls_figure_of(const char *name)
{
    for (size_t i = 0; i < sizeof ls_columns / sizeof *ls_columns; i++)
        if (strcmp(ls_columns[i].name, name) == 0)
            return ls_columns[i].figure;
    return NULL;
}

struct lister {
    struct ls_options options;
    bool has_pattern;
    struct pattern pattern;
    struct control_client client;
    struct control_table table;
};

/* --- what is listed ------------------------------------------------------ */

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

enum { LS_GAP = 2, LS_HEAD = -1 };

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
    for (size_t row = 0; row < l->table.rows; row++) {
        size_t n = ls_width(lister_show(l, (long)row, column, figure));
        most = n > most ? n : most;
    }
    return most;
}

/* Numbers to the right, text to the left. */
static void lister_print_row(const struct lister *l, long row,
                             const size_t *widths)
{
    for (size_t i = 0; i < l->table.columns; i++) {
        char figure[FIGURE_BYTES];
        const char *text = lister_show(l, row, i, figure);
        int room = (int)(widths[i] - ls_width(text));
        bool is_last = i + 1 == l->table.columns;
        if (ls_figure_of(l->table.names[i]))
            printf("%*s%s", room, "", text);
        else
            printf("%s%*s", text, is_last ? 0 : room, "");
        printf("%*s", is_last ? 0 : LS_GAP, "");
    }
    putchar('\n');
}

static void lister_print_table(const struct lister *l)
{
    size_t widths[CONTROL_COLUMNS_MAX];
    for (size_t i = 0; i < l->table.columns; i++)
        widths[i] = lister_column_width(l, i);
    lister_print_row(l, LS_HEAD, widths);
    for (size_t row = 0; row < l->table.rows; row++)
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

static int lister_list(struct lister *l)
{
    int status = control_client_find(&l->client, &l->options.control);
    if (status == EXIT_DONE)
        status = lister_fetch(l);
    if (status != EXIT_DONE)
        return status;
    lister_select(l);
    if (!l->options.is_json && isatty(STDOUT_FILENO) == 1) {
        lister_print_table(l);
    } else {
        for (size_t row = 0; row < l->table.rows; row++)
            if (l->options.is_json)
                lister_print_json(l, row);
            else
                lister_print_fields(l, row);
    }
    return fflush(stdout) == 0
               ? EXIT_DONE
               : complain(EXIT_FAILED, "cannot write to standard output: %s",
                          strerror(errno));
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
    if (argc > 1 && !lister_read_pattern(&l, argv[1], &status))
        return status;
    status = lister_list(&l);
    control_table_free(&l.table);
    return status;
}

const struct command command_ls = {
    .name = "ls",
    .arguments = "[PATTERN]",
    .summary = "List the channels or clients of a broker on this machine",
    .details =
        "Lists the channels that exist: those with a subscriber or a message.\n"
        "PATTERN is a channel's name, in which '*' stands for one segment and\n"
        "'**', at the end, for the rest. On a terminal it prints a table with\n"
        "rounded numbers; elsewhere it prints exact ones with tabs in between\n"
        "and no heading.\n"
        "\n"
        "  sluice ls '/queue/**'\n"
        "  sluice ls | sort -t \"$(printf '\\t')\" -k3 -n\n"
        "\n"
        "The fields of a channel are: its name, its kind, the messages and\n"
        "bytes that wait in it or for its subscribers, the limit of these\n"
        "bytes, its readers, messages in, out and dropped, publishers paused,\n"
        "and the age of the oldest message in milliseconds. Those of a client\n"
        "are: its number, address, state and channel, the messages and bytes\n"
        "that wait for it, its messages in, out and dropped, and the full\n"
        "channel it waits for.\n",
    .options = ls_options,
    .run = ls_run,
};

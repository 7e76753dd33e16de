/* SPDX-License-Identifier: MIT */
#include "client/top/sheet.h"

#include "client/escape.h"
#include "client/top/figure.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Figures are five characters at most, ages six: what is left is for names. */
static const struct sheet_column sheet_channel_columns[] = {
    {"CHANNEL", "name", SHEET_TEXT, 0, false},
    {"KIND", "kind", SHEET_TEXT, 5, true},
    {"SUBS", "subscribers", SHEET_COUNT, 5, false},
    {"IN/s", "in", SHEET_RATE, 5, false},
    {"OUT/s", "out", SHEET_RATE, 5, false},
    {"DROP/s", "dropped", SHEET_RATE, 6, false},
    {"DEPTH", "depth", SHEET_COUNT, 5, false},
    {"BYTES", "bytes", SHEET_BYTES, 5, false},
    {"LIMIT", "limit_bytes", SHEET_LIMIT, 5, true},
    {"AGE", "age_ms", SHEET_AGE, 6, false},
    {"PAUSED", "paused", SHEET_COUNT, 6, false},
    {.title = NULL},
};

static const struct sheet_column sheet_client_columns[] = {
    {"CONN", "conn", SHEET_TEXT, 7, true},
    {"PEER", "peer", SHEET_TEXT, 21, false},
    {"STATE", "state", SHEET_TEXT, 9, true},
    {"CHANNEL", "channel", SHEET_PLACE, 0, false},
    {"IN/s", "in", SHEET_RATE, 5, false},
    {"OUT/s", "out", SHEET_RATE, 5, false},
    {"DROP/s", "dropped", SHEET_RATE, 6, false},
    {"DEPTH", "depth", SHEET_COUNT, 5, false},
    {"BYTES", "bytes", SHEET_BYTES, 5, false},
    {"AGE", "age_ms", SHEET_AGE, 6, false},
    {.title = NULL},
};

/* The fullest come first. */
const struct sheet sheet_of_channels = {
    .name = "channels", .columns = sheet_channel_columns, .order = 7};
const struct sheet sheet_of_clients = {
    .name = "clients", .columns = sheet_client_columns, .order = 8};

bool sheet_is_text(enum sheet_kind kind)
{
    return kind == SHEET_TEXT || kind == SHEET_PLACE;
}

/* --- what a document lists ----------------------------------------------- */

static const struct sheet_row *sheet_find(const struct sheet_row *rows,
                                          size_t n, const json_t *key)
{
    for (size_t i = 0; i < n; i++)
        if (json_equal(rows[i].key, key))
            return &rows[i];
    return NULL;
}

static double sheet_number(const json_t *entry, const char *key)
{
    return json_number_value(json_object_get(entry, key));
}

/* `before` is what the same row was; NULL: it is new. Totals that fell are
 * those of another broker that took its place. */
static double sheet_value(const struct sheet_column *column, json_t *entry,
                          const struct sheet_row *before, double seconds)
{
    double value = sheet_number(entry, column->key);
    if (column->kind != SHEET_RATE)
        return value;
    double grown =
        before ? value - sheet_number(before->entry, column->key) : 0;
    return grown > 0 && seconds > 0 ? grown / seconds : 0;
}

/* Documents that were missed lie between the two. */
static double sheet_seconds(const json_t *before, const json_t *now)
{
    double documents = sheet_number(now, "seq") - sheet_number(before, "seq");
    return sheet_number(now, "interval") * (documents > 1 ? documents : 1);
}

void sheet_update(struct sheet *s, json_t *document)
{
    struct sheet_row rows[SHEET_ROWS_MAX];
    size_t n = 0, i;
    json_t *entry;
    double seconds = sheet_seconds(s->document, document);
    json_array_foreach(json_object_get(document, s->name), i, entry)
    {
        if (n == SHEET_ROWS_MAX)
            break;
        struct sheet_row *row = &rows[n++];
        row->entry = entry;
        row->key = json_object_get(entry, s->columns[0].key);
        const struct sheet_row *before = sheet_find(s->row, s->rows, row->key);
        for (size_t c = 0; s->columns[c].title; c++)
            row->value[c] = sheet_value(&s->columns[c], entry, before, seconds);
    }
    memcpy(s->row, rows, n * sizeof *rows);
    s->rows = n;
    json_decref(s->document);
    s->document = json_incref(document);
    s->documents++;
    sheet_arrange(s);
}

void sheet_fini(struct sheet *s)
{
    json_decref(s->document);
    s->document = NULL;
}

/* --- order and filter ---------------------------------------------------- */

static int sheet_compare(const void *left, const void *right, void *context)
{
    const struct sheet *s = context;
    const struct sheet_row *a = *(const struct sheet_row *const *)left;
    const struct sheet_row *b = *(const struct sheet_row *const *)right;
    int order = (a->value[s->order] > b->value[s->order]) -
                (a->value[s->order] < b->value[s->order]);
    if (order == 0 && sheet_is_text(s->columns[s->order].kind)) {
        char text[2][SHEET_TEXT_BYTES];
        sheet_cell(s, a, s->order, text[0]);
        sheet_cell(s, b, s->order, text[1]);
        order = -strcmp(text[0], text[1]); /* text begins with A */
    }
    if (order == 0)
        return (a > b) - (a < b); /* as the broker listed them */
    return s->is_ascending ? order : -order;
}

static bool sheet_passes(const struct sheet *s, const struct sheet_row *row)
{
    bool passes = s->filter[0] == '\0';
    for (size_t c = 0; s->columns[c].title && !passes; c++) {
        char text[SHEET_TEXT_BYTES];
        if (!sheet_is_text(s->columns[c].kind))
            continue;
        sheet_cell(s, row, c, text);
        passes = strcasestr(text, s->filter) != NULL;
    }
    return passes;
}

void sheet_arrange(struct sheet *s)
{
    s->shown = 0;
    for (size_t i = 0; i < s->rows; i++)
        if (sheet_passes(s, &s->row[i]))
            s->show[s->shown++] = &s->row[i];
    qsort_r(s->show, s->shown, sizeof(const struct sheet_row *), sheet_compare,
            s);
}

void sheet_order_by(struct sheet *s, int step)
{
    size_t columns = 0;
    while (s->columns[columns].title)
        columns++;
    assert(columns > 0);
    s->order = (s->order + columns + (size_t)step) % columns;
    sheet_arrange(s);
}

double sheet_figure(const struct sheet *s, const struct sheet_row *row,
                    const char *key)
{
    for (size_t c = 0; s->columns[c].title; c++)
        if (strcmp(s->columns[c].key, key) == 0)
            return row->value[c];
    return sheet_number(row->entry, key);
}

/* --- cells --------------------------------------------------------------- */

static void sheet_text(const json_t *value, char *out)
{
    const char *text = json_string_value(value);
    if (json_is_integer(value))
        snprintf(out, SHEET_TEXT_BYTES, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(value));
    else
        escape_text(text ? text : "-", out, SHEET_TEXT_BYTES);
}

static void sheet_place(const json_t *entry, char *out)
{
    const json_t *channel = json_object_get(entry, "channel");
    const char *full = json_string_value(json_object_get(entry, "waits_for"));
    size_t length = 0;
    if (json_is_string(channel) || !full) {
        sheet_text(channel, out);
        length = strlen(out);
    }
    if (!full || length + sizeof ", waits for " > SHEET_TEXT_BYTES)
        return;
    length += (size_t)sprintf(out + length, "%swaits for ", length ? ", " : "");
    escape_text(full, out + length, SHEET_TEXT_BYTES - length);
}

static void sheet_limit(char *out, double value)
{
    if (value > 0)
        figure_bytes(out, value);
    else
        snprintf(out, FIGURE_BYTES, "-");
}

void sheet_cell(const struct sheet *s, const struct sheet_row *row,
                size_t column, char out[SHEET_TEXT_BYTES])
{
    static void (*const figures[])(char *, double) = {
        [SHEET_COUNT] = figure_count, [SHEET_RATE] = figure_count,
        [SHEET_BYTES] = figure_bytes, [SHEET_LIMIT] = sheet_limit,
        [SHEET_AGE] = figure_age,
    };
    const struct sheet_column *c = &s->columns[column];
    if (c->kind == SHEET_TEXT)
        sheet_text(json_object_get(row->entry, c->key), out);
    else if (c->kind == SHEET_PLACE)
        sheet_place(row->entry, out);
    else
        figures[c->kind](out, row->value[column]);
}

/* SPDX-License-Identifier: MIT */
#include "client/top/table.h"

#include "client/escape.h"
#include "client/top/figure.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_PEER_BYTES = 128 };

/* Figures have at most five characters, ages six; the rest is for names. */
static const struct table_column table_channel_columns[] = {
    {"CHANNEL", "name", TABLE_TEXT, 0, TABLE_NEEDED},
    {"KIND", "kind", TABLE_TEXT, 5, TABLE_SPARE},
    {"SUBS", "subscribers", TABLE_COUNT, 5, TABLE_NEEDED},
    {"IN/s", "in", TABLE_RATE, 5, TABLE_NEEDED},
    {"OUT/s", "out", TABLE_RATE, 5, TABLE_NEEDED},
    {"DROP/s", "dropped", TABLE_RATE, 6, TABLE_NEEDED},
    {"BACK/s", "redelivered", TABLE_RATE, 6, TABLE_RARE},
    {"PARKED", "parked_bytes", TABLE_BYTES, 6, TABLE_RARE},
    {"HELD", "held", TABLE_COUNT, 5, TABLE_RARE},
    {"DEPTH", "depth", TABLE_COUNT, 5, TABLE_NEEDED},
    {"BYTES", "bytes", TABLE_BYTES, 5, TABLE_NEEDED},
    {"LIMIT", "limit_bytes", TABLE_LIMIT, 5, TABLE_SPARE},
    {"DISK", "disk_bytes", TABLE_BYTES, 5, TABLE_RARE},
    {"AGE", "age_ms", TABLE_AGE, 6, TABLE_NEEDED},
    {"PAUSED", "paused", TABLE_COUNT, 6, TABLE_NEEDED},
    {.title = NULL},
};

static const struct table_column table_client_columns[] = {
    {"CONN", "conn", TABLE_TEXT, 7, TABLE_SPARE},
    {"CLIENT", "peer", TABLE_CLIENT, 21, TABLE_NEEDED},
    {"STATE", "state", TABLE_TEXT, 9, TABLE_SPARE},
    {"CHANNEL", "channel", TABLE_PLACE, 0, TABLE_NEEDED},
    {"IN/s", "in", TABLE_RATE, 5, TABLE_NEEDED},
    {"OUT/s", "out", TABLE_RATE, 5, TABLE_NEEDED},
    {"DROP/s", "dropped", TABLE_RATE, 6, TABLE_NEEDED},
    {"PARKED", "parked_bytes", TABLE_BYTES, 6, TABLE_RARE},
    {"HELD", "held", TABLE_COUNT, 5, TABLE_RARE},
    {"DEPTH", "depth", TABLE_COUNT, 5, TABLE_NEEDED},
    {"BYTES", "bytes", TABLE_BYTES, 5, TABLE_NEEDED},
    {"AGE", "age_ms", TABLE_AGE, 6, TABLE_NEEDED},
    {"CIPHER", "cipher", TABLE_TEXT, 22, TABLE_RARE},
    {"WAY", "way", TABLE_TEXT, 11, TABLE_RARE},
    {"TLS", "tls", TABLE_TEXT, 7, TABLE_RARE},
    {"USER", "user", TABLE_TEXT, 12, TABLE_RARE},
    {.title = NULL},
};

static const struct table_column table_user_columns[] = {
    {"USER", "name", TABLE_TEXT, 0, TABLE_NEEDED},
    {"CONNS", "connections", TABLE_COUNT, 5, TABLE_NEEDED},
    {"LIMIT", "connections_limit", TABLE_MOST, 5, TABLE_NEEDED},
    {"MEMORY", "memory_bytes", TABLE_BYTES, 6, TABLE_NEEDED},
    {"LIMIT", "memory_limit_bytes", TABLE_LIMIT, 5, TABLE_NEEDED},
    {"MSGS/s", "messages_limit", TABLE_MOST, 6, TABLE_SPARE},
    {"BYTES/s", "bytes_limit", TABLE_LIMIT, 7, TABLE_SPARE},
    {"DENIED", "denied", TABLE_COUNT, 6, TABLE_NEEDED},
    {.title = NULL},
};

/* The fullest come first. */
const struct table table_of_channels = {
    .name = "channels", .columns = table_channel_columns, .order = 10};
const struct table table_of_clients = {
    .name = "clients", .columns = table_client_columns, .order = 10};
const struct table table_of_users = {
    .name = "users", .columns = table_user_columns, .order = 1};

bool table_is_text(enum table_kind kind)
{
    return kind == TABLE_TEXT || kind == TABLE_CLIENT || kind == TABLE_PLACE;
}

/* --- the rows of a document ---------------------------------------------- */

static const struct table_row *table_find(const struct table_row *rows,
                                          size_t n, const json_t *key)
{
    for (size_t i = 0; i < n; i++)
        if (json_equal(rows[i].key, key))
            return &rows[i];
    return NULL;
}

static double table_number(const json_t *entry, const char *key)
{
    return json_number_value(json_object_get(entry, key));
}

/* `before` is the same row of the last document; NULL: it is new. A total that
 * fell is that of another broker, started in its place. */
static double table_value(const struct table_column *column, json_t *entry,
                          const struct table_row *before, double seconds)
{
    double value = table_number(entry, column->key);
    if (column->kind != TABLE_RATE)
        return value;
    double grown =
        before ? value - table_number(before->entry, column->key) : 0;
    return grown > 0 && seconds > 0 ? grown / seconds : 0;
}

/* Documents may have been missed between the two. */
static double table_seconds(const json_t *before, const json_t *now)
{
    double documents = table_number(now, "seq") - table_number(before, "seq");
    return table_number(now, "interval") * (documents > 1 ? documents : 1);
}

void table_update(struct table *t, json_t *document)
{
    struct table_row rows[TABLE_ROWS_MAX];
    size_t n = 0, i;
    json_t *entry;
    double seconds = table_seconds(t->document, document);
    json_array_foreach(json_object_get(document, t->name), i, entry)
    {
        if (n == TABLE_ROWS_MAX)
            break;
        struct table_row *row = &rows[n++];
        row->entry = entry;
        row->key = json_object_get(entry, t->columns[0].key);
        const struct table_row *before = table_find(t->row, t->rows, row->key);
        for (size_t c = 0; t->columns[c].title; c++)
            row->value[c] = table_value(&t->columns[c], entry, before, seconds);
    }
    memcpy(t->row, rows, n * sizeof *rows);
    t->rows = n;
    json_decref(t->document);
    t->document = json_incref(document);
    t->documents++;
    table_arrange(t);
}

void table_fini(struct table *t)
{
    json_decref(t->document);
    t->document = NULL;
}

/* --- order and filter ---------------------------------------------------- */

static int table_compare(const void *left, const void *right, void *context)
{
    const struct table *t = context;
    const struct table_row *a = *(const struct table_row *const *)left;
    const struct table_row *b = *(const struct table_row *const *)right;
    int order = (a->value[t->order] > b->value[t->order]) -
                (a->value[t->order] < b->value[t->order]);
    if (order == 0 && table_is_text(t->columns[t->order].kind)) {
        char text[2][TABLE_TEXT_BYTES];
        table_cell(t, a, t->order, text[0]);
        table_cell(t, b, t->order, text[1]);
        order = -strcmp(text[0], text[1]); /* text is sorted from A */
    }
    if (order == 0)
        return (a > b) - (a < b); /* as the broker listed them */
    return t->is_ascending ? order : -order;
}

static bool table_passes(const struct table *t, const struct table_row *row)
{
    bool passes = t->filter[0] == '\0';
    for (size_t c = 0; t->columns[c].title && !passes; c++) {
        char text[TABLE_TEXT_BYTES];
        if (!table_is_text(t->columns[c].kind))
            continue;
        table_cell(t, row, c, text);
        passes = strcasestr(text, t->filter) != NULL;
    }
    return passes;
}

void table_arrange(struct table *t)
{
    t->shown = 0;
    for (size_t i = 0; i < t->rows; i++)
        if (table_passes(t, &t->row[i]))
            t->show[t->shown++] = &t->row[i];
    qsort_r(t->show, t->shown, sizeof(const struct table_row *), table_compare,
            t);
}

void table_order_by(struct table *t, int step)
{
    size_t columns = 0;
    while (t->columns[columns].title)
        columns++;
    assert(columns > 0);
    t->order = (t->order + columns + (size_t)step) % columns;
    table_arrange(t);
}

double table_figure(const struct table *t, const struct table_row *row,
                    const char *key)
{
    for (size_t c = 0; t->columns[c].title; c++)
        if (strcmp(t->columns[c].key, key) == 0)
            return row->value[c];
    return table_number(row->entry, key);
}

bool table_is_blank(const struct table *t, size_t column)
{
    const char *key = t->columns[column].key;
    for (size_t i = 0; i < t->rows; i++)
        if (t->row[i].value[column] > 0 ||
            json_is_string(json_object_get(t->row[i].entry, key)))
            return false;
    return true;
}

/* --- cells --------------------------------------------------------------- */

static void table_text(const json_t *value, char *out)
{
    const char *text = json_string_value(value);
    if (json_is_integer(value))
        snprintf(out, TABLE_TEXT_BYTES, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(value));
    else
        escape_text(text ? text : "-", out, TABLE_TEXT_BYTES);
}

static void table_client(const json_t *entry, char *out)
{
    char peer[TABLE_PEER_BYTES];
    const json_t *name = json_object_get(entry, "name");
    const char *text = json_string_value(json_object_get(entry, "peer"));
    escape_text(text ? text : "-", peer, sizeof peer);
    out[0] = '\0';
    if (json_is_string(name))
        table_text(name, out);
    size_t length = strlen(out);
    if (length + sizeof peer < TABLE_TEXT_BYTES)
        sprintf(out + length, "%s%s", length > 0 ? " " : "", peer);
}

static void table_place(const json_t *entry, char *out)
{
    const json_t *channel = json_object_get(entry, "channel");
    const char *full = json_string_value(json_object_get(entry, "waits_for"));
    double others = table_number(entry, "lanes") - 1;
    size_t length = 0;
    if (json_is_string(channel) || !full) {
        table_text(channel, out);
        length = strlen(out);
    }
    if (json_is_string(channel) && others > 0)
        length += (size_t)snprintf(out + length, TABLE_TEXT_BYTES - length,
                                   " and %.0f more", others);
    if (!full || length + sizeof ", waits for " > TABLE_TEXT_BYTES)
        return;
    length += (size_t)sprintf(out + length, "%swaits for ", length ? ", " : "");
    escape_text(full, out + length, TABLE_TEXT_BYTES - length);
}

static void table_limit(char *out, double value)
{
    if (value > 0)
        figure_bytes(out, value);
    else
        snprintf(out, FIGURE_BYTES, "-");
}

static void table_most(char *out, double value)
{
    if (value > 0)
        figure_count(out, value);
    else
        snprintf(out, FIGURE_BYTES, "-");
}

void table_cell(const struct table *t, const struct table_row *row,
                size_t column, char out[TABLE_TEXT_BYTES])
{
    static void (*const figures[])(char *, double) = {
        [TABLE_COUNT] = figure_count, [TABLE_RATE] = figure_count,
        [TABLE_BYTES] = figure_bytes, [TABLE_LIMIT] = table_limit,
        [TABLE_AGE] = figure_age,     [TABLE_MOST] = table_most,
    };
    const struct table_column *c = &t->columns[column];
    if (c->kind == TABLE_TEXT)
        table_text(json_object_get(row->entry, c->key), out);
    else if (c->kind == TABLE_CLIENT)
        table_client(row->entry, out);
    else if (c->kind == TABLE_PLACE)
        table_place(row->entry, out);
    else
        figures[c->kind](out, row->value[column]);
}

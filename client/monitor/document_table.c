/* SPDX-License-Identifier: MIT */
#include "client/monitor/document_table.h"

#include "client/control_table.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct document_column {
    const char *name; /* of the control socket */
    const char *key;  /* of the documents */
};

enum { DOCUMENT_COLUMNS = 24 };

/* In the order of the control socket, which scripts count on. */
static const struct document_kind {
    const char *key;
    struct document_column columns[DOCUMENT_COLUMNS]; /* up to a NULL name */
} document_kinds[] = {
    [DOCUMENT_CHANNELS] = {"channels",
                           {{"channel", "name"},
                            {"kind", "kind"},
                            {"waiting", "depth"},
                            {"bytes", "bytes"},
                            {"limit", "limit_bytes"},
                            {"readers", "subscribers"},
                            {"in", "in"},
                            {"out", "out"},
                            {"dropped", "dropped"},
                            {"paused", "paused"},
                            {"age_ms", "age_ms"},
                            {"held", "held"},
                            {"workers", "workers"},
                            {"parked", "parked_bytes"},
                            {"unseen", "unseen"},
                            {"durable", "durable"},
                            {"on_disk", "disk_bytes"},
                            {"unacked", "unacked"}}},
    [DOCUMENT_CLIENTS] = {"clients",
                          {{"conn", "conn"},
                           {"address", "peer"},
                           {"state", "state"},
                           {"channel", "channel"},
                           {"waiting", "depth"},
                           {"bytes", "bytes"},
                           {"in", "in"},
                           {"out", "out"},
                           {"dropped", "dropped"},
                           {"waits_for", "waits_for"},
                           {"protocol", "protocol"},
                           {"name", "name"},
                           {"lanes", "lanes"},
                           {"held", "held"},
                           {"requests", "requests"},
                           {"parked", "parked_bytes"},
                           {"user", "user"},
                           {"way", "way"},
                           {"tls", "tls"},
                           {"cipher", "cipher"}}},
};

/* Names are encoded in both, so there is neither a tab nor a line's end; those
 * of another program than a broker are left out. */
static void document_write_cell(const json_t *value, FILE *out)
{
    const char *text = json_string_value(value);
    if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_number(value))
        fprintf(out, "%.0f", json_number_value(value));
    else if (text && !text[strcspn(text, "\t\n")])
        fputs(text, out);
}

static void document_write_row(const struct document_kind *kind,
                               const json_t *row, FILE *out)
{
    const struct document_column *c = kind->columns;
    for (; c->name; c++) {
        if (c > kind->columns)
            fputc('\t', out);
        if (row)
            document_write_cell(json_object_get(row, c->key), out);
        else
            fputs(c->name, out);
    }
    fputc('\n', out);
}

/* To be freed; NULL when the document has no such list, or there is no memory.
 */
static char *document_write(const struct document_kind *kind,
                            const json_t *rows)
{
    char *text = NULL;
    size_t n, i;
    const json_t *row;
    FILE *out = json_is_array(rows) ? open_memstream(&text, &n) : NULL;
    if (!out)
        return NULL;
    document_write_row(kind, NULL, out);
    json_array_foreach(rows, i, row) document_write_row(kind, row, out);
    return fclose(out) == 0 ? text : NULL;
}

bool document_table_add(struct control_table *t, const char *text, size_t n,
                        enum document_list list, uint64_t *unlisted)
{
    const struct document_kind *kind = &document_kinds[list];
    json_t *all = json_loadb(text, n, 0, NULL);
    const json_t *document = json_object_get(all, kind->key);
    json_t *rows = json_object_get(document, kind->key);
    json_int_t total = json_integer_value(json_object_get(document, "total"));
    size_t listed = json_array_size(rows);
    uint64_t ignored;
    char *page = document_write(kind, rows);
    *unlisted =
        total > (json_int_t)listed ? (uint64_t)total - (uint64_t)listed : 0;
    json_decref(all);
    return page && control_table_add(t, page, &ignored);
}

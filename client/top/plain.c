/* SPDX-License-Identifier: MIT */
#include "client/top/plain.h"

/* The widest text comes last, where it disturbs no other column. */
static void plain_print_cells(const struct table *t,
                              const struct table_row *row, FILE *out)
{
    char text[TABLE_TEXT_BYTES] = "";
    size_t widest = 0;
    for (size_t c = 0; t->columns[c].title; c++) {
        const struct table_column *column = &t->columns[c];
        if (column->width == 0) {
            widest = c;
            continue;
        }
        if (row)
            table_cell(t, row, c, text);
        bool is_left = table_is_text(column->kind);
        fprintf(out, "%*s  ", is_left ? -column->width : column->width,
                row ? text : column->title);
    }
    if (row)
        table_cell(t, row, widest, text);
    fprintf(out, "%s\n", row ? text : t->columns[widest].title);
}

static void plain_print_table(const struct table *t, FILE *out)
{
    fputc('\n', out);
    plain_print_cells(t, NULL, out);
    for (size_t i = 0; i < t->shown; i++)
        plain_print_cells(t, t->show[i], out);
}

void plain_print(const struct model *m, FILE *out)
{
    char line[MODEL_LINES][MODEL_LINE_BYTES], headline[MODEL_LINE_BYTES];
    model_print_totals(m, line);
    model_print_headline(m, headline);
    for (size_t i = 0; i < MODEL_LINES; i++)
        fprintf(out, "%s\n", line[i]);
    if (headline[0])
        fprintf(out, "%s\n", headline);
    for (size_t i = 0; i < MODEL_TABLES; i++)
        if (model_has(m, (enum model_table)i))
            plain_print_table(&m->table[i], out);
}

void plain_print_json(const struct model *m, FILE *out)
{
    json_t *all = json_pack("{sOsOsOsO*}", "stats", m->stats, "channels",
                            m->table[MODEL_CHANNELS].document, "clients",
                            m->table[MODEL_CLIENTS].document, "users",
                            m->table[MODEL_USERS].document);
    json_dumpf(all, out, JSON_COMPACT | JSON_REAL_PRECISION(15));
    fputc('\n', out);
    json_decref(all);
}

/* SPDX-License-Identifier: MIT */
#include "client/top/plain.h"

/* The widest text comes last, where it disturbs no other column. */
static void plain_print_cells(const struct sheet *s,
                              const struct sheet_row *row, FILE *out)
{
    char text[SHEET_TEXT_BYTES] = "";
    size_t widest = 0;
    for (size_t c = 0; s->columns[c].title; c++) {
        const struct sheet_column *column = &s->columns[c];
        if (column->width == 0) {
            widest = c;
            continue;
        }
        if (row)
            sheet_cell(s, row, c, text);
        bool is_left = sheet_is_text(column->kind);
        fprintf(out, "%*s  ", is_left ? -column->width : column->width,
                row ? text : column->title);
    }
    if (row)
        sheet_cell(s, row, widest, text);
    fprintf(out, "%s\n", row ? text : s->columns[widest].title);
}

static void plain_print_sheet(const struct sheet *s, FILE *out)
{
    fputc('\n', out);
    plain_print_cells(s, NULL, out);
    for (size_t i = 0; i < s->shown; i++)
        plain_print_cells(s, s->show[i], out);
}

void plain_print(const struct board *b, FILE *out)
{
    char line[BOARD_LINES][BOARD_LINE_BYTES], headline[BOARD_LINE_BYTES];
    board_print_totals(b, line);
    board_print_headline(b, headline);
    for (size_t i = 0; i < BOARD_LINES; i++)
        fprintf(out, "%s\n", line[i]);
    if (headline[0])
        fprintf(out, "%s\n", headline);
    for (size_t i = 0; i < BOARD_SHEETS; i++)
        plain_print_sheet(&b->sheet[i], out);
}

void plain_print_json(const struct board *b, FILE *out)
{
    json_t *all = json_pack("{sOsOsO}", "stats", b->stats, "channels",
                            b->sheet[BOARD_CHANNELS].document, "clients",
                            b->sheet[BOARD_CLIENTS].document);
    json_dumpf(all, out, JSON_COMPACT | JSON_REAL_PRECISION(15));
    fputc('\n', out);
    json_decref(all);
}

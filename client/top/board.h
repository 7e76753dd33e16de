/* SPDX-License-Identifier: MIT
 *
 * board - one broker as `sluice top` knows it: its totals and two sheets. It
 * knows no screen.
 */
#ifndef SLUICE_CLIENT_TOP_BOARD_H
#define SLUICE_CLIENT_TOP_BOARD_H

#include "client/monitor/report.h"
#include "client/top/sheet.h"

enum board_sheet { BOARD_CHANNELS, BOARD_CLIENTS, BOARD_SHEETS };

struct board {
    json_t *stats;    /* NULL: none came */
    json_t *before;   /* the stats before these; NULL: none */
    size_t documents; /* of stats that came */
    int64_t heard_at; /* when, on the monotonic clock */
    struct sheet sheet[BOARD_SHEETS];
};

enum { BOARD_LINES = 3, BOARD_LINE_BYTES = 512 };

void board_init(struct board *b);
void board_fini(struct board *b);

void board_take(struct board *b, const struct report *r);

/* Documents of each kind that have come. */
size_t board_rounds(const struct board *b);

/* The totals in a few lines, harmless for a terminal. */
void board_print_totals(const struct board *b,
                        char line[BOARD_LINES][BOARD_LINE_BYTES]);

/* What is wrong with the worst channel, in a sentence; "" when nothing waits
 * and nothing is lost. */
void board_print_headline(const struct board *b, char out[BOARD_LINE_BYTES]);

/* Milliseconds of silence beyond three intervals; 0: it is not silent. */
int64_t board_silent_ms(const struct board *b);

#endif

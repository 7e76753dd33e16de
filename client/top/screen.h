/* SPDX-License-Identifier: MIT
 *
 * screen - a board in a terminal, and the keys that change what it shows.
 */
#ifndef SLUICE_CLIENT_TOP_SCREEN_H
#define SLUICE_CLIENT_TOP_SCREEN_H

#include "client/top/board.h"

struct screen {
    struct board *board;
    enum board_sheet sheet; /* that is shown */
    size_t scrolled;        /* rows that are above the screen */
    bool is_helping, is_filtering, is_over;
    const char *endpoint;
};

/* False when the terminal can do too little. From then on, and until
 * screen_close(), the terminal is the screen's. */
bool screen_open(struct screen *s);
void screen_close(void);

void screen_draw(const struct screen *s);

/* Handles what was typed; does not wait for more. */
void screen_read_keys(struct screen *s);

#endif

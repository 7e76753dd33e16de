/* SPDX-License-Identifier: MIT
 *
 * screen - a model in a terminal, and the keys that change what it shows.
 */
#ifndef SLUICE_CLIENT_TOP_SCREEN_H
#define SLUICE_CLIENT_TOP_SCREEN_H

#include "client/top/model.h"

struct screen {
    struct model *model;
    enum model_table table; /* that is shown */
    size_t scrolled;        /* rows that are above the screen */
    bool is_helping, is_filtering, is_over;
    const char *endpoint;
};

/* False when the terminal lacks what this needs. Otherwise the terminal belongs
 * to the screen until screen_close(). */
bool screen_open(struct screen *s);
void screen_close(void);

/* The tables, as much of them as there is room for. */
void screen_draw(const struct screen *s);

/* Handles the keys typed so far; does not wait for more. */
void screen_read_keys(struct screen *s);

#endif

/* SPDX-License-Identifier: MIT */
#include "client/top/figure.h"

#include <stdio.h>

/* Three digits and a letter, so that columns of them line up. */
static void figure_scaled(char *out, double value, double step,
                          const char *letters)
{
    int power = 0;
    while (value >= 999.5 && letters[power + 1]) {
        value /= step;
        power++;
    }
    if (power == 0)
        snprintf(out, FIGURE_BYTES, "%.0f", value);
    else
        snprintf(out, FIGURE_BYTES, "%.*f%c",
                 value < 9.995   ? 2
                 : value < 99.95 ? 1
                                 : 0,
                 value, letters[power]);
}

void figure_count(char out[FIGURE_BYTES], double value)
{
    figure_scaled(out, value, 1000, " kMGT");
}

void figure_bytes(char out[FIGURE_BYTES], double value)
{
    figure_scaled(out, value, 1024, " KMGT");
}

void figure_age(char out[FIGURE_BYTES], double ms)
{
    static const struct {
        double below, unit;
        int decimals;
        const char *name;
    } forms[] = {
        {1000, 1, 0, "ms"},
        {100e3, 1e3, 1, "s"},
        {100 * 60e3, 60e3, 0, "m"},
        {0, 3600e3, 0, "h"}, /* anything longer */
    };
    int i = 0;
    if (ms <= 0) {
        snprintf(out, FIGURE_BYTES, "-");
        return;
    }
    while (forms[i].below > 0 && ms >= forms[i].below)
        i++;
    snprintf(out, FIGURE_BYTES, "%.*f%s", forms[i].decimals, ms / forms[i].unit,
             forms[i].name);
}

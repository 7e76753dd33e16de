/* SPDX-License-Identifier: MIT
 *
 * report - what a benchmark found, for people or for programs.
 */
#ifndef SLUICE_CLIENT_BENCH_REPORT_H
#define SLUICE_CLIENT_BENCH_REPORT_H

#include "client/bench/course.h"

#include <stdio.h>

struct report {
    const struct plan *plan;
    const struct tally *tally;
    const struct outcome *outcome;
};

void report_print_table(const struct report *r, FILE *out);

/* One object on one line. Latencies are null when messages were too small to
 * carry a stamp. */
void report_print_json(const struct report *r, FILE *out);

#endif

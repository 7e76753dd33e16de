/* SPDX-License-Identifier: MIT
 *
 * bench_report - the results of a benchmark, for people or for programs.
 */
#ifndef SLUICE_CLIENT_BENCH_BENCH_REPORT_H
#define SLUICE_CLIENT_BENCH_BENCH_REPORT_H

#include "client/bench/run.h"

#include <stdio.h>

struct bench_report {
    const struct plan *plan;
    const struct tally *tally;
    const struct outcome *outcome;
};

/* Lines for people to read. */
void bench_report_print_table(const struct bench_report *r, FILE *out);

/* One object on one line. Latencies are null when messages were too small to
 * carry a stamp. */
void bench_report_print_json(const struct bench_report *r, FILE *out);

#endif

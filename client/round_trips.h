/* SPDX-License-Identifier: MIT
 *
 * round_trips - statistics of `sluice ping`: least, mean, most, and the
 * standard deviation, without keeping the samples.
 */
#ifndef SLUICE_CLIENT_ROUND_TRIPS_H
#define SLUICE_CLIENT_ROUND_TRIPS_H

#include <stdint.h>

struct round_trips {
    uint64_t sent, received;
    double least_ms, most_ms, mean_ms; /* 0 when nothing was received */
    double squares; /* sum of the squared distances from the mean */
};

/* Counts a message that came back after `time_ms`. */
void round_trips_add(struct round_trips *r, double time_ms);

/* The standard deviation of all times so far. */
double round_trips_deviation_ms(const struct round_trips *r);

/* The share of `sent` messages that did not come back, in percent; 0 when none
 * was sent. */
double round_trips_lost_percent(const struct round_trips *r);

#endif

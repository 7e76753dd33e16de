/* SPDX-License-Identifier: MIT
 *
 * figure - numbers for people, in at most six characters.
 */
#ifndef SLUICE_CLIENT_TOP_FIGURE_H
#define SLUICE_CLIENT_TOP_FIGURE_H

enum { FIGURE_BYTES = 16 };

/* 950, 12.3k, 4.56M: by powers of 1000. */
void figure_count(char out[FIGURE_BYTES], double value);

/* 950, 12.3K, 4.56M: by powers of 1024. */
void figure_bytes(char out[FIGURE_BYTES], double value);

/* -, 80ms, 1.5s, 12m, 3h */
void figure_age(char out[FIGURE_BYTES], double ms);

#endif

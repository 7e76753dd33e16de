/* SPDX-License-Identifier: MIT
 *
 * plain - a model on standard output: as lines of text, or as JSON.
 */
#ifndef SLUICE_CLIENT_TOP_PLAIN_H
#define SLUICE_CLIENT_TOP_PLAIN_H

#include "client/top/model.h"

#include <stdio.h>

/* The tables as text, as wide as they need to be. */
void plain_print(const struct model *m, FILE *out);

/* One line: {"stats": ..., "channels": ..., "clients": ..., "users": ...}, the
 * last of these if the broker has it. */
void plain_print_json(const struct model *m, FILE *out);

#endif

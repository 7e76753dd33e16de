/* SPDX-License-Identifier: MIT
 *
 * sources - all that options come from, read in one go: the command line
 * beats the environment, which beats the file.
 */
#ifndef SLUICE_BROKER_SOURCES_H
#define SLUICE_BROKER_SOURCES_H

#include "broker/arguments.h"

struct complaints;
struct options;

/* Makes options of what the sources say now, to be freed with sources_free;
 * a->wish tells what for. NULL when something is wrong, which was told. */
struct options *sources_read(struct arguments *a, struct complaints *c);

void sources_free(struct options *o); /* NULL is allowed */

#endif

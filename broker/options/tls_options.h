/* SPDX-License-Identifier: MIT
 *
 * tls_options - whether the options for TLS belong together.
 */
#ifndef SLUICE_OPTIONS_TLS_OPTIONS_H
#define SLUICE_OPTIONS_TLS_OPTIONS_H

#include <stdbool.h>

struct mistakes;
struct options;

/* False, with a mistake, when one of them needs another that is not given. No
 * file is looked at. */
bool tls_options_check(const struct options *o, struct mistakes *m);

#endif

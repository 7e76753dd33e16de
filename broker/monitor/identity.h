/* SPDX-License-Identifier: MIT
 *
 * identity - the default name and colour of a broker.
 */
#ifndef SLUICE_MONITOR_IDENTITY_H
#define SLUICE_MONITOR_IDENTITY_H

enum { IDENTITY_NAME_BYTES = 320, IDENTITY_COLOR_BYTES = 8 };

/* The name of the host, and the port or path of `address`; the process id
 * replaces port 0, which means any port. */
void identity_name(const char *address, char out[IDENTITY_NAME_BYTES]);

/* The same name always gets the same colour: #rrggbb. */
void identity_color(const char *name, char out[IDENTITY_COLOR_BYTES]);

#endif

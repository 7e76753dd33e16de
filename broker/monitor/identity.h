/* SPDX-License-Identifier: MIT
 *
 * identity - what a broker is called, and in which colour it is drawn, unless
 * somebody says so.
 */
#ifndef SLUICE_MONITOR_IDENTITY_H
#define SLUICE_MONITOR_IDENTITY_H

enum { IDENTITY_NAME_BYTES = 320, IDENTITY_COLOR_BYTES = 8 };

/* The host's name and the port, or path, of the address it listens on; with
 * port 0, which is any, the number of the process. */
void identity_name(const char *address, char out[IDENTITY_NAME_BYTES]);

/* The same name has always the same colour: #rrggbb. */
void identity_color(const char *name, char out[IDENTITY_COLOR_BYTES]);

#endif

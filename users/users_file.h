/* SPDX-License-Identifier: MIT
 *
 * users_file - reads a users file, in the form of common/ini.h:
 *
 *     [role "sensor"]
 *     publish  = /topic/sensors
 *
 *     [user "thermo"]
 *     role     = sensor
 *     password = $y$j9T$...
 *
 * A file with one mistake is no file: half of what it says could give somebody
 * more than was meant, or lock somebody out.
 */
#ifndef SLUICE_USERS_USERS_FILE_H
#define SLUICE_USERS_USERS_FILE_H

struct mistakes;
struct users;

/* Reads a file that only its owner, and for reading its group, may open. Every
 * mistake is reported, with file and line; NULL when there is one. The caller
 * owns the result (users_unref). */
struct users *users_file_read(const char *path, struct mistakes *m);

#endif

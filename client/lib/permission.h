/* SPDX-License-Identifier: MIT
 *
 * permission - why a unix socket may not be used: its owner and group, or the
 * folder that is closed.
 */
#ifndef SLUICE_CLIENT_LIB_PERMISSION_H
#define SLUICE_CLIENT_LIB_PERMISSION_H

#include <stddef.h>

/* After connect(2) to `path` failed with EACCES: writes which users may use it,
 * a clause without a full stop, such as "you are not in group 'sluice' of
 * /run/sluice"; "" when owner, group and mode do not explain it. May ask the
 * system's database of users, over the network where that is. */
void sluice_permission_explain(const char *path, char *out, size_t room);

#endif

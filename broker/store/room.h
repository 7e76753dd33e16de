/* SPDX-License-Identifier: MIT
 *
 * room - how much may be put so that it certainly finds space. Another process
 * may fill the disk at any time, so only files that there are count: the rest
 * of the newest segment, or the spares beyond the reserve. The next of them is
 * made before it is needed.
 */
#ifndef SLUICE_STORE_ROOM_H
#define SLUICE_STORE_ROOM_H

#include "broker/store/engine_parts.h"

/* See engine_room(). */
struct store_room room_of(const struct engine *e);

/* Makes the file of the next segment if the newest is half full. Without space
 * for it, and if there is hardly any room left, the store is full. */
void room_provide(struct engine *e);

#endif

/* SPDX-License-Identifier: MIT */
#include "broker/store/room.h"

#include "broker/store/writer.h"

enum {
    /* What is put may take twice its bytes: zeros to a page, acknowledgements
     * between, STATE when it grows, what does not fit at the end of a
     * segment. */
    ROOM_SHARE = 2,
    LEAST_SHARE = 64, /* of a segment: with less room the store is full */
};

static uint64_t room_bytes(const struct engine *e)
{
    uint64_t here = writer_room(e, true) / ROOM_SHARE;
    uint64_t next = writer_next_room(e) / ROOM_SHARE;
    return e->shelf.spares > SHELF_RESERVE && next > here ? next : here;
}

struct store_room room_of(const struct engine *e)
{
    struct store_room room = {0, 0};
    if (e->state != STORE_OPEN)
        return room;
    room.bytes = room.most = room_bytes(e);
    uint64_t least = e->shelf.segment_bytes;
    uint64_t space = e->is_last ? 0 : shelf_space(&e->shelf);
    if (e->shelf.spares > SHELF_RESERVE)
        space += least;
    /* One that is larger gets a segment of its own. */
    if (space >= least && space - least + writer_next_room(e) > room.most)
        room.most = space - least + writer_next_room(e);
    return room;
}

void room_provide(struct engine *e)
{
    e->is_last = writer_room(e, true) < writer_next_room(e) / ROOM_SHARE &&
                 shelf_make_spares(&e->shelf, SHELF_RESERVE + 1) != 0;
    if (e->is_last && room_bytes(e) < e->shelf.segment_bytes / LEAST_SHARE)
        e->state = STORE_FULL;
}

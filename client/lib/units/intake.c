/* SPDX-License-Identifier: MIT */
#include "client/lib/units/intake.h"

#include "proto/head.h"

#include <stdlib.h>

enum frame_status sluice_intake_take(struct sluice_inbox *in,
                                     struct sluice_bytes *head,
                                     struct sluice_bytes *body)
{
    size_t waiting = in->tail - in->head;
    if (waiting == 0)
        return FRAME_MORE;
    struct frame frame;
    const uint8_t *at = in->bytes + in->head;
    enum frame_status status = frame_decode(at, waiting, HEAD_MAX, &frame);
    if (status != FRAME_OK)
        return status;
    *head = (struct sluice_bytes){frame.body, frame.length};
    size_t size = frame_size(frame.length);
    status = frame_decode(at + size, waiting - size, in->limit, &frame);
    if (status != FRAME_OK)
        return status;
    *body = (struct sluice_bytes){frame.body, frame.length};
    in->head += size + frame_size(frame.length);
    return FRAME_OK;
}

void sluice_intake_lend(struct sluice_inbox *in)
{
    if (in->lent != in->bytes)
        free(in->lent);
    in->lent = in->bytes;
}

void sluice_intake_drop(struct sluice_inbox *in)
{
    in->head = in->tail;
}

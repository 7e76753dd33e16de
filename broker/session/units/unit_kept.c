/* SPDX-License-Identifier: MIT */
#include "broker/session/units/unit_kept.h"

#include <string.h>

#include "broker/core/block.h"
#include "broker/session/units/unit.h"
#include "proto/frame.h"

struct unit_kept unit_kept_of(const struct unit *u)
{
    return (struct unit_kept){.block = u->block,
                              .body_length = u->body_length,
                              .head_length = u->text_length};
}

uint64_t unit_kept_size(const struct unit_kept *k)
{
    return frame_size(k->head_length) + frame_size(k->body_length);
}

size_t unit_kept_bytes(const struct unit_kept *k)
{
    return k->head_length + (k->block ? 0 : frame_size(k->body_length));
}

void unit_kept_copy(const struct unit_kept *k, uint8_t *bytes,
                    const struct unit *u, struct account *account)
{
    memcpy(bytes, u->text, k->head_length);
    if (k->block)
        block_assign(block_ref(k->block), account);
    else
        memcpy(bytes + k->head_length, u->body - FRAME_HEAD_BYTES,
               frame_size(k->body_length));
}

void unit_kept_read(const struct unit_kept *k, const uint8_t *bytes,
                    struct unit *out)
{
    const uint8_t *frame = k->block ? k->block->bytes : bytes + k->head_length;
    *out = (struct unit){.text = bytes,
                         .text_length = k->head_length,
                         .body_length = k->body_length,
                         .body = frame + FRAME_HEAD_BYTES,
                         .block = k->block};
    (void)head_parse(&out->head, bytes, k->head_length);
}

void unit_kept_drop(const struct unit_kept *k)
{
    if (k->block)
        block_unref(k->block);
}

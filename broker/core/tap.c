/* SPDX-License-Identifier: MIT */
#include "broker/core/tap.h"

#include "broker/core/core.h"
#include "broker/core/name_class.h"

bool tap_open(struct tap *t, struct core *c, const uint8_t *name,
              uint32_t length, tap_fn *on_slice)
{
    enum name_class name_class = name_class_of(name, length);
    *t = (struct tap){.on_slice = on_slice};
    if (name_class == NAME_NULL || name_class == NAME_SYS)
        return false;
    struct channel *ch = directory_obtain(&c->directory, name, length);
    if (!ch || ch->tap)
        return false;
    channel_commit(ch); /* earlier messages are not for it */
    ch->tap = t;
    t->channel = ch;
    return true;
}

void tap_close(struct tap *t)
{
    struct channel *ch = t->channel;
    if (!ch)
        return;
    t->channel = NULL;
    ch->tap = NULL;
    channel_touch(ch);
}

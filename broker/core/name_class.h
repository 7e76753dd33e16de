/* SPDX-License-Identifier: MIT
 *
 * name_class - the class of a channel, by its name alone.
 */
#ifndef SLUICE_CORE_NAME_CLASS_H
#define SLUICE_CORE_NAME_CLASS_H

#include <stddef.h>
#include <stdint.h>

enum name_class {
    NAME_TOPIC, /* each message to every subscriber */
    NAME_QUEUE, /* each message to exactly one */
    NAME_NULL,  /* messages are discarded, there are no subscribers */
    NAME_SYS,   /* the broker's own; a topic to subscribers */
};

/* Decides by prefixes alone; see proto/channel_name.h. */
enum name_class name_class_of(const uint8_t *name, size_t length);

#endif

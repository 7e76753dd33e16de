/* SPDX-License-Identifier: MIT
 *
 * MQTT 3.1.1 at quality of service 0, which is what the other brokers do, too.
 */
#include "tests/bench/load/dialect.h"

#include <stdio.h>
#include <string.h>

enum {
    MQTT_CONNECT = 0x10,
    MQTT_PUBLISH = 0x30,
    MQTT_SUBSCRIBE = 0x82,
    MQTT_CONNACK_BYTES = 4,
    MQTT_SUBACK_BYTES = 5,
};

static void mqtt_name_channel(struct dialect_channel *c, uint32_t index)
{
    snprintf(c->name, sizeof c->name, "bench%03u", (unsigned)index);
}

/* Seven bits to a byte, the lowest first. */
static uint8_t *mqtt_put_length(uint8_t *out, size_t length)
{
    while (length >= 128) {
        *out++ = (uint8_t)(length | 128);
        length /= 128;
    }
    *out++ = (uint8_t)length;
    return out;
}

static uint8_t *mqtt_put_text(uint8_t *out, const char *text)
{
    size_t length = strlen(text);
    *out++ = (uint8_t)(length >> 8);
    *out++ = (uint8_t)length;
    memcpy(out, text, length);
    return out + length;
}

/* An empty name with a clean session: the broker makes one up. */
static bool mqtt_greet_publisher(int fd)
{
    static const uint8_t connect[] = {
        MQTT_CONNECT, 12, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 0,
    };
    return dialect_say(fd, connect, sizeof connect) &&
           dialect_hear_bytes(fd, MQTT_CONNACK_BYTES);
}

static bool mqtt_greet_subscriber(int fd, const struct dialect_channel *c)
{
    uint8_t packet[DIALECT_HEAD_BYTES], *end = packet;
    *end++ = MQTT_SUBSCRIBE;
    end = mqtt_put_length(end, 2 + 2 + strlen(c->name) + 1);
    *end++ = 0;
    *end++ = 1; /* the packet's number */
    end = mqtt_put_text(end, c->name);
    *end++ = 0; /* quality of service */
    return mqtt_greet_publisher(fd) &&
           dialect_say(fd, packet, (size_t)(end - packet)) &&
           dialect_hear_bytes(fd, MQTT_SUBACK_BYTES);
}

static size_t mqtt_head(uint8_t *out, const struct dialect_channel *c,
                        uint32_t size)
{
    uint8_t *end = out;
    *end++ = MQTT_PUBLISH;
    end = mqtt_put_length(end, 2 + strlen(c->name) + size);
    end = mqtt_put_text(end, c->name);
    return (size_t)(end - out);
}

const struct dialect dialect_mqtt = {
    .name = "mqtt",
    .name_channel = mqtt_name_channel,
    .greet_publisher = mqtt_greet_publisher,
    .greet_subscriber = mqtt_greet_subscriber,
    .publish_head = mqtt_head,
    .deliver_head = mqtt_head,
    .tail = "",
};

/* SPDX-License-Identifier: MIT */
#include "client/monitor/known.h"

#include <stdbool.h>
#include <string.h>

enum {
    TEXT_MAX = 1024, /* bytes: above those of a channel's name, encoded */
    KEY_MAX = 64,    /* bytes of a counter's name, or of an event's key */
    COUNTERS_MAX = 128,
    EVENT_KEYS_MAX = 32,
};

/* The keys of a document and of each row of its list, each ending with NULL. */

static const char *const stats_keys[] = {
    "color",   "timestamp", "cpu",    "mem",      "source", "broker",   "name",
    "version", "pid",       "uptime", "interval", "seq",    "stopping", NULL};

static const char *const list_keys[] = {"broker", "timestamp", "interval",
                                        "seq",    "total",     NULL};

static const char *const channel_keys[] = {
    "name",    "kind",         "subscribers",    "in",         "out",
    "dropped", "depth",        "bytes",          "held_bytes", "paused",
    "pressed", "limit_bytes",  "limit_messages", "age_ms",     "recent",
    "held",    "parked_bytes", "workers",        "ready",      "redelivered",
    "durable", "disk_bytes",   "unacked",        "wildcards",  "unseen",
    NULL};

static const char *const client_keys[] = {"conn",
                                          "peer",
                                          "state",
                                          "channel",
                                          "waits_for",
                                          "tls",
                                          "cipher",
                                          "user",
                                          "way",
                                          "name",
                                          "in",
                                          "out",
                                          "dropped",
                                          "depth",
                                          "bytes",
                                          "limit_bytes",
                                          "limit_messages",
                                          "age_ms",
                                          "recent",
                                          "protocol",
                                          "lanes",
                                          "held",
                                          "parked_bytes",
                                          "requests",
                                          NULL};

static const char *const user_keys[] = {"name",
                                        "connections",
                                        "connections_limit",
                                        "memory_bytes",
                                        "memory_limit_bytes",
                                        "messages_limit",
                                        "bytes_limit",
                                        "denied",
                                        NULL};

static bool is_plain(const json_t *value)
{
    return json_is_string(value)
               ? json_string_length(value) <= TEXT_MAX
               : value && !json_is_object(value) && !json_is_array(value);
}

/* Values are shared with the original; they are never changed. A value that
 * cannot be added for want of memory is missing. */

static json_t *known_values(const json_t *object, const char *const *keys)
{
    json_t *out = json_object();
    for (; *keys; keys++) {
        json_t *value = json_object_get(object, *keys);
        if (is_plain(value))
            json_object_set(out, *keys, value);
    }
    return out;
}

/* Whatever their keys are. */
static json_t *known_any(json_t *object, size_t max)
{
    json_t *out = json_object(), *value;
    const char *key;
    json_object_foreach(object, key, value)
    {
        if (json_object_size(out) == max)
            break;
        if (is_plain(value) && strlen(key) <= KEY_MAX)
            json_object_set(out, key, value);
    }
    return out;
}

static json_t *known_rows(const json_t *array, const char *const *keys)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *row = json_array_get(array, i);
        if (json_array_size(out) == KNOWN_ROWS_MAX)
            break;
        if (json_is_object(row))
            json_array_append_new(out, known_values(row, keys));
    }
    return out;
}

static json_t *known_list(const json_t *document, const char *key,
                          const char *const *keys)
{
    json_t *out = known_values(document, list_keys);
    json_object_set_new(out, key,
                        known_rows(json_object_get(document, key), keys));
    return out;
}

json_t *known_stats(json_t *document)
{
    json_t *out = known_values(document, stats_keys);
    json_t *counters = json_object_get(document, "counters");
    if (json_is_object(counters))
        json_object_set_new(out, "counters", known_any(counters, COUNTERS_MAX));
    return out;
}

json_t *known_channels(json_t *document)
{
    return known_list(document, "channels", channel_keys);
}

json_t *known_clients(json_t *document)
{
    return known_list(document, "clients", client_keys);
}

json_t *known_users(json_t *document)
{
    return known_list(document, "users", user_keys);
}

json_t *known_event(json_t *document)
{
    return known_any(document, EVENT_KEYS_MAX);
}

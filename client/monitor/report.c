/* SPDX-License-Identifier: MIT */
#include "client/monitor/report.h"

#include "client/monitor/known.h"

#include <math.h>
#include <string.h>

enum {
    REPORT_NAME_MAX = 255,
    /* Parsed, a document of empty objects takes sixty times the memory of its
     * text. The longest of a broker has little more than half as many. */
    REPORT_VALUES_MAX = 4096,
};

static const struct {
    const char *name;
    const char *topic;
    json_t *(*known)(json_t *document); /* the part that is read */
} report_kinds[REPORT_KINDS] = {
    [REPORT_STATS] = {"stats", "sluice.stats", known_stats},
    [REPORT_CHANNELS] = {"channels", "sluice.channels", known_channels},
    [REPORT_CLIENTS] = {"clients", "sluice.clients", known_clients},
    [REPORT_USERS] = {"users", "sluice.users", known_users},
    [REPORT_EVENT] = {"event", "sluice.event", known_event},
};

const char *report_kind_name(enum report_kind kind)
{
    return report_kinds[kind].name;
}

const char *report_topic(enum report_kind kind)
{
    return report_kinds[kind].topic;
}

/* The kind that a first part announces, or REPORT_KINDS. */
static enum report_kind report_find_kind(const struct receiver_part *topic)
{
    enum report_kind kind = 0;
    while (kind < REPORT_KINDS &&
           (topic->length != strlen(report_kinds[kind].topic) ||
            memcmp(topic->data, report_kinds[kind].topic, topic->length) != 0))
        kind++;
    return kind;
}

static const char *report_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && *text && strlen(text) <= REPORT_NAME_MAX ? text : NULL;
}

/* A message of one part is from an application; four keys are all that it has
 * to know. It is called by its name, or by its colour if it sends no name. */
static bool report_identify(struct report *r)
{
    const char *source = report_text(r->document, "source");
    if (source && strcmp(source, "sluice") == 0)
        r->is_of_broker = true;
    if (r->is_of_broker)
        r->name = report_text(r->document, "broker");
    else
        r->name = report_text(r->document, "name");
    if (!r->name && !r->is_of_broker)
        r->name = report_text(r->document, "color");
    return r->name != NULL;
}

/* Commas and brackets outside of texts are counted. */
bool report_is_short(const char *text, size_t length, size_t documents)
{
    size_t values = 0;
    bool is_text = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '"')
            is_text = !is_text;
        else if (is_text)
            i += c == '\\';
        else
            values += c == ',' || c == '[' || c == '{';
    }
    return values <= documents * REPORT_VALUES_MAX;
}

bool report_read(struct report *r, const struct receiver_message *message)
{
    bool has_topic = message->parts == 2;
    if (message->parts < 1 || message->parts > 2)
        return false;
    r->kind = has_topic ? report_find_kind(&message->part[0]) : REPORT_STATS;
    if (r->kind == REPORT_KINDS)
        return false;
    const struct receiver_part *body = &message->part[message->parts - 1];
    r->document = report_is_short(body->data, body->length, 1)
                      ? json_loadb(body->data, body->length, 0, NULL)
                      : NULL;
    r->is_of_broker = has_topic;
    if (json_is_object(r->document) && report_identify(r))
        return true;
    report_fini(r);
    return false;
}

bool report_trim(struct report *r)
{
    struct report trimmed = *r;
    trimmed.document = report_kinds[r->kind].known(r->document);
    bool ok = trimmed.document && report_identify(&trimmed);
    if (ok)
        json_decref(r->document);
    else
        json_decref(trimmed.document);
    if (ok)
        *r = trimmed;
    return ok;
}

void report_fini(struct report *r)
{
    json_decref(r->document);
    r->document = NULL;
}

double report_number(const json_t *object, const char *key)
{
    double value = json_number_value(json_object_get(object, key));
    return isfinite(value) ? value : 0;
}

double report_counter(const json_t *stats, const char *name)
{
    return report_number(json_object_get(stats, "counters"), name);
}

double report_dropped(const json_t *stats)
{
    double sum = 0;
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(stats, "counters"), name,
                        value) if (strncmp(name, "dropped_", 8) == 0) sum +=
        json_number_value(value);
    return sum;
}

/* SPDX-License-Identifier: MIT */
#include "broker/monitor/document.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "broker/base/counters.h"
#include "broker/base/log_field.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/column.h"
#include "broker/monitor/survey.h"
#include "broker/net/peer.h"
#include "common/address.h"
#include "common/percent.h"
#include "proto/head.h"
#include "proto/spelling.h"
#include "users/users.h"

enum { NAME_BYTES = 1024 }; /* a channel's name, encoded */

/* jansson's setters own their value even when they fail, and fail when it is
 * NULL: without memory a value is missing from the document, and none leaks.
 * Only the last step is checked. */

static void put_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_string(text));
}

static void put_text_or_null(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, text ? json_string(text) : json_null());
}

static void put_number(json_t *object, const char *key, uint64_t n)
{
    json_object_set_new(object, key, json_integer((json_int_t)n));
}

static void put_real(json_t *object, const char *key, double x)
{
    json_object_set_new(object, key, json_real(x));
}

static void put_name(json_t *object, const char *key, const uint8_t *name,
                     size_t length)
{
    char text[NAME_BYTES];
    json_t *value = json_null();
    if (name)
        value =
            json_stringn(text, percent_encode(name, length, text, NAME_BYTES));
    json_object_set_new(object, key, value);
}

/* As Python's isoformat() writes it, which readers of the book's format
 * expect. */
static void put_time(json_t *object)
{
    char text[64], date[32];
    struct timeval tv;
    struct tm tm;
    gettimeofday(&tv, NULL);
    gmtime_r(&tv.tv_sec, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof text, "%s.%06ld+00:00", date, (long)tv.tv_usec);
    put_text(object, "timestamp", text);
}

static char *finish(json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(root);
    return text;
}

/* The keys that every numbered document begins with. */
static json_t *begin(const struct broker_view *b, uint64_t seq)
{
    json_t *root = json_object();
    put_text(root, "broker", b->name);
    put_time(root);
    put_number(root, "seq", seq);
    return root;
}

static double interval_s(const struct broker_view *b)
{
    return (double)b->interval_ms / 1e3;
}

static json_t *counters_object(const struct broker_view *b)
{
    json_t *object = json_object();
    for (size_t i = 0; i < COUNTER_TOTAL; i++)
        put_number(object, counter_rows[i].name, b->counters->value[i]);
    return object;
}

typedef bool reason_fn(void *arg, size_t i, struct broker_view_reason *out);

static json_t *reasons_object(const struct broker_view *b, reason_fn *reason_at)
{
    json_t *object = json_object();
    struct broker_view_reason reason;
    for (size_t i = 0; reason_at(b->arg, i, &reason); i++)
        put_number(object, reason.name, reason.count);
    return object;
}

static json_t *stats(const struct broker_view *b)
{
    json_t *root = begin(b, b->seq);
    uint64_t rss = b->counters->value[COUNT_rss_bytes];
    put_text(root, "color", b->color);
    put_real(root, "cpu", b->cpu_percent);
    put_real(root, "mem", (double)rss / (1 << 20));
    put_text(root, "source", "sluice");
    put_text(root, "version", SLUICE_VERSION);
    put_number(root, "pid", (uint64_t)getpid());
    put_real(root, "uptime", broker_view_uptime_s(b));
    put_real(root, "interval", interval_s(b));
    json_object_set_new(root, "stopping", json_boolean(b->is_stopping));
    json_object_set_new(root, "counters", counters_object(b));
    json_object_set_new(root, "closed", reasons_object(b, b->reason));
    json_object_set_new(root, "tls_faults", reasons_object(b, b->tls_fault));
    return root;
}

/* Channels and clients. */

static void put_columns(json_t *row, const struct view *v, enum column_of of)
{
    for (size_t i = 0; i < VIEW_NUMBERS; i++)
        if (columns[i].of == COLUMN_OF_ALL || columns[i].of == of)
            put_number(row, columns[i].key, v->number[i]);
}

static json_t *channel_row(const struct view *v)
{
    json_t *row = json_object();
    put_name(row, "name", v->name, v->name_length);
    put_text(row, "kind", v->kind);
    put_columns(row, v, COLUMN_OF_CHANNEL);
    return row;
}

static json_t *client_row(const struct view *v)
{
    char peer[SLUICE_ADDRESS_TEXT_BYTES];
    json_t *row = json_object();
    peer_format(v->peer, peer, sizeof peer);
    put_number(row, "conn", v->conn);
    put_text(row, "peer", peer);
    put_name(row, "name", v->label, v->label_length);
    put_number(row, "protocol", v->protocol);
    put_text(row, "state", v->kind);
    put_text_or_null(row, "tls", v->tls);
    put_text_or_null(row, "cipher", v->cipher);
    put_text_or_null(row, "user", v->user);
    put_text_or_null(row, "way", v->way);
    put_name(row, "channel", v->name, v->name_length);
    put_name(row, "waits_for", v->waits_for, v->waits_for_length);
    put_columns(row, v, COLUMN_OF_CLIENT);
    return row;
}

static json_t *listing(const struct broker_view *b, uint64_t seq,
                       const struct ranking_list *list, uint64_t total,
                       const char *key, json_t *row_of(const struct view *v))
{
    json_t *root = begin(b, seq), *array = json_array();
    json_t *rest = json_object();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, row_of(list->rows[i]));
    put_columns(rest, &list->rest,
                row_of == channel_row ? COLUMN_OF_CHANNEL : COLUMN_OF_CLIENT);
    put_real(root, "interval", interval_s(b));
    put_number(root, "total", total);
    json_object_set_new(root, key, array);
    json_object_set_new(root, "rest", rest);
    return root;
}

static json_t *channels(const struct broker_view *b,
                        const struct survey_result *seen)
{
    return listing(b, seen->seq, &seen->channels, seen->channel_count,
                   "channels", channel_row);
}

static json_t *clients(const struct broker_view *b,
                       const struct survey_result *seen)
{
    return listing(b, seen->seq, &seen->clients, seen->client_count, "clients",
                   client_row);
}

/* Users. */

struct user_list {
    json_t *array, *rest;
    uint64_t total;
};

static void put_user(json_t *row, const struct broker_view_user *u)
{
    put_number(row, "connections", u->connections);
    put_number(row, "memory_bytes", u->memory_bytes);
    put_number(row, "denied", u->denied);
}

static void list_user(void *arg, const struct broker_view_user *u)
{
    struct user_list *list = arg;
    list->total += u->users;
    if (!u->name) {
        put_user(list->rest, u);
        return;
    }
    json_t *row = json_object();
    put_text(row, "name", u->name);
    put_user(row, u);
    put_number(row, "connections_limit", u->limits->connections);
    put_number(row, "memory_limit_bytes", u->limits->memory_bytes);
    put_number(row, "messages_limit", u->limits->messages_per_s);
    put_number(row, "bytes_limit", u->limits->bytes_per_s);
    json_array_append_new(list->array, row);
}

static json_t *users(const struct broker_view *b,
                     const struct survey_result *seen)
{
    static const struct broker_view_user nobody = {.name = NULL};
    json_t *root = begin(b, seen->seq);
    struct user_list list = {.array = json_array(), .rest = json_object()};
    put_user(list.rest, &nobody);
    b->show_users(b->arg, list_user, &list);
    put_real(root, "interval", interval_s(b));
    put_number(root, "total", list.total);
    json_object_set_new(root, "users", list.array);
    json_object_set_new(root, "rest", list.rest);
    return root;
}

char *document_stats(const struct broker_view *b)
{
    return finish(stats(b));
}

char *document_channels(const struct broker_view *b,
                        const struct survey_result *seen)
{
    return finish(channels(b, seen));
}

char *document_clients(const struct broker_view *b,
                       const struct survey_result *seen)
{
    return finish(clients(b, seen));
}

char *document_users(const struct broker_view *b,
                     const struct survey_result *seen)
{
    return finish(users(b, seen));
}

char *document_all(const struct broker_view *b,
                   const struct survey_result *seen)
{
    json_t *root = json_object();
    json_object_set_new(root, "stats", stats(b));
    json_object_set_new(root, "channels", channels(b, seen));
    json_object_set_new(root, "clients", clients(b, seen));
    json_object_set_new(root, "users", users(b, seen));
    return finish(root);
}

/* Events and taps. */

static void put_field(json_t *root, const struct log_field *f)
{
    const char *text = f->bytes;
    if (f->kind == LOG_FIELD_U64)
        put_number(root, f->key, f->number);
    else if (f->kind == LOG_FIELD_TEXT && text)
        put_text(root, f->key, text);
    else if (f->kind == LOG_FIELD_BYTES && f->bytes)
        put_name(root, f->key, f->bytes, f->length);
}

char *document_event(const struct broker_view *b, const char *event,
                     const struct log_field *fields, uint64_t seq,
                     uint64_t missed)
{
    json_t *root = begin(b, seq);
    put_text(root, "event", event);
    put_number(root, "missed", missed);
    for (const struct log_field *f = fields; f->kind != LOG_END; f++)
        put_field(root, f);
    return finish(root);
}

static json_t *tap(uint64_t seq, uint64_t missed)
{
    json_t *root = json_object();
    put_time(root);
    put_number(root, "seq", seq);
    put_number(root, "missed", missed);
    return root;
}

/* Of several with one name, the first counts. */
static void put_header(json_t *headers, struct span name, struct span value)
{
    char key[HEAD_HEADER_MAX + 1] = "", text[PERCENT_BYTES * HEAD_MAX + 1];
    uint8_t octets[HEAD_MAX];
    memcpy(key, name.text, name.length);
    if (json_object_get(headers, key))
        return;
    size_t n = spelling_read(octets, value);
    json_object_set_new(
        headers, key,
        json_stringn(text, percent_encode(octets, n, text, sizeof text)));
}

/* The word up to the next `end`, which is taken out of `rest` with it. */
static struct span take_word(struct span *rest, char end)
{
    const char *found = memchr(rest->text, end, rest->length);
    uint32_t n = found ? (uint32_t)(found - rest->text) : rest->length;
    struct span word = {rest->text, n};
    uint32_t taken = n + (found != NULL);
    *rest = (struct span){rest->text + taken, rest->length - taken};
    return word;
}

/* Each has a blank before it. A reply address is a capability, and not shown:
 * whoever knows it can answer. */
static void put_headers(json_t *root, struct span text)
{
    json_t *headers = json_object();
    while (text.length > 0) {
        struct span value = take_word(&text, ' ');
        struct span name = take_word(&value, '=');
        if (head_is_header(name))
            put_header(headers, name, value);
        else if (name.length > 0)
            json_object_set_new(root, "request", json_true());
    }
    if (json_object_size(headers) > 0)
        json_object_set(root, "headers", headers);
    json_decref(headers);
}

char *document_tap(uint64_t seq, uint64_t missed, uint64_t size,
                   struct span text)
{
    json_t *root = tap(seq, missed);
    put_number(root, "size", size);
    put_headers(root, text);
    return finish(root);
}

char *document_tap_missed(uint64_t seq, uint64_t missed)
{
    return finish(tap(seq, missed));
}

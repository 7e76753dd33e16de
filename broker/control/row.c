/* SPDX-License-Identifier: MIT */
#include "broker/control/row.h"

#include <inttypes.h>
#include <stddef.h>

#include "broker/base/view.h"
#include "broker/net/peer.h"
#include "common/address.h"
#include "common/percent.h"
#include "proto/channel_name.h"

enum { ROW_FIELDS_MAX = 24 };

struct row_field {
    const char *name;
    void (*write)(const struct view *v, FILE *out); /* NULL: a number */
    enum view_number number;
};

struct row_kind {
    struct row_field fields[ROW_FIELDS_MAX]; /* up to the first without a
                                                name */
};

static void write_name(const uint8_t *name, uint32_t length, FILE *out)
{
    char text[PERCENT_BYTES * CHANNEL_NAME_MAX + 1];
    size_t n = name ? percent_encode(name, length, text, sizeof text) : 0;
    fwrite(text, 1, n, out);
}

static void write_channel(const struct view *v, FILE *out)
{
    write_name(v->name, v->name_length, out);
}

static void write_waits_for(const struct view *v, FILE *out)
{
    write_name(v->waits_for, v->waits_for_length, out);
}

static void write_label(const struct view *v, FILE *out)
{
    write_name(v->label, v->label_length, out);
}

static void write_protocol(const struct view *v, FILE *out)
{
    fprintf(out, "%" PRIu32, v->protocol);
}

static void write_kind(const struct view *v, FILE *out)
{
    fputs(v->kind, out);
}

static void write_text(const char *text, FILE *out)
{
    fputs(text ? text : "", out);
}

static void write_tls(const struct view *v, FILE *out)
{
    write_text(v->tls, out);
}

static void write_cipher(const struct view *v, FILE *out)
{
    write_text(v->cipher, out);
}

static void write_user(const struct view *v, FILE *out)
{
    write_text(v->user, out);
}

static void write_way(const struct view *v, FILE *out)
{
    write_text(v->way, out);
}

static void write_conn(const struct view *v, FILE *out)
{
    fprintf(out, "%" PRIu64, v->conn);
}

static void write_peer(const struct view *v, FILE *out)
{
    char text[SLUICE_ADDRESS_TEXT_BYTES];
    peer_format(v->peer, text, sizeof text);
    fputs(text, out);
}

const struct row_kind row_of_channel = {{
    {.name = "channel", .write = write_channel},
    {.name = "kind", .write = write_kind},
    {.name = "waiting", .number = VIEW_DEPTH},
    {.name = "bytes", .number = VIEW_BYTES},
    {.name = "limit", .number = VIEW_LIMIT_BYTES},
    {.name = "readers", .number = VIEW_SUBSCRIBERS},
    {.name = "in", .number = VIEW_IN},
    {.name = "out", .number = VIEW_OUT},
    {.name = "dropped", .number = VIEW_DROPPED},
    {.name = "paused", .number = VIEW_PAUSED},
    {.name = "age_ms", .number = VIEW_AGE_MS},
    {.name = "held", .number = VIEW_HELD},
    {.name = "workers", .number = VIEW_WORKERS},
    {.name = "parked", .number = VIEW_PARKED_BYTES},
    {.name = "unseen", .number = VIEW_UNSEEN},
    {.name = "durable", .number = VIEW_DURABLE},
    {.name = "on_disk", .number = VIEW_DISK_BYTES},
    {.name = "unacked", .number = VIEW_UNACKED},
}};

const struct row_kind row_of_client = {{
    {.name = "conn", .write = write_conn},
    {.name = "address", .write = write_peer},
    {.name = "state", .write = write_kind},
    {.name = "channel", .write = write_channel},
    {.name = "waiting", .number = VIEW_DEPTH},
    {.name = "bytes", .number = VIEW_BYTES},
    {.name = "in", .number = VIEW_IN},
    {.name = "out", .number = VIEW_OUT},
    {.name = "dropped", .number = VIEW_DROPPED},
    {.name = "waits_for", .write = write_waits_for},
    {.name = "protocol", .write = write_protocol},
    {.name = "name", .write = write_label},
    {.name = "lanes", .number = VIEW_LANES},
    {.name = "held", .number = VIEW_HELD},
    {.name = "requests", .number = VIEW_REQUESTS},
    {.name = "parked", .number = VIEW_PARKED_BYTES},
    {.name = "user", .write = write_user},
    {.name = "way", .write = write_way},
    {.name = "tls", .write = write_tls},
    {.name = "cipher", .write = write_cipher},
}};

static size_t row_fields(const struct row_kind *kind)
{
    size_t n = 0;
    while (n < ROW_FIELDS_MAX && kind->fields[n].name)
        n++;
    return n;
}

static void row_end_field(size_t i, size_t n, FILE *out)
{
    fputc(i + 1 < n ? '\t' : '\n', out);
}

void row_write_names(const struct row_kind *kind, FILE *out)
{
    size_t n = row_fields(kind);
    for (size_t i = 0; i < n; i++) {
        fputs(kind->fields[i].name, out);
        row_end_field(i, n, out);
    }
}

void row_write(const struct row_kind *kind, const struct view *v, FILE *out)
{
    size_t n = row_fields(kind);
    for (size_t i = 0; i < n; i++) {
        const struct row_field *field = &kind->fields[i];
        if (field->write)
            field->write(v, out);
        else
            fprintf(out, "%" PRIu64, v->number[field->number]);
        row_end_field(i, n, out);
    }
}

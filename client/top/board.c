/* SPDX-License-Identifier: MIT */
#include "client/top/board.h"

#include "client/escape.h"
#include "client/lib/deadline.h"
#include "client/top/diagnosis.h"
#include "client/top/figure.h"

#include <stdio.h>
#include <string.h>

void board_init(struct board *b)
{
    *b = (struct board){.sheet = {[BOARD_CHANNELS] = sheet_of_channels,
                                  [BOARD_CLIENTS] = sheet_of_clients}};
}

void board_fini(struct board *b)
{
    json_decref(b->stats);
    json_decref(b->before);
    for (size_t i = 0; i < BOARD_SHEETS; i++)
        sheet_fini(&b->sheet[i]);
}

void board_take(struct board *b, const struct report *r)
{
    b->heard_at = sluice_deadline_clock();
    if (r->kind == REPORT_CHANNELS)
        sheet_update(&b->sheet[BOARD_CHANNELS], r->document);
    if (r->kind == REPORT_CLIENTS)
        sheet_update(&b->sheet[BOARD_CLIENTS], r->document);
    if (r->kind != REPORT_STATS)
        return;
    json_decref(b->before);
    b->before = b->stats;
    b->stats = json_incref(r->document);
    b->documents++;
}

size_t board_rounds(const struct board *b)
{
    size_t least = b->documents;
    for (size_t i = 0; i < BOARD_SHEETS; i++)
        if (b->sheet[i].documents < least)
            least = b->sheet[i].documents;
    return least;
}

int64_t board_silent_ms(const struct board *b)
{
    int64_t silent_ms = sluice_deadline_clock() - b->heard_at;
    double interval = report_number(b->stats, "interval");
    double patience_ms = 3000 * (interval > 0 ? interval : 1);
    return b->stats && (double)silent_ms > patience_ms ? silent_ms : 0;
}

/* --- totals -------------------------------------------------------------- */

/* How fast a total of the stats grows, by the broker's own clock. */
static double board_rate(const struct board *b,
                         double (*total)(const json_t *stats))
{
    double seconds =
        report_number(b->stats, "uptime") - report_number(b->before, "uptime");
    double grown = b->before ? total(b->stats) - total(b->before) : 0;
    return seconds > 0 && grown > 0 ? grown / seconds : 0;
}

static double board_in(const json_t *stats)
{
    return report_counter(stats, "messages_in");
}

static double board_out(const json_t *stats)
{
    return report_counter(stats, "messages_out");
}

static void board_print_identity(const struct board *b, char *line)
{
    char name[300] = "", version[64] = "";
    const char *text = json_string_value(json_object_get(b->stats, "broker"));
    escape_text(text ? text : "?", name, sizeof name);
    text = json_string_value(json_object_get(b->stats, "version"));
    escape_text(text ? text : "?", version, sizeof version);
    snprintf(line, BOARD_LINE_BYTES,
             "sluiced %s  %s  up %.0f s  cpu %.1f%%  %.1f MiB  lag %.1f ms%s",
             version, name, report_number(b->stats, "uptime"),
             report_number(b->stats, "cpu"), report_number(b->stats, "mem"),
             report_counter(b->stats, "loop_lag_p99_us") / 1000,
             json_is_true(json_object_get(b->stats, "stopping")) ? "  STOPPING"
                                                                 : "");
}

static void board_print_flow(const struct board *b, char *line)
{
    char in[FIGURE_BYTES], out[FIGURE_BYTES], dropped[FIGURE_BYTES];
    char lost[FIGURE_BYTES];
    figure_count(in, board_rate(b, board_in));
    figure_count(out, board_rate(b, board_out));
    figure_count(dropped, board_rate(b, report_dropped));
    figure_count(lost, report_dropped(b->stats));
    snprintf(line, BOARD_LINE_BYTES,
             "in %s/s  out %s/s  dropped %s/s (%s in all)  connections %.0f  "
             "channels %.0f",
             in, out, dropped, lost, report_counter(b->stats, "connections"),
             report_counter(b->stats, "channels"));
}

static void board_print_holdings(const struct board *b, char *line)
{
    char queued[FIGURE_BYTES], bytes[FIGURE_BYTES];
    char memory[FIGURE_BYTES], limit[FIGURE_BYTES];
    figure_count(queued, report_counter(b->stats, "queued_messages"));
    figure_bytes(bytes, report_counter(b->stats, "queued_bytes"));
    figure_bytes(memory, report_counter(b->stats, "memory_bytes"));
    figure_bytes(limit, report_counter(b->stats, "memory_limit_bytes"));
    snprintf(line, BOARD_LINE_BYTES,
             "queued %s (%s)  memory %s of %s  paused publishers %.0f", queued,
             bytes, memory, limit,
             report_counter(b->stats, "paused_publishers"));
}

void board_print_totals(const struct board *b,
                        char line[BOARD_LINES][BOARD_LINE_BYTES])
{
    board_print_identity(b, line[0]);
    board_print_flow(b, line[1]);
    board_print_holdings(b, line[2]);
}

/* --- the headline -------------------------------------------------------- */

/* The worst comes first; of equals, the one that holds most. */
static const struct sheet_row *board_worst(const struct board *b,
                                           struct diagnosis *found)
{
    const struct sheet *s = &b->sheet[BOARD_CHANNELS];
    const struct sheet_row *worst = NULL;
    *found = (struct diagnosis){NULL, DIAGNOSIS_FINE};
    for (size_t i = 0; i < s->rows; i++) {
        struct diagnosis d = diagnosis_of(s, &s->row[i]);
        bool is_worse = d.weight > found->weight;
        if (worst && d.weight == found->weight)
            is_worse = sheet_figure(s, &s->row[i], "bytes") >
                       sheet_figure(s, worst, "bytes");
        if (!d.why || !is_worse)
            continue;
        worst = &s->row[i];
        *found = d;
    }
    return worst;
}

/* The subscriber of a topic that keeps the oldest message waiting. */
static const json_t *board_slowest(const struct board *b, const json_t *channel)
{
    const struct sheet *s = &b->sheet[BOARD_CLIENTS];
    const json_t *slowest = NULL;
    for (size_t i = 0; i < s->rows; i++) {
        const json_t *client = s->row[i].entry;
        if (report_number(client, "depth") > 0 &&
            json_equal(json_object_get(client, "channel"),
                       json_object_get(channel, "name")) &&
            (!slowest || report_number(client, "age_ms") >
                             report_number(slowest, "age_ms")))
            slowest = client;
    }
    return slowest;
}

/* "1 subscriber", and who of them it is. */
static void board_print_members(FILE *out, const struct board *b,
                                const json_t *channel, const char *why)
{
    double members = report_number(channel, "subscribers");
    const char *kind = json_string_value(json_object_get(channel, "kind"));
    bool is_queue = kind && strcmp(kind, "queue") == 0;
    const json_t *slowest = is_queue ? NULL : board_slowest(b, channel);
    const char *peer = json_string_value(json_object_get(slowest, "peer"));
    char text[64] = "";
    if (members <= 0) {
        fputs(is_queue ? "0 consumers" : why, out);
        return;
    }
    escape_text(peer ? peer : "", text, sizeof text);
    fprintf(out, "%s%s%s (%.0f %s%s)", why, peer ? " " : "", text, members,
            is_queue ? "consumer" : "subscriber", members > 1 ? "s" : "");
}

enum { BOARD_NAME_BYTES = 80 }; /* more would hide the rest of the sentence */

/* How much of its limit a queue holds. That of a topic is one for each
 * subscriber. */
static void board_print_share(FILE *out, const json_t *channel)
{
    char bytes[FIGURE_BYTES], limit[FIGURE_BYTES];
    const char *kind = json_string_value(json_object_get(channel, "kind"));
    double limit_bytes = report_number(channel, "limit_bytes");
    if (limit_bytes <= 0 || !kind || strcmp(kind, "queue") != 0)
        return;
    figure_bytes(bytes, report_number(channel, "bytes"));
    figure_bytes(limit, limit_bytes);
    fprintf(out, ", %s of %s,", bytes, limit);
}

static void board_print_held(FILE *out, const json_t *channel)
{
    char age[FIGURE_BYTES];
    double depth = report_number(channel, "depth");
    figure_age(age, report_number(channel, "age_ms"));
    fprintf(out, "holds %.0f message%s", depth, depth > 1 ? "s" : "");
    board_print_share(out, channel);
    fprintf(out, " for %s: ", age);
}

static void board_print_worst(FILE *out, const struct board *b,
                              const struct sheet_row *row,
                              const struct diagnosis *d)
{
    const struct sheet *s = &b->sheet[BOARD_CHANNELS];
    const json_t *channel = row->entry;
    char name[BOARD_NAME_BYTES], lost[FIGURE_BYTES];
    double paused = report_number(channel, "paused");
    const char *text = json_string_value(json_object_get(channel, "name"));
    escape_text(text ? text : "?", name, sizeof name);
    fprintf(out, "%s ", name);
    figure_count(lost, sheet_figure(s, row, "dropped"));
    if (d->weight == DIAGNOSIS_LOSS)
        fprintf(out, "loses %s messages a second: ", lost);
    else
        board_print_held(out, channel);
    board_print_members(out, b, channel, d->why);
    if (paused > 0)
        fprintf(out, ", %.0f paused publisher%s", paused,
                paused > 1 ? "s" : "");
    if (report_number(channel, "pressed") > 0)
        fputs(", memory is short", out);
}

void board_print_headline(const struct board *b, char out[BOARD_LINE_BYTES])
{
    struct diagnosis d;
    const struct sheet_row *worst = board_worst(b, &d);
    FILE *stream = worst ? fmemopen(out, BOARD_LINE_BYTES, "w") : NULL;
    out[0] = '\0';
    if (!stream)
        return;
    board_print_worst(stream, b, worst, &d);
    fclose(stream);
}

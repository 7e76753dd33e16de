/* SPDX-License-Identifier: MIT */
#include "client/top/board.h"

#include "client/escape.h"
#include "client/lib/deadline.h"
#include "client/top/figure.h"

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

static void board_escape(const char *text, char *out, size_t space)
{
    size_t n = strlen(text), at = 0, used = 0;
    while (at < n && used + ESCAPE_BYTES < space) {
        size_t length;
        at += escape_next((const uint8_t *)text + at, n - at, out + used,
                          &length);
        used += length;
    }
    out[used] = '\0';
}

static void board_print_identity(const struct board *b, char *line)
{
    char name[300] = "", version[64] = "";
    const char *text = json_string_value(json_object_get(b->stats, "broker"));
    board_escape(text ? text : "?", name, sizeof name);
    text = json_string_value(json_object_get(b->stats, "version"));
    board_escape(text ? text : "?", version, sizeof version);
    snprintf(line, BOARD_LINE_BYTES,
             "sluiced %s  %s  up %.0f s  cpu %.1f%%  %.1f MiB%s", version, name,
             report_number(b->stats, "uptime"), report_number(b->stats, "cpu"),
             report_number(b->stats, "mem"),
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

static const json_t *board_fullest(const struct board *b)
{
    const json_t *fullest = NULL;
    const struct sheet *s = &b->sheet[BOARD_CHANNELS];
    for (size_t i = 0; i < s->rows; i++)
        if (report_number(s->row[i].entry, "bytes") >
            report_number(fullest, "bytes"))
            fullest = s->row[i].entry;
    return fullest;
}

/* What waits less than this is on its way, not backed up. */
enum { BOARD_FRESH_MS = 1000 };

void board_print_headline(const struct board *b, char out[BOARD_LINE_BYTES])
{
    const json_t *full = board_fullest(b);
    char name[300], age[FIGURE_BYTES];
    const char *text = json_string_value(json_object_get(full, "name"));
    out[0] = '\0';
    if (!text || report_number(full, "age_ms") < BOARD_FRESH_MS)
        return;
    board_escape(text, name, sizeof name);
    figure_age(age, report_number(full, "age_ms"));
    const char *kind = json_string_value(json_object_get(full, "kind"));
    bool is_queue = kind && strcmp(kind, "queue") == 0;
    int n = snprintf(
        out, BOARD_LINE_BYTES, "%s holds %.0f messages for %s: %.0f %s", name,
        report_number(full, "depth"), age, report_number(full, "subscribers"),
        is_queue ? "consumers" : "subscribers");
    double paused = report_number(full, "paused");
    if (paused > 0 && n < BOARD_LINE_BYTES)
        snprintf(out + n, BOARD_LINE_BYTES - (size_t)n,
                 ", %.0f paused publishers", paused);
}

/* SPDX-License-Identifier: MIT */
#include "client/top/model.h"

#include "client/escape.h"
#include "client/lib/deadline.h"
#include "client/top/diagnosis.h"
#include "client/top/figure.h"

#include <stdio.h>
#include <string.h>

void model_init(struct model *m)
{
    *m = (struct model){.table = {[MODEL_CHANNELS] = table_of_channels,
                                  [MODEL_CLIENTS] = table_of_clients,
                                  [MODEL_USERS] = table_of_users}};
}

void model_fini(struct model *m)
{
    json_decref(m->stats);
    json_decref(m->before);
    for (size_t i = 0; i < MODEL_TABLES; i++)
        table_fini(&m->table[i]);
}

void model_take(struct model *m, const struct report *r)
{
    m->heard_at = sluice_deadline_clock();
    if (r->kind == REPORT_CHANNELS)
        table_update(&m->table[MODEL_CHANNELS], r->document);
    if (r->kind == REPORT_CLIENTS)
        table_update(&m->table[MODEL_CLIENTS], r->document);
    if (r->kind == REPORT_USERS)
        table_update(&m->table[MODEL_USERS], r->document);
    if (r->kind != REPORT_STATS)
        return;
    json_decref(m->before);
    m->before = m->stats;
    m->stats = json_incref(r->document);
    m->documents++;
}

size_t model_rounds(const struct model *m)
{
    size_t least = m->documents;
    for (size_t i = 0; i < MODEL_USERS; i++)
        if (m->table[i].documents < least)
            least = m->table[i].documents;
    return least;
}

bool model_has(const struct model *m, enum model_table table)
{
    return table != MODEL_USERS || m->table[table].rows > 0;
}

int64_t model_silent_ms(const struct model *m)
{
    int64_t silent_ms = sluice_deadline_clock() - m->heard_at;
    double interval = report_number(m->stats, "interval");
    double patience_ms = 3000 * (interval > 0 ? interval : 1);
    return m->stats && (double)silent_ms > patience_ms ? silent_ms : 0;
}

/* --- totals -------------------------------------------------------------- */

/* How fast a total of the stats grows, by the broker's own clock. */
static double model_rate(const struct model *m,
                         double (*total)(const json_t *stats))
{
    double seconds =
        report_number(m->stats, "uptime") - report_number(m->before, "uptime");
    double grown = m->before ? total(m->stats) - total(m->before) : 0;
    return seconds > 0 && grown > 0 ? grown / seconds : 0;
}

static double model_in(const json_t *stats)
{
    return report_counter(stats, "messages_in");
}

static double model_out(const json_t *stats)
{
    return report_counter(stats, "messages_out");
}

static void model_print_identity(const struct model *m, char *line)
{
    char name[300] = "", version[64] = "";
    const char *text = json_string_value(json_object_get(m->stats, "broker"));
    escape_text(text ? text : "?", name, sizeof name);
    text = json_string_value(json_object_get(m->stats, "version"));
    escape_text(text ? text : "?", version, sizeof version);
    snprintf(line, MODEL_LINE_BYTES,
             "sluiced %s  %s  up %.0f s  cpu %.1f%%  %.1f MiB  lag %.1f ms%s",
             version, name, report_number(m->stats, "uptime"),
             report_number(m->stats, "cpu"), report_number(m->stats, "mem"),
             report_counter(m->stats, "loop_lag_p99_us") / 1000,
             json_is_true(json_object_get(m->stats, "stopping")) ? "  STOPPING"
                                                                 : "");
}

static void model_print_flow(const struct model *m, char *line)
{
    char in[FIGURE_BYTES], out[FIGURE_BYTES], dropped[FIGURE_BYTES];
    char lost[FIGURE_BYTES];
    figure_count(in, model_rate(m, model_in));
    figure_count(out, model_rate(m, model_out));
    figure_count(dropped, model_rate(m, report_dropped));
    figure_count(lost, report_dropped(m->stats));
    snprintf(line, MODEL_LINE_BYTES,
             "in %s/s  out %s/s  dropped %s/s (%s in all)  connections %.0f  "
             "channels %.0f",
             in, out, dropped, lost, report_counter(m->stats, "connections"),
             report_counter(m->stats, "channels"));
}

/* As sluiced numbers them. */
enum model_journal { JOURNAL_OPEN, JOURNAL_FULL, JOURNAL_FAILED };

/* JOURNAL_OPEN, too, where there is none. */
static enum model_journal model_journal_state(const struct model *m)
{
    double state = report_counter(m->stats, "journal_state");
    return state == JOURNAL_FULL     ? JOURNAL_FULL
           : state == JOURNAL_FAILED ? JOURNAL_FAILED
                                     : JOURNAL_OPEN;
}

/* What only clients of version 2 do; "" when none does. */
static void model_print_work(const struct model *m, char *out, size_t room)
{
    char held[FIGURE_BYTES], parked[FIGURE_BYTES];
    double messages = report_counter(m->stats, "held_messages");
    double bytes = report_counter(m->stats, "parked_bytes");
    figure_count(held, messages);
    figure_bytes(parked, bytes);
    snprintf(out, room, "%s%s%s%s", messages > 0 ? "  held " : "",
             messages > 0 ? held : "", bytes > 0 ? "  parked " : "",
             bytes > 0 ? parked : "");
}

/* Of a broker that keeps queues on disk; "" of others. */
static void model_print_journal(const struct model *m, char *out, size_t room)
{
    static const char *const states[] = {"", " FULL", " FAILED"};
    char bytes[FIGURE_BYTES], limit[FIGURE_BYTES];
    double most = report_counter(m->stats, "journal_limit_bytes");
    figure_bytes(bytes, report_counter(m->stats, "journal_bytes"));
    figure_bytes(limit, most);
    snprintf(out, room, "  journal %s of %s%s", bytes, limit,
             states[model_journal_state(m)]);
    if (most <= 0)
        out[0] = '\0';
}

static void model_print_holdings(const struct model *m, char *line)
{
    char queued[FIGURE_BYTES], bytes[FIGURE_BYTES], work[64], journal[64];
    char memory[FIGURE_BYTES], limit[FIGURE_BYTES];
    figure_count(queued, report_counter(m->stats, "queued_messages"));
    figure_bytes(bytes, report_counter(m->stats, "queued_bytes"));
    figure_bytes(memory, report_counter(m->stats, "memory_bytes"));
    figure_bytes(limit, report_counter(m->stats, "memory_limit_bytes"));
    model_print_work(m, work, sizeof work);
    model_print_journal(m, journal, sizeof journal);
    snprintf(line, MODEL_LINE_BYTES,
             "queued %s (%s)%s  memory %s of %s%s  paused publishers %.0f",
             queued, bytes, work, memory, limit, journal,
             report_counter(m->stats, "paused_publishers"));
}

void model_print_totals(const struct model *m,
                        char line[MODEL_LINES][MODEL_LINE_BYTES])
{
    model_print_identity(m, line[0]);
    model_print_flow(m, line[1]);
    model_print_holdings(m, line[2]);
}

/* --- the headline -------------------------------------------------------- */

/* The worst comes first; of equals, the one that holds most. */
static const struct table_row *model_worst(const struct model *m,
                                           struct diagnosis *found)
{
    const struct table *t = &m->table[MODEL_CHANNELS];
    const struct table_row *worst = NULL;
    *found = (struct diagnosis){NULL, DIAGNOSIS_FINE};
    for (size_t i = 0; i < t->rows; i++) {
        struct diagnosis d = diagnosis_of(t, &t->row[i]);
        bool is_worse = d.weight > found->weight;
        if (worst && d.weight == found->weight)
            is_worse = table_figure(t, &t->row[i], "bytes") >
                       table_figure(t, worst, "bytes");
        if (!d.why || !is_worse)
            continue;
        worst = &t->row[i];
        *found = d;
    }
    return worst;
}

/* The subscriber of a topic that keeps the oldest message waiting. */
static const json_t *model_slowest(const struct model *m, const json_t *channel)
{
    const struct table *t = &m->table[MODEL_CLIENTS];
    const json_t *slowest = NULL;
    for (size_t i = 0; i < t->rows; i++) {
        const json_t *client = t->row[i].entry;
        if (report_number(client, "depth") > 0 &&
            json_equal(json_object_get(client, "channel"),
                       json_object_get(channel, "name")) &&
            (!slowest || report_number(client, "age_ms") >
                             report_number(slowest, "age_ms")))
            slowest = client;
    }
    return slowest;
}

/* "1 subscriber", with the address of the slow one. */
static void model_print_members(FILE *out, const struct model *m,
                                const json_t *channel, const char *why)
{
    double members = report_number(channel, "subscribers");
    double held = report_number(channel, "held");
    const char *kind = json_string_value(json_object_get(channel, "kind"));
    bool is_queue = kind && strcmp(kind, "queue") == 0;
    const json_t *slowest = is_queue ? NULL : model_slowest(m, channel);
    const char *peer = json_string_value(json_object_get(slowest, "peer"));
    char text[64] = "";
    if (members <= 0) {
        fputs(is_queue ? "0 consumers" : why, out);
        return;
    }
    escape_text(peer ? peer : "", text, sizeof text);
    fprintf(out, "%s%s%s (%.0f %s%s", why, peer ? " " : "", text, members,
            is_queue ? "consumer" : "subscriber", members > 1 ? "s" : "");
    if (held > 0)
        fprintf(out, " with %.0f message%s", held, held > 1 ? "s" : "");
    fputc(')', out);
}

enum {
    MODEL_NAME_BYTES = 80
}; /* a longer one would hide the rest of the sentence */

/* How much of its limit a queue holds. A topic has a limit for each of its
 * subscribers instead. */
static void model_print_share(FILE *out, const json_t *channel)
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

static void model_print_held(FILE *out, const json_t *channel)
{
    char age[FIGURE_BYTES];
    double depth = report_number(channel, "depth");
    figure_age(age, report_number(channel, "age_ms"));
    fprintf(out, "holds %.0f message%s", depth, depth > 1 ? "s" : "");
    model_print_share(out, channel);
    fprintf(out, " for %s: ", age);
}

static void model_print_worst(FILE *out, const struct model *m,
                              const struct table_row *row,
                              const struct diagnosis *d)
{
    const struct table *t = &m->table[MODEL_CHANNELS];
    const json_t *channel = row->entry;
    char name[MODEL_NAME_BYTES], lost[FIGURE_BYTES];
    double paused = report_number(channel, "paused");
    const char *text = json_string_value(json_object_get(channel, "name"));
    escape_text(text ? text : "?", name, sizeof name);
    fprintf(out, "%s ", name);
    figure_count(lost, table_figure(t, row, "dropped"));
    if (d->weight == DIAGNOSIS_LOSS)
        fprintf(out, "loses %s messages a second: ", lost);
    else
        model_print_held(out, channel);
    model_print_members(out, m, channel, d->why);
    if (paused > 0)
        fprintf(out, ", %.0f paused publisher%s", paused,
                paused > 1 ? "s" : "");
    if (report_number(channel, "pressed") > 0)
        fputs(", memory is short", out);
}

/* All durable queues wait for it, so it comes first. */
static const char *const model_journal_headlines[] = {
    [JOURNAL_FULL] = "the journal is full: publishers to durable queues wait "
                     "until consumers have made room",
    [JOURNAL_FAILED] = "the journal has failed: durable queues stand still "
                       "until sluiced is started again on a disk that works",
};

void model_print_headline(const struct model *m, char out[MODEL_LINE_BYTES])
{
    struct diagnosis d;
    enum model_journal journal = model_journal_state(m);
    if (journal != JOURNAL_OPEN) {
        snprintf(out, MODEL_LINE_BYTES, "%s", model_journal_headlines[journal]);
        return;
    }
    const struct table_row *worst = model_worst(m, &d);
    FILE *stream = worst ? fmemopen(out, MODEL_LINE_BYTES, "w") : NULL;
    out[0] = '\0';
    if (!stream)
        return;
    model_print_worst(stream, m, worst, &d);
    fclose(stream);
}

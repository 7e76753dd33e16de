/* SPDX-License-Identifier: MIT */
#include "client/bench/bench_report.h"

#include <inttypes.h>

/* The percentiles that are reported, by their names in the table and in JSON.
 */
static const struct {
    double percent;
    const char *name;
} bench_report_percentiles[] = {
    {50, "p50"},     {90, "p90"},       {99, "p99"},
    {99.9, "p99.9"}, {99.99, "p99.99"}, {100, "max"},
};

enum {
    BENCH_REPORT_PERCENTILES = 6,
    BENCH_REPORT_DIGITS = 28, /* of a grouped number */
};

struct bench_report_flow {
    const char *name;
    uint64_t messages;
    double seconds, per_s, mb_per_s;
};

static struct bench_report_flow bench_report_flow(const char *name,
                                                  uint64_t messages,
                                                  uint64_t ns, uint32_t size)
{
    struct bench_report_flow flow = {.name = name, .messages = messages};
    flow.seconds = (double)ns / 1e9;
    if (ns > 0)
        flow.per_s = (double)messages / flow.seconds;
    flow.mb_per_s = flow.per_s * size / 1e6;
    return flow;
}

static struct bench_report_flow
bench_report_published(const struct bench_report *r)
{
    return bench_report_flow("published", r->outcome->sent,
                             r->outcome->sending_ns, r->plan->size);
}

static struct bench_report_flow
bench_report_delivered(const struct bench_report *r)
{
    return bench_report_flow("delivered", r->tally->received,
                             r->outcome->delivering_ns, r->plan->size);
}

static bool bench_report_has_latency(const struct bench_report *r)
{
    return r->tally->latency.count > 0;
}

static double bench_report_latency_us(const struct bench_report *r, size_t row)
{
    return (double)histogram_percentile(&r->tally->latency,
                                        bench_report_percentiles[row].percent) /
           1e3;
}

/* --- for people ---------------------------------------------------------- */

static void bench_report_print_plan(const struct plan *plan, FILE *out)
{
    fprintf(out,
            "%s at %s\n"
            "%" PRIu32 " publisher%s, %" PRIu32 " %s%s, messages of %" PRIu32
            " bytes, ",
            plan->channel, plan->target->server, plan->publishers,
            plan->publishers == 1 ? "" : "s", plan->subscribers,
            plan->is_queue ? "consumer" : "subscriber",
            plan->subscribers == 1 ? "" : "s", plan->size);
    if (plan->rate > 0)
        fprintf(out, "%" PRIu64 " a second", plan->rate);
    else
        fprintf(out, "as fast as they go");
    if (plan->speech.has_units)
        fprintf(out, ", in version 2%s%s",
                plan->speech.syncs      ? ", with receipts from disk"
                : plan->speech.confirms ? ", with receipts"
                                        : "",
                plan->speech.acks ? ", with acknowledgements" : "");
    fputs("\n\n", out);
}

/* Writes 1234567 as 1,234,567. */
static const char *bench_report_group(uint64_t number,
                                      char text[BENCH_REPORT_DIGITS])
{
    char *at = text + (BENCH_REPORT_DIGITS - 1);
    *at = '\0';
    for (int digits = 0; digits == 0 || number > 0; digits++) {
        if (digits > 0 && digits % 3 == 0)
            *--at = ',';
        *--at = (char)('0' + number % 10);
        number /= 10;
    }
    return at;
}

static void bench_report_print_flow(struct bench_report_flow flow, FILE *out)
{
    char messages[BENCH_REPORT_DIGITS], per_s[BENCH_REPORT_DIGITS];
    fprintf(out, "  %-9s %17s %10.2f %15s %11.1f\n", flow.name,
            bench_report_group(flow.messages, messages), flow.seconds,
            bench_report_group((uint64_t)flow.per_s, per_s), flow.mb_per_s);
}

static void bench_report_print_flows(const struct bench_report *r, FILE *out)
{
    fprintf(out, "  %27s %10s %15s %11s\n", "messages", "seconds", "messages/s",
            "MB/s");
    bench_report_print_flow(bench_report_published(r), out);
    bench_report_print_flow(bench_report_delivered(r), out);
}

static void bench_report_print_latency(const struct bench_report *r, FILE *out)
{
    fprintf(out, "\n  latency in microseconds, from %s to arrival\n ",
            r->plan->rate > 0 ? "the time a message was due"
                              : "writing a batch");
    for (size_t i = 0; i < BENCH_REPORT_PERCENTILES; i++)
        fprintf(out, "%11s", bench_report_percentiles[i].name);
    fputs("\n ", out);
    for (size_t i = 0; i < BENCH_REPORT_PERCENTILES; i++)
        fprintf(out, "%11.1f", bench_report_latency_us(r, i));
    fputc('\n', out);
}

void bench_report_print_table(const struct bench_report *r, FILE *out)
{
    const struct tally *t = r->tally;
    bench_report_print_plan(r->plan, out);
    bench_report_print_flows(r, out);
    fprintf(out,
            "  lost %" PRIu64 ", duplicates %" PRIu64 ", out of order %" PRIu64
            ", of others %" PRIu64 "\n",
            outcome_lost(r->outcome, t), t->duplicates, t->reordered,
            t->foreign);
    if (bench_report_has_latency(r))
        bench_report_print_latency(r, out);
    else if (!r->plan->has_stamps)
        fprintf(out,
                "\n  no latencies, duplicates or order: that takes messages of "
                "%zu bytes\n",
                sizeof(struct stamp));
    fprintf(out, "\n  this program kept %.0f %% of one core busy\n",
            r->outcome->cpu * 100);
}

/* --- for programs -------------------------------------------------------- */

/* Names of channels and servers may hold anything that argv can. */
static void bench_report_json_text(const char *key, const char *text, FILE *out)
{
    fprintf(out, "\"%s\":\"", key);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputs("\",", out);
}

static void bench_report_json_number(const char *key, uint64_t number,
                                     FILE *out)
{
    fprintf(out, "\"%s\":%" PRIu64 ",", key, number);
}

static void bench_report_json_flag(const char *key, bool is_on, FILE *out)
{
    fprintf(out, "\"%s\":%s,", key, is_on ? "true" : "false");
}

static void bench_report_json_flow(struct bench_report_flow flow, FILE *out)
{
    fprintf(out,
            "\"%s\":{\"messages\":%" PRIu64 ",\"seconds\":%.6f,"
            "\"messages_per_s\":%.1f,\"mb_per_s\":%.3f},",
            flow.name, flow.messages, flow.seconds, flow.per_s, flow.mb_per_s);
}

static void bench_report_json_latency(const struct bench_report *r, FILE *out)
{
    if (!bench_report_has_latency(r)) {
        fputs("\"latency_us\":null,", out);
        return;
    }
    fputs("\"latency_us\":{", out);
    for (size_t i = 0; i < BENCH_REPORT_PERCENTILES; i++)
        fprintf(out, "%s\"%s\":%.3f", i > 0 ? "," : "",
                bench_report_percentiles[i].name,
                bench_report_latency_us(r, i));
    fputs("},", out);
}

void bench_report_print_json(const struct bench_report *r, FILE *out)
{
    const struct plan *plan = r->plan;
    const struct tally *t = r->tally;
    fputc('{', out);
    bench_report_json_text("server", plan->target->server, out);
    bench_report_json_text("channel", plan->channel, out);
    bench_report_json_text("kind", plan->is_queue ? "queue" : "topic", out);
    bench_report_json_number("version", plan->speech.has_units ? 2 : 1, out);
    bench_report_json_flag("receipts", plan->speech.confirms, out);
    bench_report_json_flag("acknowledgements", plan->speech.acks, out);
    bench_report_json_number("publishers", plan->publishers, out);
    bench_report_json_number("subscribers", plan->subscribers, out);
    bench_report_json_number("size", plan->size, out);
    bench_report_json_number("rate", plan->rate, out);
    bench_report_json_flow(bench_report_published(r), out);
    bench_report_json_flow(bench_report_delivered(r), out);
    bench_report_json_number("expected", r->outcome->expected, out);
    bench_report_json_number("lost", outcome_lost(r->outcome, t), out);
    bench_report_json_number("duplicates", t->duplicates, out);
    bench_report_json_number("out_of_order", t->reordered, out);
    bench_report_json_number("of_others", t->foreign, out);
    bench_report_json_text("latency_from", plan->rate > 0 ? "due" : "sending",
                           out);
    bench_report_json_latency(r, out);
    fprintf(out, "\"cpu\":%.3f}\n", r->outcome->cpu);
}

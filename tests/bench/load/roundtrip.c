/* SPDX-License-Identifier: MIT
 *
 * roundtrip - how long a client waits for an answer, one question after
 * another: for the reply of another client, both of which are here; for the
 * broker's PONG; or for its OK to an acknowledgement.
 *
 * With --beside, other publishers keep the queue of the worker full, and a
 * publish of the worker's own waits for room in it.
 */
#include "client/bench/histogram.h"
#include "client/cli_option.h"
#include "tests/bench/load/asker.h"
#include "tests/bench/load/link.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

struct roundtrip_options {
    const char *kind;
    struct cli_option_number port, size, duration_ms;
    bool is_beside;
};

#define ROUNDTRIP_VALUE(field) offsetof(struct roundtrip_options, field)

static const struct cli_option roundtrip_option_rows[] = {
    {"kind", CLI_OPTION_TEXT, ROUNDTRIP_VALUE(kind), "NAME", "request", NULL, 0,
     0, "request, nats-request, ping or ack"},
    {"port", CLI_OPTION_COUNT, ROUNDTRIP_VALUE(port), "N", "25000", NULL, 1,
     65535, "of the broker, on 127.0.0.1"},
    {"size", CLI_OPTION_SIZE, ROUNDTRIP_VALUE(size), "SIZE", "100", NULL, 0,
     ASKER_SIZE_MAX, "bytes of a request and of a reply"},
    {"duration", CLI_OPTION_DURATION, ROUNDTRIP_VALUE(duration_ms), "TIME",
     "1s", NULL, 1, 600000, "of asking"},
    {"beside", CLI_OPTION_FLAG, ROUNDTRIP_VALUE(is_beside), NULL, NULL, NULL, 0,
     0, "a full queue; for ping and ack"},
    {.name = NULL},
};

static void roundtrip_run(const struct roundtrip_options *o, struct asker *a,
                          struct histogram *h)
{
    uint64_t now_ns = link_clock_ns();
    uint64_t end_ns = now_ns + o->duration_ms.value * 1000000;
    while (now_ns < end_ns) {
        a->kind->prepare(a);
        uint64_t begin_ns = link_clock_ns();
        a->kind->ask(a);
        now_ns = link_clock_ns();
        histogram_add(h, now_ns - begin_ns);
    }
}

static double roundtrip_us(const struct histogram *h, double percent)
{
    return (double)histogram_percentile(h, percent) / 1e3;
}

static void roundtrip_print(const struct histogram *h)
{
    printf("{\"delivered\":%" PRIu64 ",\"p50\":%.2f,\"p90\":%.2f,"
           "\"p99\":%.2f,\"p99.9\":%.2f,\"max\":%.2f}\n",
           h->count, roundtrip_us(h, 50), roundtrip_us(h, 90),
           roundtrip_us(h, 99), roundtrip_us(h, 99.9), roundtrip_us(h, 100));
}

int main(int argc, char **argv)
{
    static struct roundtrip_options o;
    static struct histogram latency;
    static struct asker asker;
    struct sentence why;
    switch (cli_option_parse(roundtrip_option_rows, &o, &argc, argv, &why)) {
    case CLI_OPTION_HELP:
        cli_option_print_help(roundtrip_option_rows, stdout);
        return 0;
    case CLI_OPTION_WRONG:
        fprintf(stderr, "roundtrip: %s\n", why.text);
        return 2;
    case CLI_OPTION_DONE:
        break;
    }
    asker.kind = asker_find(o.kind);
    if (!asker.kind) {
        fputs("roundtrip: see --help for --kind\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    asker.port = (uint16_t)o.port.value;
    asker.size = (uint32_t)o.size.value;
    asker.is_beside = o.is_beside;
    asker.kind->open(&asker);
    roundtrip_run(&o, &asker, &latency);
    asker_close(&asker);
    roundtrip_print(&latency);
    return 0;
}

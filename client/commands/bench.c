/* SPDX-License-Identifier: MIT
 *
 * sluice bench - measures how fast a broker is on this machine. It does not use
 * the library, whose calls take one message each: the parts in client/bench/
 * encode and decode whole buffers.
 */
#include "client/bench/bench_report.h"
#include "client/channel_hint.h"
#include "client/command.h"
#include "client/complain.h"
#include "client/confirmed.h"
#include "client/stop_signal.h"
#include "client/target.h"
#include "proto/channel_name.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

struct bench_options {
    struct target target;
    const char *channel;
    struct cli_option_number pubs, subs, size, count, rate, duration_ms;
    bool json, has_units, acks;
    int confirms; /* enum confirmed_mode */
};

#define BENCH_VALUE(field) offsetof(struct bench_options, field)

enum { BENCH_DURATION_MS = 5000 };

static const struct cli_option bench_options[] = {
    TARGET_SERVER(BENCH_VALUE(target)),
    {"channel", CLI_OPTION_TEXT, BENCH_VALUE(channel), "NAME", "/topic/bench",
     NULL, 0, 0, "a topic, or a queue if its name begins with /queue"},
    {"pubs", CLI_OPTION_COUNT, BENCH_VALUE(pubs), "N", "1", NULL, 1, 1000,
     "how many publishers"},
    {"subs", CLI_OPTION_COUNT, BENCH_VALUE(subs), "N", "1", NULL, 1, 1000,
     "how many subscribers of a topic, or consumers of a queue"},
    {"size", CLI_OPTION_SIZE, BENCH_VALUE(size), "SIZE", "100", NULL, 0,
     SLUICE_MESSAGE_MAX, "bytes of a message"},
    {"rate", CLI_OPTION_COUNT, BENCH_VALUE(rate), "N", NULL, NULL, 1,
     1000000000,
     "messages a second of all publishers; else as fast as possible"},
    {"count", CLI_OPTION_COUNT, BENCH_VALUE(count), "N", NULL, NULL, 1,
     1000000000000, "stop after N messages of all publishers"},
    {"duration", CLI_OPTION_DURATION, BENCH_VALUE(duration_ms), "TIME", NULL,
     NULL, 1, 86400000, "stop sending after this time; 5s unless --count"},
    {"json", CLI_OPTION_FLAG, BENCH_VALUE(json), NULL, NULL, NULL, 0, 0,
     "print one JSON object instead of a table"},
    {"v2", CLI_OPTION_FLAG, BENCH_VALUE(has_units), NULL, NULL, NULL, 0, 0,
     "speak version 2 of the protocol, as with --user and the like"},
    {"confirm", CLI_OPTION_MODE, BENCH_VALUE(confirms), "route|sync", NULL,
     NULL, 0, 0,
     "with --v2: ask for a receipt for each message; sync: on disk"},
    {"ack", CLI_OPTION_FLAG, BENCH_VALUE(acks), NULL, NULL, NULL, 0, 0,
     "with --v2, of a queue: acknowledge each message"},
    TARGET_TLS(BENCH_VALUE(target)),
    TARGET_LOGIN(BENCH_VALUE(target)),
    {.name = NULL},
};

/* False, with an error printed and *status set, when the channel delivers
 * nothing. */
static bool bench_check_channel(const char *channel, int *status)
{
    const char *wrong = NULL;
    if (*channel == '\0' || strlen(channel) > CHANNEL_NAME_MAX)
        wrong = "a name of 1 to 255 bytes";
    else if (strcmp(channel, CHANNEL_NAME_NULL) == 0 ||
             strcmp(channel, "/sys") == 0 || strncmp(channel, "/sys/", 5) == 0)
        wrong = "a channel that delivers";
    if (!wrong)
        return true;
    struct sentence why;
    sentence_fail(&why,
                  "--channel: '%.300s' is not %s such as /topic/bench or "
                  "/queue/bench",
                  channel, wrong);
    *status = command_misused(&command_bench, why.text);
    return false;
}

static uint32_t bench_random(void)
{
    uint32_t run;
    if (getrandom(&run, sizeof run, GRND_NONBLOCK) < 0)
        run = (uint32_t)stamp_clock_ns();
    return run;
}

/* Version 1 has no way to show who a client is. */
static bool bench_has_units(const struct bench_options *o)
{
    return o->has_units || login_is_wanted(&o->target.login);
}

static struct plan bench_plan(const struct bench_options *o)
{
    uint64_t duration_ms = o->duration_ms.value;
    if (!o->duration_ms.is_given && !o->count.is_given)
        duration_ms = BENCH_DURATION_MS;
    struct plan plan = {
        .target = &o->target,
        .channel = o->channel,
        .is_queue = strncmp(o->channel, "/queue", 6) == 0,
        .has_stamps = o->size.value >= sizeof(struct stamp),
        .publishers = (uint32_t)o->pubs.value,
        .subscribers = (uint32_t)o->subs.value,
        .size = (uint32_t)o->size.value,
        .count = o->count.value,
        .duration_ns = duration_ms * 1000000,
        .rate = o->rate.value,
        .run = bench_random(),
        .speech = {.has_units = bench_has_units(o),
                   .confirms = o->confirms != CONFIRMED_NO,
                   .syncs = o->confirms == CONFIRMED_SYNC,
                   .acks = o->acks},
    };
    speech_init(&plan.speech, o->channel);
    return plan;
}

/* A sentence for the user, or NULL. */
static const char *bench_wrong(const struct bench_options *o, int argc)
{
    bool is_queue = strncmp(o->channel, CHANNEL_NAME_QUEUE,
                            strlen(CHANNEL_NAME_QUEUE)) == 0;
    if (argc > 1)
        return "bench takes options only; name a channel with --channel";
    if ((o->confirms != CONFIRMED_NO || o->acks) && !bench_has_units(o))
        return "--confirm and --ack are for version 2; add --v2";
    if (o->acks && !is_queue)
        return "--ack is for a queue; name one with --channel /queue/bench";
    return NULL;
}

/* What the user can do, if the sentence does not say so. */
static const char *bench_advice(enum sluice_error error, bool has_heard)
{
    switch (error) {
    case SLUICE_UNREACHABLE:
        return "; is sluiced running? Start it, or name another broker with "
               "--server or $SLUICE_SERVER";
    case SLUICE_CLOSED:
    case SLUICE_BROKEN:
        return has_heard ? "; the broker's log says why"
                         : "; the broker's log says why: " COMPLAIN_DEMANDS;
    case SLUICE_UNSUPPORTED:
        return "; leave out --v2, and options of a login";
    case SLUICE_UNTRUSTED:
        return "; see --tls-ca, --tls-name and --tls-pin";
    default:
        return "";
    }
}

/* Subscribers have heard something once all are connected and may be there. */
static int bench_failed(const struct connections *c)
{
    const struct sluice_failure *failure = &c->failure;
    bool has_heard = c->tally.probes > 0;
    if (failure->error == SLUICE_BAD_ADDRESS)
        return complain(EXIT_USAGE, "--server (or $SLUICE_SERVER): %s",
                        failure->sentence);
    return complain(
        failure->error == SLUICE_BAD_OPTION ? EXIT_USAGE : EXIT_FAILED, "%s%s",
        failure->sentence, bench_advice(failure->error, has_heard));
}

/* Every channel is lossless as long as its subscribers read, and these do. */
static int bench_judge(const struct bench_report *r)
{
    const struct tally *t = r->tally;
    uint64_t lost = outcome_lost(r->outcome, t);
    if (lost == 0 && t->duplicates == 0 && t->reordered == 0)
        return EXIT_DONE;
    return complain(EXIT_FAILED,
                    "of %" PRIu64 " deliveries %" PRIu64 " were lost; %" PRIu64
                    " came twice, %" PRIu64 " out of order",
                    r->outcome->expected, lost, t->duplicates, t->reordered);
}

static int bench_measure(const struct plan *plan, bool is_json)
{
    struct connections connections;
    struct outcome outcome = {0};
    int status;
    if (connections_open(&connections, plan) &&
        run_plan(&connections, &outcome)) {
        struct bench_report report = {plan, &connections.tally, &outcome};
        (is_json ? bench_report_print_json : bench_report_print_table)(&report,
                                                                       stdout);
        status = bench_judge(&report);
    } else {
        status = bench_failed(&connections);
    }
    connections_close(&connections);
    return status;
}

static int bench_run(int argc, char **argv)
{
    struct bench_options o = {0};
    int status;
    if (!command_parse(&command_bench, &o, &argc, argv, &status) ||
        !bench_check_channel(o.channel, &status))
        return status;
    const char *wrong = bench_wrong(&o, argc);
    if (wrong)
        return command_misused(&command_bench, wrong);
    if (!stop_signal_init())
        return complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    channel_hint_print(o.channel, CHANNEL_PUBLISH);
    struct plan plan = bench_plan(&o);
    return bench_measure(&plan, o.json);
}

const struct command command_bench = {
    .name = "bench",
    .arguments = "",
    .summary = "Measure throughput, latency and losses",
    .details =
        "Publishes and subscribes on one channel of a running broker, and\n"
        "reports how fast that is. With --rate, messages are due at fixed\n"
        "times and latency is measured from then, so that a broker that\n"
        "stalls is charged for it. Without --rate, at most 2 MiB are on\n"
        "their way at any time, and latency is mostly the time spent in\n"
        "line.\n"
        "\n"
        "  sluice bench --subs 10 --size 1k\n"
        "  sluice bench --channel /queue/bench --pubs 4 --subs 4\n"
        "  sluice bench --v2 --confirm\n"
        "  sluice bench --rate 20000 --duration 10s --json\n"
        "\n"
        "It exits with 1 when a message was lost, duplicated or out of\n"
        "order. Percentiles are at most 1 % above the truth.\n",
    .options = bench_options,
    .run = bench_run,
};

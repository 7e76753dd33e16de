/* SPDX-License-Identifier: MIT
 *
 * sluice ping - sends messages to itself through a topic of its own, one at a
 * time. So it tests everything that a message passes through, and its exit
 * status says whether the broker is well.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/round_trips.h"
#include "client/stop_signal.h"
#include "client/target.h"
#include "client/topic_link.h"
#include "client/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { PING_TOPIC_BYTES = 48 };

struct ping_options {
    struct target target;
    struct cli_option_number timeout_ms, count, interval_ms, size;
    bool is_quiet, has_units;
};

#define PING_VALUE(field) offsetof(struct ping_options, field)

static const struct cli_option ping_options[] = {
    TARGET_SERVER(PING_VALUE(target)),
    {"timeout", CLI_OPTION_DURATION, PING_VALUE(timeout_ms), "TIME", "5s", NULL,
     1, 86400000, "how long to try to connect, and to wait for an answer"},
    {"count", CLI_OPTION_COUNT, PING_VALUE(count), "N", NULL, NULL, 1, 0,
     "stop after N messages"},
    {"interval", CLI_OPTION_DURATION, PING_VALUE(interval_ms), "TIME", "1s",
     NULL, 0, 86400000,
     "from one message to the next; 0: as soon as it has come back"},
    {"size", CLI_OPTION_SIZE, PING_VALUE(size), "SIZE", "56", NULL,
     sizeof(uint64_t), SLUICE_MESSAGE_DEFAULT_MAX, "bytes of a message"},
    {"quiet", CLI_OPTION_FLAG, PING_VALUE(is_quiet), NULL, NULL, NULL, 0, 0,
     "print the statistics only"},
    {"v2", CLI_OPTION_FLAG, PING_VALUE(has_units), NULL, NULL, NULL, 0, 0,
     "speak version 2 of the protocol"},
    TARGET_TLS(PING_VALUE(target)),
    TARGET_LOGIN(PING_VALUE(target)),
    {.name = NULL},
};

struct pinger {
    struct ping_options options;
    struct topic_link link;
    char topic[PING_TOPIC_BYTES];
    uint8_t *body; /* begins with the number of the message */
    uint64_t sent_ns;
    struct round_trips trips;
};

static uint64_t pinger_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum sluice_error pinger_connect(struct pinger *p)
{
    return topic_link_join(&p->link, &p->options.target, sluice_text(p->topic),
                           (int)p->options.timeout_ms.value);
}

/* --- one message --------------------------------------------------------- */

static void pinger_on_answer(struct pinger *p)
{
    double time_ms = (double)(pinger_clock_ns() - p->sent_ns) / 1e6;
    round_trips_add(&p->trips, time_ms);
    if (!p->options.is_quiet)
        printf("%" PRIu64 " bytes from %s: seq=%" PRIu64 " time=%.3f ms\n",
               p->options.size.value, p->options.target.server, p->trips.sent,
               time_ms);
}

/* A message that comes back too late is not the one awaited. */
static bool pinger_is_answer(const struct pinger *p, struct sluice_bytes m)
{
    return m.length == p->options.size.value &&
           memcmp(m.data, p->body, sizeof p->trips.sent) == 0;
}

/* SLUICE_OK when the newest message has come back, SLUICE_TIMEOUT when the time
 * is up, SLUICE_INTERRUPTED after a stop signal. */
static enum sluice_error pinger_listen(struct pinger *p, int64_t due_ms)
{
    while (!stop_signal_came()) {
        struct sluice_bytes message;
        enum sluice_error error = topic_link_receive(&p->link, &message);
        if (error == SLUICE_OK && pinger_is_answer(p, message))
            return SLUICE_OK;
        if (error != SLUICE_OK && error != SLUICE_AGAIN)
            return error;
        /* After each message: a flood of others never leaves us waiting. */
        struct watch watch = {.s = p->link.s,
                              .fd = -1,
                              .timeout_ms = sluice_deadline_left(due_ms)};
        if (watch.timeout_ms == 0)
            return SLUICE_TIMEOUT;
        if (error == SLUICE_AGAIN)
            watch_wait(&watch);
    }
    return SLUICE_INTERRUPTED;
}

/* Sends a message and waits for it. A message that does not come back in time
 * is lost; ping goes on. */
static enum sluice_error pinger_round(struct pinger *p)
{
    int timeout_ms = (int)p->options.timeout_ms.value;
    p->trips.sent++;
    memcpy(p->body, &p->trips.sent, sizeof p->trips.sent);
    p->sent_ns = pinger_clock_ns();
    struct sluice_bytes message = {p->body, p->options.size.value};
    int64_t due_ms = sluice_deadline_in(timeout_ms);
    enum sluice_error error = topic_link_publish(
        &p->link, sluice_text(p->topic), message, timeout_ms);
    if (error == SLUICE_OK)
        error = pinger_listen(p, due_ms);
    if (error == SLUICE_OK)
        pinger_on_answer(p);
    else if (error == SLUICE_INTERRUPTED)
        p->trips.sent--; /* it was not waited for */
    else if (error == SLUICE_TIMEOUT)
        complain(EXIT_FAILED, "no answer to seq=%" PRIu64 " in %d ms",
                 p->trips.sent, timeout_ms);
    return error == SLUICE_TIMEOUT ? SLUICE_OK : error;
}

/* --- all of them --------------------------------------------------------- */

static bool pinger_is_over(const struct pinger *p)
{
    return p->options.count.is_given && p->trips.sent == p->options.count.value;
}

/* Until --count, a stop signal, or an error. A reader of standard output that
 * went away ends it, too. */
static enum sluice_error pinger_run(struct pinger *p)
{
    for (;;) {
        int64_t next_ms =
            sluice_deadline_clock() + (int64_t)p->options.interval_ms.value;
        enum sluice_error error = pinger_round(p);
        if (error != SLUICE_OK || pinger_is_over(p) || fflush(stdout) != 0)
            return error;
        error = pinger_listen(p, next_ms);
        if (error != SLUICE_OK && error != SLUICE_TIMEOUT)
            return error;
    }
}

static void pinger_print_statistics(const struct pinger *p, int64_t lasted_ms)
{
    const struct round_trips *r = &p->trips;
    printf("--- %s ping statistics ---\n", p->options.target.server);
    printf("%" PRIu64 " messages transmitted, %" PRIu64 " received, %.4g%% "
           "message loss, time %" PRId64 "ms\n",
           r->sent, r->received, round_trips_lost_percent(r), lasted_ms);
    if (r->received > 0)
        printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", r->least_ms,
               r->mean_ms, r->most_ms, round_trips_deviation_ms(r));
}

/* --- refusals ------------------------------------------------------------ */

/* A broker that closes without an answer may demand version 2, which can say
 * why it refuses. */
static bool pinger_must_ask_why(const struct pinger *p, enum sluice_error error)
{
    return !p->link.has_units && p->trips.received == 0 &&
           (error == SLUICE_BROKEN || error == SLUICE_CLOSED);
}

static enum sluice_error pinger_try(struct pinger *p, bool *is_connected)
{
    enum sluice_error error = pinger_connect(p);
    *is_connected = error == SLUICE_OK;
    return error == SLUICE_OK ? pinger_run(p) : error;
}

/* On a new handle: what is left of the old connection is not wanted. */
static enum sluice_error pinger_go(struct pinger *p, bool *is_connected)
{
    enum sluice_error error = pinger_try(p, is_connected);
    struct sluice *fresh = pinger_must_ask_why(p, error) ? sluice_new() : NULL;
    if (!fresh)
        return error;
    struct topic_link first = p->link;
    uint64_t sent = p->trips.sent;
    p->link = (struct topic_link){fresh, true};
    p->trips.sent = 0;
    enum sluice_error again = pinger_try(p, is_connected);
    if (again == SLUICE_OK || again == SLUICE_REFUSED ||
        p->trips.received > 0) {
        sluice_free(first.s);
        return again;
    }
    sluice_free(fresh); /* it says no more than the first one */
    p->link = first;
    p->trips.sent = sent;
    *is_connected = true;
    return error;
}

/* One that answers by a refusal is well, unless what was shown should have
 * been enough: a health check needs no secret. */
static bool pinger_is_alive(const struct pinger *p, enum sluice_error error)
{
    if (error != SLUICE_REFUSED || p->trips.received > 0)
        return false;
    return !login_is_wanted(&p->options.target.login) ||
           strcmp(sluice_error_code(p->link.s), "auth") != 0;
}

static int pinger_print_refusal(const struct pinger *p)
{
    printf("%s answers, and refuses: %s\n", p->options.target.server,
           sluice_error_detail(p->link.s));
    return EXIT_DONE;
}

static int pinger_ping(struct pinger *p)
{
    int64_t start_ms = sluice_deadline_clock();
    bool is_connected = false;
    enum sluice_error error = pinger_go(p, &is_connected);
    if (pinger_is_alive(p, error))
        return pinger_print_refusal(p);
    if (!is_connected)
        return complain_unconnected(p->link.s, error);
    int status = p->trips.received < p->trips.sent ? EXIT_FAILED : EXIT_DONE;
    if (error != SLUICE_OK && error != SLUICE_INTERRUPTED)
        status = complain(EXIT_FAILED, "%s%s", sluice_error_detail(p->link.s),
                          error == SLUICE_BROKEN && p->trips.received == 0
                              ? "; its log says why: " COMPLAIN_DEMANDS
                              : "");
    if (!ferror(stdout))
        pinger_print_statistics(p, sluice_deadline_clock() - start_ms);
    return status;
}

/* --- the command --------------------------------------------------------- */

static bool pinger_init(struct pinger *p)
{
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    snprintf(p->topic, sizeof p->topic, "/ping/%016" PRIx64 "%016" PRIx64,
             random[0], random[1]);
    p->body = calloc(1, p->options.size.value);
    p->link.s = sluice_new();
    p->link.has_units = p->options.has_units;
    return p->body && p->link.s && stop_signal_init();
}

static int ping_run(int argc, char **argv)
{
    struct pinger p = {.body = NULL};
    int status;
    if (!command_parse(&command_ping, &p.options, &argc, argv, &status))
        return status;
    if (login_is_wanted(&p.options.target.login))
        p.options.has_units = true; /* version 1 has no way to show it */
    if (argc > 1)
        return command_misused(&command_ping,
                               "ping takes options only; name a broker with "
                               "--server");
    status = pinger_init(&p)
                 ? pinger_ping(&p)
                 : complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    sluice_free(p.link.s);
    free(p.body);
    return status;
}

const struct command command_ping = {
    .name = "ping",
    .arguments = "",
    .summary = "Check whether the broker is well, and how fast",
    .details =
        "Sends messages to itself through a topic of its own, one at a time,\n"
        "until --count or SIGINT, and prints how long each took.\n"
        "\n"
        "It exits with 1 when the broker cannot be reached or a message does\n"
        "not come back within --timeout:\n"
        "\n"
        "  sluice ping --count 1 --timeout 2s --quiet\n"
        "\n"
        "A broker that refuses this client in words is well, too: a check of\n"
        "its health needs no secret. It prints the refusal, and exits with 0,\n"
        "unless it was about the --user or the token that was given.\n",
    .options = ping_options,
    .run = ping_run,
};

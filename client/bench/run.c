/* SPDX-License-Identifier: MIT
 *
 * Version 1 of the protocol confirms nothing, and version 2 not that a message
 * has arrived. Two things stand in for that:
 *
 * A probe is a numbered message that is not counted. Once the probe that was
 * sent last has been received, everything that the same connection sent before
 * has been received or is lost, because order is kept. Before the first message
 * this proves that all are subscribed; after the last one, that nothing is
 * still on its way.
 *
 * A publisher's goodbye is answered by the end of file when the broker has
 * read all that came before it. So all publishers but the first leave before
 * the last probe, and it is behind the messages of all of them.
 */
#include "client/bench/run.h"

#include "client/bench/progress.h"
#include "client/stop_signal.h"

#include <assert.h>
#include <sys/resource.h>

#define MS 1000000u /* ns */

enum {
    RUN_PROBE_MS = 10,          /* the first pause between probes, */
    RUN_PROBE_MAX_MS = 640,     /* and the longest */
    RUN_WINDOW_BYTES = 2 << 20, /* on their way, unless paced */
    RUN_SPIN_NS = 2000000,      /* do not sleep when so little is left */
};

/* Without anything arriving: give up. */
#define RUN_STALL_NS (UINT64_C(10000) * MS)

struct run {
    struct connections *connections;
    struct progress progress;
    uint64_t start_ns;
    uint64_t sent_ns; /* when a publisher last had something to write */
    uint64_t made;    /* messages, of all publishers */
    uint64_t probes;  /* sent so far */
    uint64_t window;  /* messages sent and not arrived, unless paced */
    uint32_t turn;    /* the publisher that may go first */
    bool is_over;     /* no more messages are to be made */
};

static bool run_fail(struct run *r, const char *sentence)
{
    (void)sluice_failure_set(&r->connections->failure, SLUICE_TIMEOUT, "%s",
                             sentence);
    return false;
}

static bool run_is_stalled(const struct run *r, uint64_t now_ns)
{
    return now_ns > r->connections->heard_ns &&
           now_ns - r->connections->heard_ns > RUN_STALL_NS;
}

/* --- probes -------------------------------------------------------------- */

/* A probe goes to every subscriber of a topic, but to one consumer of a queue:
 * there it takes one for each, and more when some have no room. */
static void run_probe(struct run *r)
{
    struct connections *c = r->connections;
    size_t n = c->plan->is_queue ? c->plan->subscribers : 1;
    for (size_t i = 0; i < n; i++) {
        struct stamp stamp = {c->plan->run, STAMP_PROBE, ++r->probes, 0};
        batch_stamp(&c->probes, i, &stamp);
    }
    bench_publisher_give(&c->publishers[0], &c->probes, n);
}

/* Every subscriber has received one of the probes since `since`, and no probe
 * is missing. */
static bool run_is_heard(const struct run *r, uint64_t since)
{
    const struct connections *c = r->connections;
    uint64_t least = c->plan->is_queue ? since + 1 : r->probes;
    for (uint32_t i = 0; i < c->plan->subscribers; i++)
        if (c->subscribers[i].probe < least)
            return false;
    return !c->plan->is_queue || c->tally.probes == r->probes;
}

/* Sends probes until every subscriber has received one. There is no limit to
 * the time while other messages arrive, old ones of a queue or ours. A stop
 * signal during the run does not prevent its end from being counted. */
static bool run_meet(struct run *r, const char *complaint)
{
    struct connections *c = r->connections;
    uint64_t since = r->probes, due_ns = 0, heard_ns = stamp_clock_ns();
    uint64_t heard = 0;
    int pause_ms = RUN_PROBE_MS;
    do {
        uint64_t now_ns = stamp_clock_ns();
        if (tally_messages(&c->tally) != heard)
            heard_ns = now_ns;
        heard = tally_messages(&c->tally);
        if (now_ns - heard_ns > RUN_STALL_NS)
            return run_fail(r, complaint);
        if (now_ns >= due_ns && bench_publisher_is_idle(&c->publishers[0])) {
            run_probe(r);
            due_ns = now_ns + (uint64_t)pause_ms * MS;
            if (pause_ms < RUN_PROBE_MAX_MS)
                pause_ms *= 2;
        }
        if (!connections_flush(c) || !connections_wait(c, pause_ms))
            return false;
    } while (r->probes == since || !run_is_heard(r, since));
    return true;
}

/* --- sending ------------------------------------------------------------- */

/* When the `sequence`th message of a publisher is to be sent. They take
 * turns, so that all together keep the rate. */
static uint64_t run_due_ns(const struct run *r, uint32_t publisher,
                           uint64_t sequence)
{
    const struct plan *plan = r->connections->plan;
    uint64_t nth = sequence * plan->publishers + publisher;
    uint64_t s = nth / plan->rate, rest = nth % plan->rate;
    return r->start_ns + s * 1000 * MS + rest * 1000 * MS / plan->rate;
}

/* How many more messages may be on their way. */
static uint64_t run_room(const struct run *r)
{
    if (r->connections->plan->rate > 0)
        return UINT64_MAX;
    uint64_t flying = r->made - connections_arrived(r->connections);
    return flying < r->window ? r->window - flying : 0;
}

/* How many of `most` messages of a publisher are due. */
static uint64_t run_due(const struct run *r, uint32_t index, uint64_t most,
                        uint64_t now_ns)
{
    uint64_t made = r->connections->publishers[index].made, due = 0;
    while (due < most && run_due_ns(r, index, made + due) <= now_ns)
        due++;
    return due;
}

/* How many messages a publisher may send now. */
static uint64_t run_allows(const struct run *r, uint32_t index, uint64_t room,
                           uint64_t now_ns)
{
    const struct bench_publisher *p = &r->connections->publishers[index];
    uint64_t most = p->share - p->made;
    if (!bench_publisher_is_idle(p))
        return 0;
    if (most > p->batch.room)
        most = p->batch.room;
    if (r->connections->plan->rate > 0)
        return run_due(r, index, most, now_ns);
    return most < room ? most : room;
}

static void run_make(struct run *r, uint32_t index, uint64_t n, uint64_t now_ns)
{
    const struct plan *plan = r->connections->plan;
    struct bench_publisher *p = &r->connections->publishers[index];
    for (uint64_t i = 0; plan->has_stamps && i < n; i++) {
        struct stamp stamp = {plan->run, index, p->made + i, now_ns};
        if (plan->rate > 0)
            stamp.at_ns = run_due_ns(r, index, stamp.sequence);
        batch_stamp(&p->batch, i, &stamp);
    }
    bench_publisher_give(p, &p->batch, n);
    p->made += n;
    r->made += n;
}

/* Gives every publisher that has nothing to write what it may send. The one
 * that went first goes last the next time, since they share the window. True
 * when any of them got something, and may well get more at once. */
static bool run_feed(struct run *r, uint64_t now_ns)
{
    uint32_t publishers = r->connections->plan->publishers;
    uint64_t before = r->made, room = run_room(r);
    assert(publishers > 0);
    for (uint32_t i = 0; i < publishers; i++) {
        uint32_t index = (r->turn + i) % publishers;
        uint64_t n = run_allows(r, index, room, now_ns);
        if (n > 0)
            run_make(r, index, n, now_ns);
        room -= n;
    }
    r->turn = (r->turn + 1) % publishers;
    return r->made > before;
}

static bool run_is_sent(const struct run *r, uint64_t now_ns)
{
    const struct plan *plan = r->connections->plan;
    return (plan->count > 0 && r->made == plan->count) || stop_signal_came() ||
           (plan->duration_ns > 0 && now_ns - r->start_ns >= plan->duration_ns);
}

/* A generator that sleeps measures how long it takes to wake up, so it does
 * only when there is time for that. */
static int run_pause_ms(const struct run *r, uint64_t now_ns)
{
    const struct connections *c = r->connections;
    uint64_t due_ns = UINT64_MAX;
    if (c->plan->rate == 0 || r->is_over)
        return PROGRESS_MS;
    for (uint32_t i = 0; i < c->plan->publishers; i++) {
        const struct bench_publisher *p = &c->publishers[i];
        if (p->made == p->share)
            continue;
        uint64_t next_ns = run_due_ns(r, i, p->made);
        due_ns = next_ns < due_ns ? next_ns : due_ns;
    }
    if (due_ns < now_ns + RUN_SPIN_NS)
        return 0;
    uint64_t ms = (due_ns - now_ns) / MS - 1;
    return ms < PROGRESS_MS ? (int)ms : PROGRESS_MS;
}

static bool run_send(struct run *r)
{
    struct connections *c = r->connections;
    do {
        uint64_t now_ns = stamp_clock_ns();
        bool is_stalled = run_is_stalled(r, now_ns);
        if (is_stalled && !connections_is_idle(c))
            return run_fail(r, "the broker has taken nothing for ten "
                               "seconds");
        /* Idle and stalled: the messages in the window are lost, so count
         * them. */
        r->is_over = r->is_over || is_stalled || run_is_sent(r, now_ns);
        bool has_given = !r->is_over && run_feed(r, now_ns);
        progress_show(&r->progress, now_ns, r->made, c->tally.received);
        if (has_given || !connections_is_idle(c))
            r->sent_ns = now_ns;
        int pause_ms = has_given ? 0 : run_pause_ms(r, now_ns);
        if (!connections_flush(c) || !connections_wait(c, pause_ms))
            return false;
    } while (!r->is_over || !connections_is_idle(c));
    return true;
}

/* --- the end ------------------------------------------------------------- */

static bool run_has_left(const struct bench_publisher *p)
{
    return !p->link;
}

/* All publishers but the first say goodbye and wait for the answer. */
static bool run_leave(struct run *r)
{
    struct connections *c = r->connections;
    c->heard_ns = stamp_clock_ns();
    for (uint32_t i = 1; i < c->plan->publishers; i++)
        bench_publisher_give_goodbye(&c->publishers[i]);
    for (uint32_t i = 1; i < c->plan->publishers; i++)
        while (!run_has_left(&c->publishers[i])) {
            if (run_is_stalled(r, stamp_clock_ns()))
                return run_fail(
                    r, "the broker does not answer a publisher's goodbye");
            if (!connections_flush(c) || !connections_wait(c, PROGRESS_MS))
                return false;
        }
    return true;
}

/* The receipts of the first publisher, which has not left. */
static bool run_await_receipts(struct run *r)
{
    struct connections *c = r->connections;
    c->heard_ns = stamp_clock_ns();
    while (!connections_are_answered(c)) {
        if (run_is_stalled(r, stamp_clock_ns()))
            return run_fail(r, "the broker does not answer every publish");
        if (!connections_flush(c) || !connections_wait(c, PROGRESS_MS))
            return false;
    }
    return true;
}

static double run_cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static uint64_t run_window(const struct plan *plan)
{
    size_t window = batch_room(plan->speech.head, plan->size, RUN_WINDOW_BYTES);
    return window > plan->publishers ? window : plan->publishers;
}

bool run_plan(struct connections *c, struct outcome *out)
{
    struct run r = {.connections = c, .window = run_window(c->plan)};
    if (!run_meet(&r, "the subscribers receive nothing, or others take "
                      "messages from this channel; name another with "
                      "--channel"))
        return false;
    double cpu_s = run_cpu_seconds();
    r.start_ns = c->heard_ns = stamp_clock_ns();
    progress_init(&r.progress, c->plan, r.start_ns);
    bool is_done = run_send(&r);
    double used_s = (double)(stamp_clock_ns() - r.start_ns) / 1e9;
    cpu_s = run_cpu_seconds() - cpu_s;
    is_done = is_done && run_leave(&r) &&
              run_meet(&r, "the subscribers receive nothing more") &&
              run_await_receipts(&r);
    progress_clear(&r.progress);
    out->sent = r.made;
    out->expected = r.made * (c->plan->is_queue ? 1 : c->plan->subscribers);
    out->sending_ns = r.sent_ns - r.start_ns;
    out->delivering_ns =
        c->tally.last_ns > r.start_ns ? c->tally.last_ns - r.start_ns : 0;
    out->cpu = cpu_s / used_s;
    return is_done;
}

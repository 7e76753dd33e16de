/* SPDX-License-Identifier: MIT
 *
 * Version 1 of the protocol confirms nothing. Two things stand in for that:
 *
 * A probe is a numbered message that is not counted. Once the probe that was
 * sent last has been heard, everything that the same connection sent before
 * has been heard or is lost, because order is kept. Before the first message
 * that tells who is subscribed, after the last one that nothing is on its way.
 *
 * A publisher's goodbye is answered by the end of file when the broker has
 * read all that came before it. So all publishers but the first leave before
 * the last probe, and it is behind the messages of all of them.
 */
#include "client/bench/course.h"

#include "client/bench/progress.h"
#include "client/stop_signal.h"

#include <assert.h>
#include <sys/resource.h>

#define MS 1000000u /* ns */

enum {
    COURSE_PROBE_MS = 10,          /* the first pause between probes, */
    COURSE_PROBE_MAX_MS = 640,     /* and the longest */
    COURSE_WINDOW_BYTES = 2 << 20, /* on their way, unless paced */
    COURSE_SPIN_NS = 2000000,      /* do not sleep when so little is left */
};

/* Without anything arriving: give up. */
#define COURSE_STALL_NS (UINT64_C(10000) * MS)

struct course {
    struct crew *crew;
    struct progress progress;
    uint64_t start_ns;
    uint64_t sent_ns; /* when somebody last had something to write */
    uint64_t made;    /* messages, of all publishers */
    uint64_t probes;  /* sent so far */
    uint64_t window;  /* messages sent and not arrived, unless paced */
    uint32_t turn;    /* the publisher that may go first */
    bool is_over;     /* no more messages are to be made */
};

static bool course_fail(struct course *k, const char *sentence)
{
    (void)sluice_failure_set(&k->crew->failure, SLUICE_TIMEOUT, "%s", sentence);
    return false;
}

static bool course_is_stalled(const struct course *k, uint64_t now_ns)
{
    return now_ns > k->crew->heard_ns &&
           now_ns - k->crew->heard_ns > COURSE_STALL_NS;
}

/* --- probes -------------------------------------------------------------- */

/* A probe goes to every subscriber of a topic, but to one consumer of a queue:
 * there it takes one for each, and more when some have no room. */
static void course_probe(struct course *k)
{
    struct crew *c = k->crew;
    size_t n = c->plan->is_queue ? c->plan->subscribers : 1;
    for (size_t i = 0; i < n; i++) {
        struct stamp stamp = {c->plan->run, STAMP_PROBE, ++k->probes, 0};
        batch_stamp(&c->probes, i, &stamp);
    }
    publisher_give(&c->publishers[0], &c->probes, n);
}

/* Everybody has heard one of the probes since `since`, and none is missing. */
static bool course_is_heard(const struct course *k, uint64_t since)
{
    const struct crew *c = k->crew;
    uint64_t least = c->plan->is_queue ? since + 1 : k->probes;
    for (uint32_t i = 0; i < c->plan->subscribers; i++)
        if (c->subscribers[i].probe < least)
            return false;
    return !c->plan->is_queue || c->tally.probes == k->probes;
}

/* Sends probes until everybody has heard one. While other messages arrive, old
 * ones of a queue or ours, it may take as long as it likes. A stop signal that
 * came during the run does not keep its end from being counted. */
static bool course_meet(struct course *k, const char *complaint)
{
    struct crew *c = k->crew;
    uint64_t since = k->probes, due_ns = 0, heard_ns = stamp_clock_ns();
    uint64_t heard = 0;
    int pause_ms = COURSE_PROBE_MS;
    do {
        uint64_t now_ns = stamp_clock_ns();
        if (tally_messages(&c->tally) != heard)
            heard_ns = now_ns;
        heard = tally_messages(&c->tally);
        if (now_ns - heard_ns > COURSE_STALL_NS)
            return course_fail(k, complaint);
        if (now_ns >= due_ns && publisher_is_idle(&c->publishers[0])) {
            course_probe(k);
            due_ns = now_ns + (uint64_t)pause_ms * MS;
            if (pause_ms < COURSE_PROBE_MAX_MS)
                pause_ms *= 2;
        }
        if (!crew_flush(c) || !crew_wait(c, pause_ms))
            return false;
    } while (k->probes == since || !course_is_heard(k, since));
    return true;
}

/* --- sending ------------------------------------------------------------- */

/* When the `sequence`th message of a publisher is to be sent. They take
 * turns, so that all together keep the rate. */
static uint64_t course_due_ns(const struct course *k, uint32_t publisher,
                              uint64_t sequence)
{
    const struct plan *plan = k->crew->plan;
    uint64_t nth = sequence * plan->publishers + publisher;
    uint64_t s = nth / plan->rate, rest = nth % plan->rate;
    return k->start_ns + s * 1000 * MS + rest * 1000 * MS / plan->rate;
}

/* How many more messages may be on their way. */
static uint64_t course_room(const struct course *k)
{
    if (k->crew->plan->rate > 0)
        return UINT64_MAX;
    uint64_t flying = k->made - crew_arrived(k->crew);
    return flying < k->window ? k->window - flying : 0;
}

/* How many of `most` messages of a publisher are due. */
static uint64_t course_due(const struct course *k, uint32_t index,
                           uint64_t most, uint64_t now_ns)
{
    uint64_t made = k->crew->publishers[index].made, due = 0;
    while (due < most && course_due_ns(k, index, made + due) <= now_ns)
        due++;
    return due;
}

/* How many messages a publisher may send now. */
static uint64_t course_allows(const struct course *k, uint32_t index,
                              uint64_t room, uint64_t now_ns)
{
    const struct publisher *p = &k->crew->publishers[index];
    uint64_t most = p->share - p->made;
    if (!publisher_is_idle(p))
        return 0;
    if (most > p->batch.room)
        most = p->batch.room;
    if (k->crew->plan->rate > 0)
        return course_due(k, index, most, now_ns);
    return most < room ? most : room;
}

static void course_make(struct course *k, uint32_t index, uint64_t n,
                        uint64_t now_ns)
{
    const struct plan *plan = k->crew->plan;
    struct publisher *p = &k->crew->publishers[index];
    for (uint64_t i = 0; plan->has_stamps && i < n; i++) {
        struct stamp stamp = {plan->run, index, p->made + i, now_ns};
        if (plan->rate > 0)
            stamp.at_ns = course_due_ns(k, index, stamp.sequence);
        batch_stamp(&p->batch, i, &stamp);
    }
    publisher_give(p, &p->batch, n);
    p->made += n;
    k->made += n;
}

/* Gives every publisher that has nothing to write what it may send. Who went
 * first goes last the next time: the window is for all. True when anybody got
 * anything, and may well get more at once. */
static bool course_feed(struct course *k, uint64_t now_ns)
{
    uint32_t publishers = k->crew->plan->publishers;
    uint64_t before = k->made, room = course_room(k);
    assert(publishers > 0);
    for (uint32_t i = 0; i < publishers; i++) {
        uint32_t index = (k->turn + i) % publishers;
        uint64_t n = course_allows(k, index, room, now_ns);
        if (n > 0)
            course_make(k, index, n, now_ns);
        room -= n;
    }
    k->turn = (k->turn + 1) % publishers;
    return k->made > before;
}

static bool course_is_sent(const struct course *k, uint64_t now_ns)
{
    const struct plan *plan = k->crew->plan;
    return (plan->count > 0 && k->made == plan->count) || stop_signal_came() ||
           (plan->duration_ns > 0 && now_ns - k->start_ns >= plan->duration_ns);
}

/* A generator that sleeps measures how long it takes to wake up, so it does
 * only when there is time for that. */
static int course_pause_ms(const struct course *k, uint64_t now_ns)
{
    const struct crew *c = k->crew;
    uint64_t due_ns = UINT64_MAX;
    if (c->plan->rate == 0 || k->is_over)
        return PROGRESS_MS;
    for (uint32_t i = 0; i < c->plan->publishers; i++) {
        const struct publisher *p = &c->publishers[i];
        if (p->made == p->share)
            continue;
        uint64_t next_ns = course_due_ns(k, i, p->made);
        due_ns = next_ns < due_ns ? next_ns : due_ns;
    }
    if (due_ns < now_ns + COURSE_SPIN_NS)
        return 0;
    uint64_t ms = (due_ns - now_ns) / MS - 1;
    return ms < PROGRESS_MS ? (int)ms : PROGRESS_MS;
}

static bool course_send(struct course *k)
{
    struct crew *c = k->crew;
    do {
        uint64_t now_ns = stamp_clock_ns();
        bool is_stalled = course_is_stalled(k, now_ns);
        if (is_stalled && !crew_is_idle(c))
            return course_fail(k, "the broker has taken nothing for ten "
                                  "seconds");
        /* Idle and stalled: what fills the window is lost, so count it. */
        k->is_over = k->is_over || is_stalled || course_is_sent(k, now_ns);
        bool has_given = !k->is_over && course_feed(k, now_ns);
        progress_show(&k->progress, now_ns, k->made, c->tally.received);
        if (has_given || !crew_is_idle(c))
            k->sent_ns = now_ns;
        int pause_ms = has_given ? 0 : course_pause_ms(k, now_ns);
        if (!crew_flush(c) || !crew_wait(c, pause_ms))
            return false;
    } while (!k->is_over || !crew_is_idle(c));
    return true;
}

/* --- the end ------------------------------------------------------------- */

static bool course_has_left(const struct publisher *p)
{
    return p->fd < 0;
}

/* All publishers but the first say goodbye and are answered. */
static bool course_leave(struct course *k)
{
    struct crew *c = k->crew;
    c->heard_ns = stamp_clock_ns();
    for (uint32_t i = 1; i < c->plan->publishers; i++)
        publisher_give_goodbye(&c->publishers[i]);
    for (uint32_t i = 1; i < c->plan->publishers; i++)
        while (!course_has_left(&c->publishers[i])) {
            if (course_is_stalled(k, stamp_clock_ns()))
                return course_fail(k, "a publisher's goodbye stays unanswered");
            if (!crew_flush(c) || !crew_wait(c, PROGRESS_MS))
                return false;
        }
    return true;
}

static double course_cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static uint64_t course_window(const struct plan *plan)
{
    size_t window = batch_room(plan->channel, plan->size, COURSE_WINDOW_BYTES);
    return window > plan->publishers ? window : plan->publishers;
}

bool course_run(struct crew *c, struct outcome *out)
{
    struct course k = {.crew = c, .window = course_window(c->plan)};
    if (!course_meet(&k, "the subscribers hear nothing, or others take "
                         "messages from this channel; name another with "
                         "--channel"))
        return false;
    double cpu_s = course_cpu_seconds();
    k.start_ns = c->heard_ns = stamp_clock_ns();
    progress_init(&k.progress, c->plan, k.start_ns);
    bool is_done = course_send(&k);
    double used_s = (double)(stamp_clock_ns() - k.start_ns) / 1e9;
    cpu_s = course_cpu_seconds() - cpu_s;
    is_done = is_done && course_leave(&k) &&
              course_meet(&k, "the subscribers hear nothing more");
    progress_clear(&k.progress);
    out->sent = k.made;
    out->expected = k.made * (c->plan->is_queue ? 1 : c->plan->subscribers);
    out->sending_ns = k.sent_ns - k.start_ns;
    out->delivering_ns =
        c->tally.last_ns > k.start_ns ? c->tally.last_ns - k.start_ns : 0;
    out->cpu = cpu_s / used_s;
    return is_done;
}

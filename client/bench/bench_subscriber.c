/* SPDX-License-Identifier: MIT */
#include "client/bench/bench_subscriber.h"

#include "client/bench/ledger.h"
#include "proto/channel_name.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

bool bench_subscriber_init(struct bench_subscriber *s, int fd,
                           const struct plan *plan, struct tally *tally,
                           struct ledger *seen)
{
    *s = (struct bench_subscriber){
        .plan = plan, .tally = tally, .fd = fd, .seen = seen};
    s->next = calloc(plan->publishers, sizeof *s->next);
    return s->next != NULL;
}

void bench_subscriber_fini(struct bench_subscriber *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    free(s->next);
    s->next = NULL;
}

/* The first bytes on a new connection: the kernel has room for them. */
bool bench_subscriber_hello(const struct bench_subscriber *s)
{
    uint8_t hello[FRAME_HEAD_BYTES + CHANNEL_NAME_MAX];
    uint32_t length = (uint32_t)strlen(s->plan->channel);
    frame_put(hello, s->plan->channel, length);
    return send(s->fd, hello, frame_size(length), MSG_NOSIGNAL) >= 0;
}

/* --- accounting ---------------------------------------------------------- */

static void bench_subscriber_receive(struct bench_subscriber *s,
                                     uint64_t now_ns)
{
    s->tally->received++;
    s->tally->last_ns = now_ns;
}

/* Keeps the publisher's place. True when the message came in order. */
static bool bench_subscriber_advance(struct bench_subscriber *s,
                                     const struct stamp *stamp)
{
    uint64_t *next = &s->next[stamp->publisher];
    if (stamp->sequence < *next)
        return false;
    s->passed += stamp->sequence + 1 - *next;
    *next = stamp->sequence + 1;
    return true;
}

/* A message whose stamp names its publisher, its number and its time. */
static void bench_subscriber_receive_stamped(struct bench_subscriber *s,
                                             const struct stamp *stamp,
                                             uint64_t now_ns)
{
    struct tally *t = s->tally;
    enum ledger_entry entry =
        ledger_enter(&s->seen[stamp->publisher], stamp->sequence);
    if (entry == LEDGER_AGAIN) {
        t->duplicates++;
        return;
    }
    t->is_out_of_memory |= entry == LEDGER_NO_MEMORY;
    if (!bench_subscriber_advance(s, stamp))
        t->reordered++;
    histogram_add(&t->latency,
                  now_ns > stamp->at_ns ? now_ns - stamp->at_ns : 0);
    bench_subscriber_receive(s, now_ns);
}

/* One message; at least as much of its body as a stamp takes is there. */
static void bench_subscriber_message(struct bench_subscriber *s,
                                     const uint8_t *body, uint32_t length,
                                     uint64_t now_ns)
{
    const struct plan *plan = s->plan;
    struct stamp stamp = {.run = ~plan->run};
    if (length >= sizeof stamp)
        memcpy(&stamp, body, sizeof stamp);
    bool is_stamped =
        stamp.run == plan->run && stamp.publisher < plan->publishers;
    bool is_ours = length == plan->size && (is_stamped || !plan->has_stamps);
    if (stamp.run == plan->run && stamp.publisher == STAMP_PROBE) {
        s->probe = stamp.sequence;
        s->tally->probes++;
    } else if (!is_ours) {
        s->tally->foreign++;
    } else if (!plan->has_stamps) {
        s->passed++;
        bench_subscriber_receive(s, now_ns);
    } else {
        bench_subscriber_receive_stamped(s, &stamp, now_ns);
    }
}

/* --- decoding ------------------------------------------------------------ */

static uint32_t bench_subscriber_head_length(const struct bench_subscriber *s)
{
    return frame_get_length(s->head);
}

/* How many bytes of the message at hand belong into `head`. */
static size_t bench_subscriber_head_wanted(const struct bench_subscriber *s)
{
    if (s->head_bytes < FRAME_HEAD_BYTES)
        return FRAME_HEAD_BYTES;
    size_t whole = frame_size(bench_subscriber_head_length(s));
    return whole < sizeof s->head ? whole : sizeof s->head;
}

/* Takes bytes for `head`; returns how many. Sets skip_bytes when it is full. */
static size_t bench_subscriber_fill_head(struct bench_subscriber *s,
                                         const uint8_t *bytes, size_t n)
{
    size_t taken = 0;
    while (taken < n && s->head_bytes < bench_subscriber_head_wanted(s))
        s->head[s->head_bytes++] = bytes[taken++];
    if (s->head_bytes >= FRAME_HEAD_BYTES &&
        s->head_bytes == bench_subscriber_head_wanted(s))
        s->skip_bytes =
            frame_size(bench_subscriber_head_length(s)) - s->head_bytes;
    return taken;
}

/* Takes the rest of the message that was cut; returns how many bytes. */
static size_t bench_subscriber_resume(struct bench_subscriber *s,
                                      const uint8_t *bytes, size_t n,
                                      uint64_t now_ns)
{
    size_t taken = 0;
    if (s->skip_bytes == 0)
        taken = bench_subscriber_fill_head(s, bytes, n);
    size_t skip = n - taken < s->skip_bytes ? n - taken : s->skip_bytes;
    taken += skip;
    s->skip_bytes -= skip;
    if (s->skip_bytes == 0 && s->head_bytes >= FRAME_HEAD_BYTES &&
        s->head_bytes == bench_subscriber_head_wanted(s)) {
        s->head_bytes = 0;
        bench_subscriber_message(s, s->head + FRAME_HEAD_BYTES,
                                 bench_subscriber_head_length(s), now_ns);
    }
    return taken;
}

void bench_subscriber_take(struct bench_subscriber *s, const uint8_t *bytes,
                           size_t n, uint64_t now_ns)
{
    size_t at = 0;
    struct frame frame;
    if (s->head_bytes > 0)
        at = bench_subscriber_resume(s, bytes, n, now_ns);
    while (frame_decode(bytes + at, n - at, UINT32_MAX, &frame) == FRAME_OK) {
        bench_subscriber_message(s, frame.body, frame.length, now_ns);
        at += frame_size(frame.length);
    }
    if (at < n)
        (void)bench_subscriber_resume(s, bytes + at, n - at, now_ns);
}

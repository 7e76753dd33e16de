/* SPDX-License-Identifier: MIT */
#include "client/bench/bench_subscriber.h"

#include "client/bench/ledger.h"
#include "client/bench/stamp.h"
#include "client/lib/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The verb of its head is as long as PUB, and a number has up to 19 digits. */
static size_t bench_subscriber_ack_bytes(const struct plan *plan)
{
    return 2 * FRAME_HEAD_BYTES + strlen(plan->speech.head) + 1 + 19;
}

bool bench_subscriber_init(struct bench_subscriber *s, struct sluice *link,
                           const struct plan *plan, struct tally *tally,
                           struct ledger *seen)
{
    *s = (struct bench_subscriber){
        .plan = plan, .tally = tally, .link = link, .seen = seen};
    s->next = calloc(plan->publishers, sizeof *s->next);
    if (!s->next || !plan->speech.acks)
        return s->next != NULL;
    s->acks_room = SPEECH_CREDIT * bench_subscriber_ack_bytes(plan);
    s->acks = malloc(s->acks_room);
    return s->acks != NULL;
}

void bench_subscriber_fini(struct bench_subscriber *s)
{
    sluice_free(s->link);
    s->link = NULL;
    free(s->next);
    free(s->acks);
    s->next = NULL;
    s->acks = NULL;
}

/* The first bytes on a new connection: the kernel has room for them. */
bool bench_subscriber_hello(const struct bench_subscriber *s)
{
    const struct speech *speech = &s->plan->speech;
    return sluice_wire_send(&s->link->wire, speech->subscribe,
                            speech->subscribe_bytes) >= 0;
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
                                     const uint8_t *body, uint32_t length)
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
        bench_subscriber_receive(s, s->now_ns);
    } else {
        bench_subscriber_receive_stamped(s, &stamp, s->now_ns);
    }
}

/* --- version 2 ----------------------------------------------------------- */

/* It is the head of the MSG up to its number, with another verb. All that is
 * held fits into the room. */
static void bench_subscriber_acknowledge(struct bench_subscriber *s,
                                         const uint8_t *head, uint32_t length)
{
    size_t kept = length < SPLITTER_KEPT_BYTES ? length : SPLITTER_KEPT_BYTES;
    const uint8_t *end = head + kept, *at = head;
    for (int words = 0; at < end && (*at != ' ' || ++words < 3);)
        at++;
    uint32_t n = (uint32_t)(at - head);
    if (s->acks_bytes + 2 * FRAME_HEAD_BYTES + n > s->acks_room)
        return;
    uint8_t *ack = s->acks + s->acks_bytes;
    uint8_t *next = frame_put(ack, head, n);
    memcpy(ack + FRAME_HEAD_BYTES, "ACK", 3);
    next = frame_put(next, NULL, 0);
    s->acks_bytes = (size_t)(next - s->acks);
}

static void bench_subscriber_head(struct bench_subscriber *s,
                                  const uint8_t *head, uint32_t length)
{
    s->is_message = speech_is_verb(head, length, "MSG");
    if (s->is_message && s->plan->speech.acks)
        bench_subscriber_acknowledge(s, head, length);
    if (speech_is_verb(head, length, "ERR") && s->refusal[0] == '\0')
        speech_copy_head(s->refusal, sizeof s->refusal, head, length);
}

bool bench_subscriber_flush(struct bench_subscriber *s)
{
    size_t sent = 0;
    while (sent < s->acks_bytes) {
        ssize_t n = sluice_wire_send(&s->link->wire, s->acks + sent,
                                     s->acks_bytes - sent);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return false;
        sent += (size_t)n;
    }
    s->acks_bytes -= sent;
    if (s->acks_bytes > 0 && sent > 0)
        memmove(s->acks, s->acks + sent, s->acks_bytes);
    return true;
}

/* --- both versions ------------------------------------------------------- */

/* In version 2 heads and bodies take turns. */
static void bench_subscriber_frame(void *owner, const uint8_t *body,
                                   uint32_t length)
{
    struct bench_subscriber *s = owner;
    if (!s->plan->speech.has_units) {
        bench_subscriber_message(s, body, length);
        return;
    }
    s->is_body = !s->is_body;
    if (s->is_body)
        bench_subscriber_head(s, body, length);
    else if (s->is_message)
        bench_subscriber_message(s, body, length);
}

void bench_subscriber_take(struct bench_subscriber *s, const uint8_t *bytes,
                           size_t n, uint64_t now_ns)
{
    s->now_ns = now_ns;
    splitter_feed(&s->splitter, bytes, n, bench_subscriber_frame, s);
}

/* SPDX-License-Identifier: MIT */
#include "client/bench/bench_publisher.h"

#include "client/lib/handle.h"

#include <errno.h>
#include <stdlib.h>

/* Much less costs system calls, much more leaves the caches. */
enum { BENCH_PUBLISHER_BATCH_BYTES = 64 << 10 };

bool bench_publisher_init(struct bench_publisher *p, struct sluice *link,
                          const struct speech *speech, uint32_t size)
{
    size_t room = batch_room(speech->head, size, BENCH_PUBLISHER_BATCH_BYTES);
    *p = (struct bench_publisher){.link = link,
                                  .speech = speech,
                                  .out = speech->publish,
                                  .out_bytes = speech->publish_bytes};
    return batch_init(&p->batch, speech->head, size, room);
}

void bench_publisher_fini(struct bench_publisher *p)
{
    sluice_free(p->link);
    p->link = NULL;
    batch_fini(&p->batch);
}

void bench_publisher_give(struct bench_publisher *p, const struct batch *b,
                          size_t n)
{
    p->out = b->bytes;
    p->out_bytes = n * b->pair_bytes;
    if (p->speech->confirms)
        p->asked += n;
}

void bench_publisher_give_goodbye(struct bench_publisher *p)
{
    p->out = p->speech->goodbye;
    p->out_bytes = p->speech->goodbye_bytes;
    p->is_leaving = true;
}

bool bench_publisher_flush(struct bench_publisher *p)
{
    while (p->out_bytes > 0 && !p->is_full) {
        ssize_t n = sluice_wire_send(&p->link->wire, p->out, p->out_bytes);
        if (n >= 0) {
            p->out += n;
            p->out_bytes -= (size_t)n;
        } else if (errno == EAGAIN) {
            p->is_full = true;
        } else {
            return false;
        }
    }
    return true;
}

/* Heads and bodies take turns. */
static void bench_publisher_frame(void *owner, const uint8_t *body,
                                  uint32_t length)
{
    struct bench_publisher *p = owner;
    p->is_body = !p->is_body;
    if (!p->is_body)
        return;
    p->answered += speech_is_verb(body, length, "OK");
    if (speech_is_verb(body, length, "ERR") && p->refusal[0] == '\0')
        speech_copy_head(p->refusal, sizeof p->refusal, body, length);
}

void bench_publisher_read(struct bench_publisher *p, const uint8_t *bytes,
                          size_t n)
{
    splitter_feed(&p->splitter, bytes, n, bench_publisher_frame, p);
}

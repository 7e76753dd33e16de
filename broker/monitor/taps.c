/* SPDX-License-Identifier: MIT */
#include "broker/monitor/taps.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/base/throttle.h"
#include "broker/core/backlog.h"
#include "broker/core/tap.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/document.h"
#include "broker/monitor/pub_socket.h"
#include "broker/net/reactor.h"
#include "common/percent.h"
#include "proto/channel_name.h"
#include "proto/frame.h"
#include "proto/span.h"

struct tapping {
    struct tap tap; /* first: the core hands it back */
    struct list link;
    struct taps *taps;
    struct throttle throttle;
    uint64_t seq;
    size_t topic_length;
    char topic[];
};

void taps_init(struct taps *t, const struct broker_view *broker,
               struct pub_socket *socket, uint64_t per_second)
{
    *t = (struct taps){
        .broker = broker, .socket = socket, .per_second = per_second};
    list_init(&t->all);
}

/* `body` is NULL when there is no message to show, only the document. */
static void tapping_send(struct tapping *g, char *document, const uint8_t *body,
                         size_t size)
{
    if (!document)
        return;
    const struct pub_socket_part parts[] = {{g->topic, g->topic_length},
                                            {document, strlen(document)},
                                            {body, size}};
    pub_socket_send(g->taps->socket, parts, body ? 3 : 2);
    free(document);
}

static void tapping_count_missed(struct tapping *g, uint64_t n)
{
    counter_add(g->taps->broker->counters, COUNT_tap_missed, n);
}

static void tapping_show(struct tapping *g, const uint8_t *body, size_t size,
                         struct span text)
{
    if (!pub_socket_has_room(g->taps->socket, size)) {
        throttle_miss(&g->throttle, 1);
        tapping_count_missed(g, 1);
        return;
    }
    uint64_t missed = throttle_take_missed(&g->throttle);
    tapping_send(g, document_tap(++g->seq, missed, size, text), body, size);
}

static void tapping_on_slice(struct tap *tap, const struct slice *slice)
{
    struct tapping *g = (struct tapping *)(void *)tap;
    const struct taps *t = g->taps;
    clock_ms now = reactor_now_ms(t->broker->reactor);
    const uint8_t *p = slice_bytes(slice), *text;
    struct span headers = {.length = slice_text(slice, &text)};
    headers.text = (const char *)text;
    uint64_t n = throttle_pass(
        &g->throttle, now, THROTTLE_PER_SECOND(t->per_second), slice->messages);
    tapping_count_missed(g, slice->messages - n);
    while (n-- > 0) {
        uint32_t size = frame_get_length(p);
        tapping_show(g, p + FRAME_HEAD_BYTES, size, headers);
        p += FRAME_HEAD_BYTES + size;
    }
}

static struct tapping *taps_find(const struct taps *t, const char *topic,
                                 size_t length)
{
    LIST_EACH (link, &t->all) {
        struct tapping *g = LIST_OF(link, struct tapping, link);
        if (g->topic_length == length && memcmp(g->topic, topic, length) == 0)
            return g;
    }
    return NULL;
}

static bool tapping_open(struct tapping *g)
{
    uint8_t name[CHANNEL_NAME_MAX];
    size_t prefix = strlen(TAPS_PREFIX), length;
    return percent_decode(g->topic + prefix, g->topic_length - prefix, name,
                          sizeof name, &length) &&
           length > 0 &&
           tap_open(&g->tap, g->taps->broker->core, name, (uint32_t)length,
                    tapping_on_slice);
}

static void tapping_free(struct tapping *g)
{
    g->taps->count--;
    list_remove(&g->link);
    tap_close(&g->tap);
    free(g);
}

void taps_open(struct taps *t, const char *topic, size_t length)
{
    struct tapping *g = calloc(1, sizeof *g + length);
    if (!g)
        return;
    g->taps = t;
    g->topic_length = length;
    memcpy(g->topic, topic, length);
    list_init(&g->link);
    t->count++;
    if (t->count > TAPS_MAX || !tapping_open(g)) {
        log_event(t->broker->log, LOG_WARNING, "tap_refused",
                  LOG_BYTES("topic", topic, length), LOG_U64("taps", t->count));
        tapping_free(g);
        return;
    }
    list_insert(&t->all, &g->link);
    log_event(t->broker->log, LOG_INFO, "tap_opened",
              LOG_BYTES("topic", topic, length));
}

void taps_close(struct taps *t, const char *topic, size_t length)
{
    struct tapping *g = taps_find(t, topic, length);
    if (!g)
        return;
    log_event(t->broker->log, LOG_INFO, "tap_closed",
              LOG_BYTES("topic", topic, length), LOG_U64("messages", g->seq));
    tapping_free(g);
}

void taps_send_missed(struct taps *t)
{
    LIST_EACH (link, &t->all) {
        struct tapping *g = LIST_OF(link, struct tapping, link);
        uint64_t missed = throttle_take_missed(&g->throttle);
        if (missed > 0)
            tapping_send(g, document_tap_missed(++g->seq, missed), NULL, 0);
    }
}

void taps_fini(struct taps *t)
{
    LIST_EACH_SAFE (link, &t->all)
        tapping_free(LIST_OF(link, struct tapping, link));
}

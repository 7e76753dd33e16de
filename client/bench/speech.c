/* SPDX-License-Identifier: MIT */
#include "client/bench/speech.h"

#include <stdio.h>

static void speech_put(uint8_t *out, size_t *used, const void *bytes,
                       size_t length)
{
    frame_put(out + *used, bytes, (uint32_t)length);
    *used += frame_size((uint32_t)length);
}

/* A unit without a body. */
static void speech_put_unit(uint8_t *out, size_t *used, const char *head)
{
    speech_put(out, used, head, strlen(head));
    speech_put(out, used, "", 0);
}

static void speech_init_units(struct speech *s, const char *channel)
{
    char name[SLUICE_PATTERN_MAX], subscription[SPEECH_HEAD_BYTES];
    sluice_exact(name, sluice_text(channel));
    int length = snprintf(subscription, sizeof subscription, "SUB %s", name);
    if (s->acks)
        snprintf(subscription + length, sizeof subscription - (size_t)length,
                 " ack=yes credit=%d", SPEECH_CREDIT);
    snprintf(s->head, sizeof s->head, "PUB %s%s", name,
             s->syncs      ? " rid=1 confirm=sync"
             : s->confirms ? " rid=1"
                           : "");
    speech_put_unit(s->subscribe, &s->subscribe_bytes, subscription);
    speech_put_unit(s->goodbye, &s->goodbye_bytes, "BYE");
}

static void speech_init_frames(struct speech *s, const char *channel)
{
    snprintf(s->head, sizeof s->head, "%s", channel);
    speech_put(s->subscribe, &s->subscribe_bytes, channel, strlen(channel));
    speech_put(s->publish, &s->publish_bytes, CHANNEL_NAME_NULL,
               strlen(CHANNEL_NAME_NULL));
    speech_put(s->goodbye, &s->goodbye_bytes, "", 0);
}

void speech_init(struct speech *s, const char *channel)
{
    s->subscribe_bytes = s->publish_bytes = s->goodbye_bytes = 0;
    (s->has_units ? speech_init_units : speech_init_frames)(s, channel);
}

bool speech_is_verb(const uint8_t *head, size_t length, const char *verb)
{
    size_t n = strlen(verb);
    return length >= n && memcmp(head, verb, n) == 0 &&
           (length == n || head[n] == ' ');
}

void speech_copy_head(char *out, size_t room, const uint8_t *head,
                      size_t length)
{
    snprintf(out, room, "%.*s", (int)(length < room ? length : room - 1),
             (const char *)head);
}

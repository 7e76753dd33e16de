/* SPDX-License-Identifier: MIT */
#include "tests/unit/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/topic_policy.h"
#include "tests/unit/unit.h"

static uint32_t rig_body_bytes(const uint8_t *message)
{
    return message[0] | (uint32_t)message[1] << 8 | (uint32_t)message[2] << 16;
}

static uint32_t rig_message_size(const uint8_t *message)
{
    return RIG_HEAD_BYTES + rig_body_bytes(message);
}

static void on_slow(void *arg, struct subscriber *s)
{
    assert_int_equal(s->state, SUBSCRIBER_SLOW);
    ((struct rig *)arg)->slow++;
}

static void on_recovered(void *arg, struct subscriber *s)
{
    assert_int_equal(s->state, SUBSCRIBER_OK);
    ((struct rig *)arg)->recovered++;
}

static void on_pressed(void *arg, const struct channel *ch)
{
    assert_int_equal(ch->magic, CHANNEL_MAGIC);
    ((struct rig *)arg)->pressed++;
}

uint64_t rig_count(const struct rig *r, enum counter_id id)
{
    return r->counters.value[id];
}

struct channel *rig_find(struct rig *r, const char *name)
{
    return directory_find(&r->core.directory, (const uint8_t *)name,
                          (uint32_t)strlen(name));
}

enum publish_status rig_say_bytes(struct rig *r, const char *channel,
                                  const char *text, uint32_t n)
{
    enum counter_id why;
    uint8_t *message = calloc(1, RIG_HEAD_BYTES + n);
    size_t text_bytes = strlen(text);
    struct channel *ch = core_route(&r->core, (const uint8_t *)channel,
                                    (uint32_t)strlen(channel), &why);
    enum publish_status status = PUBLISH_OK;
    message[0] = (uint8_t)n;
    message[1] = (uint8_t)(n >> 8);
    message[2] = (uint8_t)(n >> 16);
    memcpy(message + RIG_HEAD_BYTES, text, text_bytes < n ? text_bytes : n);
    if (ch)
        status = channel_publish(ch, message, RIG_HEAD_BYTES + n);
    else
        counter_add(&r->counters, why, 1);
    free(message);
    return status;
}

enum publish_status rig_say(struct rig *r, const char *channel,
                            const char *text)
{
    return rig_say_bytes(r, channel, text, (uint32_t)strlen(text));
}

static void reader_keep(struct reader *reader, const void *bytes, size_t n)
{
    if (reader->got_bytes + n > reader->got_room) {
        reader->got_room = 2 * (reader->got_bytes + n);
        reader->got = realloc(reader->got, reader->got_room);
    }
    memcpy(reader->got + reader->got_bytes, bytes, n);
    reader->got_bytes += n;
}

/* As a session does: one write, of a few stretches, as far as it is taken. */
static void reader_take(struct reader *reader)
{
    while (reader->appetite > 0 && !backlog_is_empty(reader->sub.outbox)) {
        struct iovec iov[2];
        size_t bytes;
        int n = backlog_iov(reader->sub.outbox, iov, 2, &bytes);
        size_t take = bytes < reader->appetite ? bytes : reader->appetite;
        size_t left = take;
        for (int i = 0; i < n && left > 0; i++) {
            size_t part = iov[i].iov_len < left ? iov[i].iov_len : left;
            reader_keep(reader, iov[i].iov_base, part);
            left -= part;
        }
        assert_int_equal(left, 0);
        if (reader->appetite != UINT64_MAX)
            reader->appetite -= take;
        subscriber_sent(&reader->sub, take);
    }
}

static void on_flush(void *arg, struct subscriber *s)
{
    (void)arg;
    reader_take(LIST_OF(s, struct reader, sub));
    subscriber_flushed(s);
}

static void on_doomed(void *arg, struct subscriber *s)
{
    (void)arg;
    subscriber_leave(s);
}

static void on_resume(void *arg, struct publisher *p)
{
    struct rig *r = arg;
    assert_true(r->resumed_count < RIG_RESUMED_MAX);
    assert_false(publisher_is_waiting(p));
    r->resumed[r->resumed_count++] = p;
    if (r->leaver && r->leaver != p)
        publisher_forget(r->leaver);
}

void rig_open(struct rig *r)
{
    struct core_config config = {
        .rules = &r->rule,
        .rule_count = 1,
        .prefetch_bytes = RIG_PREFETCH,
        .turn_bytes = RIG_TURN_BYTES,
        .message_size = rig_message_size,
    };
    struct core_owner owner = {.flush = on_flush,
                               .close = on_doomed,
                               .resume = on_resume,
                               .slow = on_slow,
                               .recovered = on_recovered,
                               .pressed = on_pressed,
                               .arg = r};
    *r = (struct rig){.rule = {
                          .pattern = pattern_plain("**"),
                          .client_limit_bytes = RIG_CLIENT_LIMIT,
                          .limit_bytes = RIG_QUEUE_LIMIT,
                          .limit_messages = UINT64_MAX,
                          .patience_ms = RIG_PATIENCE_MS,
                          .policy = TOPIC_POLICY_DEFAULT,
                      }};
    core_init(&r->core, &config, &owner, &r->counters, &r->budget);
    core_set_now(&r->core, UINT32_MAX - 500); /* the clock wraps soon */
}

void rig_close(struct rig *r)
{
    core_fini(&r->core);
    assert_int_equal(r->core.turn.deliverable, 0);
    assert_int_equal(r->budget.used_bytes, 0);
    assert_int_equal(rig_count(r, COUNT_channels), 0);
    assert_int_equal(rig_count(r, COUNT_subscribers), 0);
    assert_int_equal(rig_count(r, COUNT_queued_messages), 0);
    assert_int_equal(rig_count(r, COUNT_queued_bytes), 0);
}

void rig_turn(struct rig *r)
{
    core_end_turn(&r->core);
}

void rig_post(struct rig *r, const char *channel, const char *words)
{
    char *copy = strdup(words), *rest = copy, *word;
    while ((word = strsep(&rest, " ")) != NULL)
        rig_say(r, channel, word);
    free(copy);
    rig_turn(r);
}

void rig_wait_ms(struct rig *r, uint32_t ms)
{
    core_set_now(&r->core, r->core.turn.now + ms);
    if (core_is_ticking(&r->core))
        core_tick(&r->core);
    rig_turn(r);
}

int rig_resumed(struct rig *r, struct publisher **out, int max)
{
    int n = r->resumed_count;
    assert_true(n <= max);
    memcpy(out, r->resumed, (size_t)n * sizeof *out);
    r->resumed_count = 0;
    return n;
}

bool reader_try(struct rig *r, struct reader *reader, const char *channel,
                uint64_t appetite)
{
    *reader = (struct reader){.appetite = appetite};
    subscriber_init(&reader->sub);
    return core_subscribe(&r->core, &reader->sub, (const uint8_t *)channel,
                          (uint32_t)strlen(channel));
}

void reader_open(struct rig *r, struct reader *reader, const char *channel,
                 uint64_t appetite)
{
    assert_true(reader_try(r, reader, channel, appetite));
}

void reader_feed(struct rig *r, struct reader *reader, uint64_t bytes)
{
    reader->appetite = bytes;
    reader_take(reader);
    rig_turn(r);
}

const char *reader_words(struct reader *reader)
{
    size_t room = reader->got_bytes - reader->read_bytes + 1, n = 0;
    free(reader->words);
    reader->words = calloc(1, room);
    while (reader->read_bytes + RIG_HEAD_BYTES <= reader->got_bytes) {
        const uint8_t *message = reader->got + reader->read_bytes;
        uint32_t body = rig_body_bytes(message);
        if (reader->read_bytes + RIG_HEAD_BYTES + body > reader->got_bytes)
            break;
        n += (size_t)snprintf(reader->words + n, room - n, "%s%.*s",
                              n > 0 ? " " : "", (int)body,
                              (const char *)message + RIG_HEAD_BYTES);
        reader->read_bytes += RIG_HEAD_BYTES + body;
    }
    return reader->words;
}

void reader_close(struct rig *r, struct reader *reader)
{
    subscriber_leave(&reader->sub);
    rig_turn(r);
    free(reader->got);
    free(reader->words);
    *reader = (struct reader){.appetite = 0};
    subscriber_init(&reader->sub);
}

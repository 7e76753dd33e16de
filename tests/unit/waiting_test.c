/* SPDX-License-Identifier: MIT
 *
 * What waits in a channel can be looked at without taking it, and dropped: it
 * is counted, its memory comes back, and publishers go on.
 */
#include "broker/core/waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define QUEUE "/queue/q"

enum {
    SHOWN_MAX = 4096,
#ifdef UNIT_HAS_ASAN
    STEPS = 20000,
#else
    STEPS = 100000,
#endif
};

struct fixture {
    struct rig rig;
    struct reader reader;
    struct publisher publisher;
};

static int begin(void **state)
{
    static struct fixture f;
    f = (struct fixture){.reader = {.appetite = 0}};
    rig_open(&f.rig);
    subscriber_init(&f.reader.sub);
    publisher_init(&f.publisher);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    publisher_forget(&f->publisher);
    reader_close(&f->rig, &f->reader);
    rig_close(&f->rig);
    return 0;
}

struct shown {
    char words[SHOWN_MAX];
    size_t used;
    uint32_t left; /* messages that it still wants to see */
    uint32_t age_ms;
};

static bool show(void *arg, const uint8_t *message, uint32_t n, uint32_t age_ms)
{
    struct shown *s = arg;
    s->used += (size_t)snprintf(s->words + s->used, sizeof s->words - s->used,
                                "%s%.*s", s->used > 0 ? " " : "",
                                (int)(n - RIG_HEAD_BYTES),
                                (const char *)message + RIG_HEAD_BYTES);
    s->age_ms = age_ms;
    return --s->left > 0;
}

static struct waiting look(struct fixture *f, const char *channel,
                           uint32_t most, struct shown *out)
{
    *out = (struct shown){.left = most};
    return waiting_show(&f->rig.core, (const uint8_t *)channel,
                        (uint32_t)strlen(channel), show, out);
}

static struct waiting purge(struct fixture *f, const char *channel,
                            struct waiting *left)
{
    return waiting_purge(&f->rig.core, (const uint8_t *)channel,
                         (uint32_t)strlen(channel), left);
}

static void test_messages_are_shown_in_order_and_stay(void **state)
{
    struct fixture *f = *state;
    struct shown s;
    rig_post(&f->rig, QUEUE, "one two three");
    rig_wait_ms(&f->rig, 500);
    rig_say(&f->rig, QUEUE, "four"); /* in this turn */
    struct waiting all = look(f, QUEUE, 100, &s);
    assert_string_equal(s.words, "one two three four");
    assert_int_equal(all.messages, 4);
    assert_int_equal(all.bytes, strlen("onetwothreefour") + 4 * RIG_HEAD_BYTES);
    assert_int_equal(look(f, QUEUE, 2, &s).messages, 4);
    assert_string_equal(s.words, "one two");
    assert_int_equal(s.age_ms, 500);
    reader_open(&f->rig, &f->reader, QUEUE, UINT64_MAX);
    rig_turn(&f->rig);
    assert_string_equal(reader_words(&f->reader), "one two three four");
    assert_int_equal(look(f, QUEUE, 100, &s).messages, 0);
    assert_string_equal(s.words, "");
}

static void test_what_a_topic_holds_is_shown_and_purged(void **state)
{
    struct fixture *f = *state;
    struct shown s;
    struct waiting left;
    f->rig.rule.hold_messages = 2;
    rig_post(&f->rig, "t", "one two three");
    assert_int_equal(look(f, "t", 100, &s).messages, 2);
    assert_string_equal(s.words, "two three");
    assert_int_equal(purge(f, "t", &left).messages, 2);
    assert_int_equal(left.messages, 0);
    rig_turn(&f->rig);
    assert_null(rig_find(&f->rig, "t"));
    assert_int_equal(rig_count(&f->rig, COUNT_purged), 2);
}

static void test_a_channel_that_does_not_exist_is_not_made(void **state)
{
    struct fixture *f = *state;
    struct shown s;
    struct waiting left;
    assert_int_equal(look(f, QUEUE, 100, &s).messages, 0);
    assert_int_equal(purge(f, QUEUE, &left).messages, 0);
    rig_turn(&f->rig);
    assert_null(rig_find(&f->rig, QUEUE));
}

static void
test_purged_messages_are_counted_and_their_memory_is_free(void **state)
{
    struct fixture *f = *state;
    struct waiting left;
    rig_post(&f->rig, QUEUE, "gone before");
    purge(f, QUEUE, &left);
    rig_turn(&f->rig);
    uint64_t used_bytes = f->rig.budget.used_bytes; /* of the directory */
    rig_post(&f->rig, QUEUE, "one two three");
    struct waiting gone = purge(f, QUEUE, &left);
    assert_int_equal(gone.messages, 3);
    assert_int_equal(gone.bytes, strlen("onetwothree") + 3 * RIG_HEAD_BYTES);
    assert_int_equal(left.messages + left.bytes, 0);
    rig_turn(&f->rig);
    assert_null(rig_find(&f->rig, QUEUE)); /* nothing keeps it */
    assert_int_equal(f->rig.budget.used_bytes, used_bytes);
    assert_int_equal(rig_count(&f->rig, COUNT_purged), 5);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), 0);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_bytes), 0);
}

static void test_publishers_of_a_purged_queue_go_on(void **state)
{
    struct fixture *f = *state;
    struct waiting left;
    struct publisher *resumed[1];
    rig_say_bytes(&f->rig, QUEUE, "much", RIG_QUEUE_LIMIT);
    rig_turn(&f->rig);
    struct channel *ch = rig_find(&f->rig, QUEUE);
    assert_true(channel_must_wait(ch));
    publisher_wait(&f->publisher, ch, false);
    rig_turn(&f->rig);
    assert_int_equal(rig_resumed(&f->rig, resumed, 1), 0);
    assert_int_equal(purge(f, QUEUE, &left).messages, 1);
    rig_turn(&f->rig);
    assert_int_equal(rig_resumed(&f->rig, resumed, 1), 1);
}

static void test_what_a_consumer_was_given_is_not_purged(void **state)
{
    struct fixture *f = *state;
    struct waiting left;
    char text[16];
    reader_open(&f->rig, &f->reader, QUEUE, 0);
    rig_turn(&f->rig);
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "%d", i);
        rig_say_bytes(&f->rig, QUEUE, text, 20 - RIG_HEAD_BYTES);
    }
    rig_turn(&f->rig);
    uint64_t given = f->reader.sub.outbox->messages;
    assert_true(given > 0);
    assert_int_equal(purge(f, QUEUE, &left).messages, 10 - given);
    reader_feed(&f->rig, &f->reader, UINT64_MAX);
    assert_true(strncmp(reader_words(&f->reader), "0 1 2", 5) == 0);
    assert_int_equal(rig_count(&f->rig, COUNT_messages_out), given);
}

static void test_one_call_drops_a_bounded_part_the_oldest_first(void **state)
{
    struct fixture *f = *state;
    struct shown s;
    struct waiting left;
    uint64_t all = 0;
    f->rig.rule.limit_bytes = UINT64_MAX;
    for (int i = 0; i < 3; i++, all++)
        rig_say_bytes(&f->rig, QUEUE, i < 2 ? "first" : "last",
                      WAITING_PURGE_BYTES / 2 - (i < 2 ? 0 : 100));
    rig_turn(&f->rig);
    assert_int_equal(purge(f, QUEUE, &left).messages, 2);
    assert_int_equal(left.messages, 1);
    look(f, QUEUE, 1, &s);
    assert_true(strncmp(s.words, "last", 4) == 0);
    assert_int_equal(purge(f, QUEUE, &left).messages, 1);
    /* Each of these is a slice: they are apart in time. */
    for (int i = 0; i < WAITING_PURGE_SLICES + 10; i++) {
        rig_post(&f->rig, QUEUE, "x");
        rig_say_bytes(&f->rig, QUEUE, "block", 20000);
        rig_wait_ms(&f->rig, 1000);
    }
    assert_true(purge(f, QUEUE, &left).messages <= WAITING_PURGE_SLICES * 2);
    assert_true(left.messages > 0);
    while (purge(f, QUEUE, &left).messages > 0)
        continue;
    assert_int_equal(left.messages, 0);
}

/* By chance, against a model: each message is consumed or purged, once. */

struct model {
    struct fixture *f;
    uint32_t random;
    uint32_t published;
    uint8_t fate[STEPS * 4]; /* of each message: what took it, as a letter */
};

static uint32_t chance(struct model *m, uint32_t n)
{
    m->random = m->random * 1664525u + 1013904223u;
    return (m->random >> 8) % n;
}

static void model_took(struct model *m, char taker, const char *words)
{
    while (*words) {
        char *end;
        unsigned long number = strtoul(words, &end, 10);
        assert_true(number < m->published);
        assert_int_equal(m->fate[number], 0);
        m->fate[number] = (uint8_t)taker;
        words = end + strspn(end, " ");
    }
}

static void model_publish(struct model *m)
{
    char text[16];
    for (uint32_t n = 1 + chance(m, 4); n > 0; n--) {
        snprintf(text, sizeof text, "%u", m->published++);
        rig_say_bytes(&m->f->rig, QUEUE, text, 10 + chance(m, 20));
    }
}

static bool note_purged(void *arg, const uint8_t *message, uint32_t n,
                        uint32_t age_ms)
{
    (void)n;
    (void)age_ms;
    model_took(arg, 'p', (const char *)message + RIG_HEAD_BYTES);
    return true;
}

static void model_purge(struct model *m)
{
    struct waiting left;
    const uint8_t *name = (const uint8_t *)QUEUE;
    struct core *core = &m->f->rig.core;
    uint32_t length = (uint32_t)strlen(QUEUE);
    struct waiting shown = waiting_show(core, name, length, note_purged, m);
    struct waiting gone = waiting_purge(core, name, length, &left);
    assert_int_equal(gone.messages, shown.messages);
    assert_int_equal(gone.bytes, shown.bytes);
    assert_int_equal(left.messages, 0);
}

static void model_come_or_go(struct model *m)
{
    struct reader *reader = &m->f->reader;
    if (reader->sub.state == SUBSCRIBER_NONE)
        reader_open(&m->f->rig, reader, QUEUE, chance(m, 200));
    else
        reader_close(&m->f->rig, reader);
}

static void model_step(struct model *m)
{
    switch (chance(m, 20)) {
    case 0:
        model_purge(m);
        break;
    case 1:
        model_come_or_go(m);
        break;
    case 2:
    case 3:
    case 4:
        reader_feed(&m->f->rig, &m->f->reader, chance(m, 400));
        break;
    default:
        model_publish(m);
        rig_turn(&m->f->rig);
    }
    if (m->f->reader.got)
        model_took(m, 'c', reader_words(&m->f->reader));
}

static void test_each_message_is_consumed_or_purged_once(void **state)
{
    struct model *m = calloc(1, sizeof *m);
    uint64_t purged = 0;
    m->f = *state;
    m->random = 20260101;
    for (int i = 0; i < STEPS; i++)
        model_step(m);
    reader_close(&m->f->rig, &m->f->reader);
    model_purge(m);
    for (uint32_t i = 0; i < m->published; i++) {
        assert_int_not_equal(m->fate[i], 0);
        purged += m->fate[i] == 'p';
    }
    assert_true(purged > 0 && purged < m->published);
    assert_int_equal(rig_count(&m->f->rig, COUNT_purged), purged);
    free(m);
}

#define WAITING_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITING_TEST(test_messages_are_shown_in_order_and_stay),
        WAITING_TEST(test_what_a_topic_holds_is_shown_and_purged),
        WAITING_TEST(test_a_channel_that_does_not_exist_is_not_made),
        WAITING_TEST(test_purged_messages_are_counted_and_their_memory_is_free),
        WAITING_TEST(test_publishers_of_a_purged_queue_go_on),
        WAITING_TEST(test_what_a_consumer_was_given_is_not_purged),
        WAITING_TEST(test_one_call_drops_a_bounded_part_the_oldest_first),
        WAITING_TEST(test_each_message_is_consumed_or_purged_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

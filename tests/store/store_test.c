/* SPDX-License-Identifier: MIT
 *
 * The store with its thread, as the loop sees it: what is put is reaped once it
 * is on disk, a stop writes everything, a failed flush ends confirming, what
 * comes back after a flush shares the next one.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/store/store.h"
#include "proto/frame.h"
#include "proto/journal.h"
#include "tests/store/orders.h"
#include "tests/store/sim_disk.h"

enum { SEGMENT = 256 << 10, MESSAGES = 20000, BODY = 100, FLUSH_MS = 5 };

struct rig {
    char folder[32];
    struct sim_disk *sim;
    struct disk disk;
    struct store *store;
    struct block block; /* in which one message is, again and again */
    uint8_t bytes[4 + BODY];
    uint32_t segment_bytes;
    uint32_t channels; /* that there were when it was opened */
    uint32_t channel;
    uint64_t next, confirmed;
    enum store_state state;
    struct store_read *answer; /* NULL until it is reaped */
    sem_t has_begun, may_end;  /* of a flush */
};

static bool note_channel(void *arg, const struct store_channel *channel)
{
    struct rig *r = arg;
    r->channels++;
    if (channel->name_length != 8)
        return true;
    r->channel = channel->id;
    r->next = channel->next;
    r->confirmed = channel->messages;
    assert_memory_equal(channel->name, "/queue/a", 8);
    return true;
}

static void rig_open(struct rig *r)
{
    struct store_report report;
    struct engine_setup setup = {.disk = r->disk,
                                 .segment_bytes = r->segment_bytes,
                                 .limit_bytes = 1 << 30};
    uint64_t first = 1;
    r->store = store_open(r->folder, &setup, &report);
    if (!r->store)
        fail_msg("not opened: %s", report.engine.why.text);
    r->channel = r->channels = 0;
    r->next = 1;
    assert_true(store_ops()->visit_channels(r->store, note_channel, r));
    assert_true(store_start(r->store));
    if (r->channel == 0)
        assert_int_equal(store_ops()->open_channel(r->store,
                                                   (const uint8_t *)"/queue/a",
                                                   8, &r->channel, &first),
                         STORE_OPENED);
    assert_int_not_equal(r->channel, 0);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    strcpy(r->folder, "/tmp/sluice-store-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    r->sim = sim_disk_new(64 << 20, 1);
    r->segment_bytes = SEGMENT;
    r->disk = sim_disk_calls(r->sim);
    frame_put_length(r->bytes, BODY);
    r->block = (struct block){.refs = 1,
                              .used = sizeof r->bytes,
                              .capacity = sizeof r->bytes,
                              .bytes = r->bytes};
    rig_open(r);
    *state = r;
    return 0;
}

static void reap(struct rig *r)
{
    struct store_done done[100];
    int n;
    store_heard(r->store);
    while ((n = store_ops()->reap(r->store, done, 100)) > 0)
        for (int i = 0; i < n; i++)
            switch (done[i].kind) {
            case STORE_DONE_PUT:
                r->confirmed += done[i].put.slice.messages;
                break;
            case STORE_DONE_READ:
                r->answer = done[i].read;
                break;
            case STORE_DONE_STATE:
                r->state = done[i].state;
                break;
            }
}

static void wait_and_reap(struct rig *r)
{
    struct pollfd news = {.fd = store_file(r->store), .events = POLLIN};
    assert_int_equal(poll(&news, 1, 60000), 1);
    reap(r);
}

static void publish(struct rig *r, int count)
{
    for (int i = 0; i < count; r->next++, i++) {
        struct store_put put = {.channel = r->channel,
                                .slice = {.block = &r->block,
                                          .length = sizeof r->bytes,
                                          .messages = 1,
                                          .first = r->next}};
        while (!store_ops()->put(r->store, &put)) {
            store_ops()->kick(r->store);
            wait_and_reap(r);
        }
    }
    store_ops()->kick(r->store);
}

/* Returns how many puts came back. */
static int stop(struct rig *r)
{
    struct store_put puts[8];
    int back = 0, n;
    store_stop(r->store);
    reap(r);
    while (!store_has_stopped(r->store))
        wait_and_reap(r);
    reap(r);
    while ((n = store_take_back(r->store, puts, 8)) > 0)
        back += n;
    store_close(r->store);
    r->store = NULL;
    assert_int_equal(sim_disk_open_files(r->sim), 0);
    return back;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    char lock[64];
    if (r->store)
        (void)stop(r);
    sim_disk_free(r->sim);
    (void)snprintf(lock, sizeof lock, "%s/LOCK", r->folder);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(r->folder), 0);
    free(r);
    return 0;
}

static void what_is_put_is_on_disk_when_it_is_reaped(void **state)
{
    struct rig *r = *state;
    publish(r, MESSAGES);
    while (r->confirmed < MESSAGES)
        wait_and_reap(r);
    struct store_stats stats = store_stats(r->store);
    assert_int_equal(stats.engine.messages, MESSAGES);
    assert_true(stats.engine.batches < MESSAGES / 4);
    assert_int_equal(stop(r), 0);
    rig_open(r);
    assert_int_equal(r->next, MESSAGES + 1);
    assert_int_equal(r->confirmed, MESSAGES);
}

static void a_stop_writes_what_was_put_and_acknowledged(void **state)
{
    struct rig *r = *state;
    publish(r, 3000);
    while (r->confirmed < 3000)
        wait_and_reap(r);
    assert_true(store_ops()->ack(r->store, r->channel, 1, 1000));
    publish(r, 1000);
    assert_int_equal(stop(r), 0);
    assert_int_equal(r->confirmed, 4000);
    rig_open(r);
    assert_int_equal(r->confirmed, 3000);
}

static void messages_are_read_into_a_block(void **state)
{
    struct rig *r = *state;
    uint8_t bytes[10000];
    struct block into = {.refs = 1, .capacity = sizeof bytes, .bytes = bytes};
    publish(r, 1000);
    while (r->confirmed < 1000)
        wait_and_reap(r);
    struct store_read read = {
        .channel = r->channel, .from = 11, .end = 500, .into = &into};
    assert_true(store_ops()->read(r->store, &read));
    store_ops()->kick(r->store);
    while (!r->answer)
        wait_and_reap(r);
    assert_ptr_equal(r->answer, &read);
    assert_int_equal(read.run_count, 1);
    assert_int_equal(read.runs[0].first, 11);
    assert_int_equal(read.runs[0].messages, sizeof bytes / sizeof r->bytes);
    assert_int_equal(read.next, 11 + read.runs[0].messages);
    assert_memory_equal(slice_bytes(&read.runs[0]), r->bytes, sizeof r->bytes);
}

static void after_a_failed_flush_nothing_is_confirmed(void **state)
{
    struct rig *r = *state;
    /* The first one is that of the segment which opening begins. */
    const struct sim_fault fault = {.call = SIM_FLUSH, .at = 2, .error = EIO};
    assert_int_equal(stop(r), 0);
    sim_disk_kill(r->sim);
    sim_disk_fail(r->sim, &fault);
    rig_open(r);
    publish(r, 100);
    while (r->state != STORE_FAILED)
        wait_and_reap(r);
    assert_int_equal(r->confirmed, 0);
    assert_int_equal(stop(r), 100);
    assert_int_equal(r->confirmed, 0);
}

static void channels_that_come_and_go_leave_nothing_behind(void **state)
{
    struct rig *r = *state;
    const struct store_ops *ops = store_ops();
    uint64_t first = 1;
    uint32_t id;
    publish(r, 10);
    for (uint8_t i = 0; i < 200; i++) {
        const uint8_t name[] = {'/', 'q', 'u', 'e', 'u', 'e', 'x', i};
        first = 1;
        assert_int_equal(
            ops->open_channel(r->store, name, sizeof name, &id, &first),
            STORE_OPENED);
        ops->drop_channel(r->store, id, sizeof name);
        ops->kick(r->store);
    }
    /* Numbers that a dropped one may have had are not used again. */
    assert_int_equal(first, 11);
    assert_int_equal(stop(r), 0);
    rig_open(r);
    assert_int_equal(r->confirmed, 10);
}

static void hold_flush(void *arg, enum sim_call call)
{
    struct rig *r = arg;
    if (call != SIM_FLUSH)
        return;
    assert_int_equal(sem_post(&r->has_begun), 0);
    assert_int_equal(sem_wait(&r->may_end), 0);
}

static void end_flush(struct rig *r)
{
    assert_int_equal(sem_wait(&r->has_begun), 0);
    assert_int_equal(sem_post(&r->may_end), 0);
}

/* The second message comes while the first is flushed, for so long that the
 * batch of the second waits; unless the thread was kept from running. */
static void publish_in_turns(struct rig *r)
{
    publish(r, 1);
    assert_int_equal(sem_wait(&r->has_begun), 0);
    publish(r, 1);
    (void)poll(NULL, 0, FLUSH_MS);
    assert_int_equal(sem_post(&r->may_end), 0);
    end_flush(r);
    while (r->confirmed + 1 < r->next)
        wait_and_reap(r);
}

static void after_receipts_a_batch_waits_for_what_they_bring(void **state)
{
    struct rig *r = *state;
    sem_init(&r->has_begun, 0, 0);
    sem_init(&r->may_end, 0, 0);
    publish(r, 1);
    while (r->confirmed == 0) /* then the thread touches nothing */
        wait_and_reap(r);
    sim_disk_watch(r->sim, hold_flush, r);
    while (store_stats(r->store).group_waits == 0)
        publish_in_turns(r);
    assert_int_equal(sem_post(&r->may_end), 0);
    assert_int_equal(stop(r), 0);
    sim_disk_watch(r->sim, NULL, NULL);
    rig_open(r);
}

/* The thread sleeps until it is kicked, and its ring is full long before. */
static void channels_may_be_opened_faster_than_they_are_written(void **state)
{
    enum { MANY = 10000, NAME = 6 };
    struct rig *r = *state;
    uint8_t name[NAME] = "many";
    uint32_t id = 0;
    assert_int_equal(stop(r), 0);
    r->segment_bytes = 8 * SEGMENT;
    rig_open(r);
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t first = 1;
        memcpy(name + 4, &i, 2);
        assert_int_equal(
            store_ops()->open_channel(r->store, name, NAME, &id, &first),
            STORE_OPENED);
    }
    r->channel = id;
    publish(r, 1);
    while (r->confirmed < 1)
        wait_and_reap(r);
    assert_int_equal(stop(r), 0);
    rig_open(r);
    assert_int_equal(r->channels, 1 + MANY);
}

static void so_many_channels_are_refused_that_their_state_fits(void **state)
{
    struct rig *r = *state;
    uint32_t count = 0;
    uint8_t name[200] = "/queue/";
    uint64_t first = 1;
    uint32_t id;
    enum store_opened opened;
    while (memcpy(name + 7, &count, sizeof count),
           (opened = store_ops()->open_channel(r->store, name, sizeof name, &id,
                                               &first)) == STORE_OPENED)
        count++;
    assert_int_equal(opened, STORE_CROWDED);
    assert_in_range(count, SEGMENT / 4 / (sizeof name + 32) - 1,
                    SEGMENT / 4 / sizeof name);
}

static void a_channel_is_refused_when_all_ids_have_been_used(void **state)
{
    struct rig *r = *state;
    uint64_t first = 1;
    uint32_t id;
    assert_int_equal(stop(r), 0);
    struct engine_setup setup = {
        .disk = r->disk, .segment_bytes = SEGMENT, .limit_bytes = 1 << 30};
    struct engine_report report;
    struct engine *e = engine_open(&setup, 1, &report);
    assert_non_null(e);
    assert_true(engine_open_channel(e, JOURNAL_ID_END - 1, "last", 4, 1));
    assert_true(engine_close(e, 1));
    rig_open(r);
    assert_int_equal(r->channels, 2);
    assert_int_equal(store_ops()->open_channel(
                         r->store, (const uint8_t *)"more", 4, &id, &first),
                     STORE_CROWDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_is_put_is_on_disk_when_it_is_reaped, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_stop_writes_what_was_put_and_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(messages_are_read_into_a_block, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            after_a_failed_flush_nothing_is_confirmed, setup, teardown),
        cmocka_unit_test_setup_teardown(
            after_receipts_a_batch_waits_for_what_they_bring, setup, teardown),
        cmocka_unit_test_setup_teardown(
            channels_that_come_and_go_leave_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(
            channels_may_be_opened_faster_than_they_are_written, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            so_many_channels_are_refused_that_their_state_fits, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            a_channel_is_refused_when_all_ids_have_been_used, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

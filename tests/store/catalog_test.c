/* SPDX-License-Identifier: MIT
 *
 * The catalog: where the messages of a channel are, which are done, and what
 * lives in each segment.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "broker/store/catalog.h"

enum { SEGMENTS = 4 };

struct rig {
    struct shelf shelf;
    struct catalog catalog;
    struct catalog_channel *channel;
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        assert_int_equal(shelf_place(&r->shelf), i);
        r->shelf.segments[i].id = i + 1;
    }
    catalog_init(&r->catalog, &r->shelf);
    r->channel =
        catalog_open(&r->catalog, 1, (const uint8_t *)"/queue/a", 8, 1);
    assert_non_null(r->channel);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    catalog_clear(&r->catalog);
    shelf_clear(&r->shelf);
    free(r);
    return 0;
}

/* Ten bytes for each message. */
static struct place place_of(uint64_t first, uint32_t count, uint32_t segment,
                             uint32_t at)
{
    return (struct place){.first = first,
                          .count = count,
                          .segment = segment,
                          .at = at,
                          .bytes = count * 10,
                          .weight = count * 10};
}

static void add(struct rig *r, uint64_t first, uint32_t count, uint32_t segment)
{
    assert_true(catalog_reserve(r->channel));
    catalog_add(&r->catalog, r->channel,
                place_of(first, count, segment, (uint32_t)first));
}

static void assert_live(const struct rig *r, uint64_t a, uint64_t b, uint64_t c)
{
    assert_int_equal(r->shelf.segments[0].live, a);
    assert_int_equal(r->shelf.segments[1].live, b);
    assert_int_equal(r->shelf.segments[2].live, c);
}

static void move(struct rig *r, struct place to)
{
    assert_true(catalog_reserve(r->channel));
    catalog_move(&r->catalog, r->channel, to);
}

static void what_is_acknowledged_no_longer_lives(void **state)
{
    struct rig *r = *state;
    uint64_t bytes;
    add(r, 1, 10, 0);
    add(r, 11, 10, 1);
    assert_live(r, 100, 100, 0);
    assert_true(catalog_ack(&r->catalog, r->channel, 5, 15, true));
    assert_live(r, 40, 60, 0);
    /* Once more, and what never was: nothing changes. */
    assert_true(catalog_ack(&r->catalog, r->channel, 5, 15, true));
    assert_true(catalog_ack(&r->catalog, r->channel, 100, 200, true));
    assert_live(r, 40, 60, 0);
    assert_int_equal(r->channel->floor, 1);
    assert_int_equal(catalog_held(r->channel, &bytes), 10);
    assert_int_equal(bytes, 100);
    assert_true(catalog_ack(&r->catalog, r->channel, 1, 5, true));
    assert_live(r, 0, 60, 0);
    assert_int_equal(r->channel->floor, 15);
    assert_int_equal(r->channel->done.count, 0);
    catalog_trim(&r->catalog, r->channel, 21);
    assert_live(r, 0, 0, 0);
}

static void what_moves_lives_where_it_went(void **state)
{
    struct rig *r = *state;
    add(r, 1, 10, 0);
    add(r, 11, 10, 0);
    assert_true(catalog_ack(&r->catalog, r->channel, 4, 6, true));
    /* Both parts of a place, and a whole one. */
    move(r, place_of(1, 3, 1, 1000));
    assert_live(r, 150, 30, 0);
    move(r, place_of(6, 5, 1, 1010));
    assert_live(r, 100, 80, 0);
    move(r, place_of(11, 10, 2, 2000));
    assert_live(r, 0, 80, 100);
    const struct place *p = &r->channel->places[catalog_search(r->channel, 7)];
    assert_int_equal(p->first, 6);
    assert_int_equal(p->at, 1010);
    assert_true(catalog_ack(&r->catalog, r->channel, 1, 21, true));
    assert_live(r, 0, 0, 0);
}

static void copies_of_a_number_count_once(void **state)
{
    struct rig *r = *state;
    uint64_t bytes;
    r->channel->next = 31;
    assert_true(catalog_ack(&r->catalog, r->channel, 1, 3, true));
    assert_true(catalog_load(r->channel, place_of(11, 10, 0, 1)));
    assert_true(catalog_load(r->channel, place_of(21, 10, 0, 2)));
    assert_true(catalog_load(r->channel, place_of(1, 10, 1, 3)));
    assert_true(catalog_load(r->channel, place_of(14, 3, 1, 4)));
    assert_true(catalog_load(r->channel, place_of(19, 4, 2, 5)));
    catalog_settle(&r->catalog);
    assert_int_equal(catalog_held(r->channel, &bytes), 28);
    assert_int_equal(r->shelf.segments[0].live + r->shelf.segments[1].live +
                         r->shelf.segments[2].live,
                     280);
    for (uint64_t n = 3; n < 31; n++) {
        const struct place *p =
            &r->channel->places[catalog_search(r->channel, n)];
        assert_in_range(n, p->first, p->first + p->count - 1);
    }
}

static void what_is_trimmed_before_it_is_written_never_lives(void **state)
{
    struct rig *r = *state;
    uint64_t bytes;
    catalog_trim(&r->catalog, r->channel, 16);
    add(r, 1, 10, 0);
    add(r, 11, 10, 0);
    assert_live(r, 50, 0, 0);
    assert_int_equal(catalog_held(r->channel, &bytes), 5);
    assert_int_equal(r->channel->next, 21);
}

static void a_dropped_channel_leaves_its_numbers(void **state)
{
    struct rig *r = *state;
    add(r, 1, 10, 0);
    assert_true(catalog_ack(&r->catalog, r->channel, 1, 2, false));
    catalog_drop(&r->catalog, r->channel);
    assert_live(r, 0, 0, 0);
    assert_null(catalog_find(&r->catalog, 1));
    assert_true(r->catalog.dirty->is_dropped); /* which is to be written */
    catalog_clean(&r->catalog);
    assert_null(r->catalog.dirty);
    assert_int_equal(r->catalog.above, 11);
    assert_int_equal(r->catalog.names_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_acknowledged_no_longer_lives,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_moves_lives_where_it_went, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(copies_of_a_number_count_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            what_is_trimmed_before_it_is_written_never_lives, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dropped_channel_leaves_its_numbers,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

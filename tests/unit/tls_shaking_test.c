/* SPDX-License-Identifier: MIT
 *
 * How long a handshake may wait for its client, in a crowd and out of it; and
 * that threads which compute faster than the loop turns do not delay it.
 */
#include "broker/net/tls_shaking.h"

#include <semaphore.h>

#include "broker/base/counters.h"
#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "broker/net/tls_link.h"
#include "tests/unit/unit.h"

/* In the place of OpenSSL: each step is computed at once, and its client has to
 * go on. They come before those of the library, which are not linked. */
static sem_t computed;
static unsigned woken;

bool tls_link_begin(struct tls_link *l)
{
    l->state = TLS_SHAKING;
    return true;
}

void tls_link_step(struct tls_link *l)
{
    (void)l;
    (void)sem_post(&computed);
}

void tls_link_charge(struct tls_link *l)
{
    (void)l;
}

void tls_link_fail(struct tls_link *l, enum tls_fault fault)
{
    (void)fault;
    l->state = TLS_FAILED;
}

void tls_link_free(struct tls_link *l)
{
    (void)l; /* it is static */
}

void stream_wake(struct stream *s)
{
    (void)s;
    woken++;
}

static bool no_more(void *arg)
{
    (void)arg;
    return false;
}

static void test_alone_a_client_may_be_far_away(void **state)
{
    (void)state;
    assert_int_equal(tls_shaking_patience_ms(0), TLS_PEER_MS);
}

static void test_the_larger_the_crowd_the_less_patience(void **state)
{
    (void)state;
    for (uint32_t crowd = 1; crowd <= 2 * TLS_HALF_OPEN_MAX; crowd++)
        assert_true(tls_shaking_patience_ms(crowd) <=
                    tls_shaking_patience_ms(crowd - 1));
    assert_int_equal(tls_shaking_patience_ms(UINT32_MAX), TLS_PEER_LEAST_MS);
}

/* Places change hands no slower than answers are computed, which is 1,200 in a
 * second: a thousand silent clients delay the next by less than that. */
static void test_a_thousand_silent_clients_pass_within_a_second(void **state)
{
    uint32_t silent = 1000, rounds = silent / TLS_HALF_OPEN_MAX;
    (void)state;
    assert_true(rounds * tls_shaking_patience_ms(silent - TLS_HALF_OPEN_MAX) <
                1000);
}

static void test_a_turn_takes_a_few_answers_however_many_are_ready(void **state)
{
    (void)state;
    enum { CROWD = 3 * REACTOR_STEPS_MAX };
    static struct tls_link links[CROWD];
    static struct counters counters;
    struct reactor *r = reactor_new();
    struct tls_shaking *s = tls_shaking_new(r, &counters, 1);
    assert_int_equal(sem_init(&computed, 0, 0), 0);
    for (size_t i = 0; i < CROWD; i++) {
        list_init(&links[i].link);
        assert_true(tls_shaking_join(s, &links[i]));
    }
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(sem_wait(&computed), 0);
    for (unsigned before = 0; woken < CROWD; before = woken) {
        (void)reactor_turn(r, true, no_more, NULL);
        assert_true(woken - before <= REACTOR_STEPS_MAX);
    }
    for (size_t i = 0; i < CROWD; i++)
        tls_shaking_leave(s, &links[i]);
    tls_shaking_free(s);
    reactor_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone_a_client_may_be_far_away),
        cmocka_unit_test(test_the_larger_the_crowd_the_less_patience),
        cmocka_unit_test(test_a_thousand_silent_clients_pass_within_a_second),
        cmocka_unit_test(
            test_a_turn_takes_a_few_answers_however_many_are_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

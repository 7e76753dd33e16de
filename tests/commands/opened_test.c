/* SPDX-License-Identifier: MIT
 *
 * Waiting for an event of version 2 ends for a stop signal, also for one that
 * came just before.
 */
#include "client/opened.h"

#include "client/stop_signal.h"
#include "tests/client/units_peer.h"

#include <signal.h>
#include <unistd.h>

enum { FOR_EVER = -1 };

static void test_a_stop_signal_that_came_before_the_wait_ends_it(void **state)
{
    (void)state;
    const struct sluice_event *e;
    struct peer p = units_open();
    assert_true(stop_signal_init());
    assert_int_equal(raise(SIGTERM), 0);
    alarm(60); /* ends a wait for ever */
    assert_int_equal(opened_next(p.s, &e, NULL, 0, FOR_EVER, false),
                     SLUICE_AGAIN);
    alarm(0);
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stop_signal_that_came_before_the_wait_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

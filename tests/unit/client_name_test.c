/* SPDX-License-Identifier: MIT
 *
 * Clients that have given a name have it as long as they are there; the others
 * pay nothing for that.
 */
#include "broker/session/units/client_name.h"

#include <string.h>

#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "broker/session/units/hub.h"
#include "tests/unit/unit.h"
#include "tests/unit/unit_rig.h"

enum { MANY = 1 << 20 };

static void check_name(struct unit_rig *r, int client, const char *expected)
{
    uint32_t length;
    const uint8_t *name = client_name_get(unit_rig_session(r, client), &length);
    assert_non_null(name);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(name, expected, length);
}

static void test_each_client_has_its_own_name(void **state)
{
    struct unit_rig *r = *state;
    int one = unit_rig_client(r, " name=thermo", MANY);
    int two = unit_rig_client(r, " name=thermo%202", MANY);
    check_name(r, one, "thermo");
    check_name(r, two, "thermo 2");
}

static void test_a_client_without_a_name_keeps_none(void **state)
{
    struct unit_rig *r = *state;
    const char *const options[] = {"", " name="};
    for (int i = 0; i < 2; i++) {
        uint32_t length = 1;
        int client = unit_rig_client(r, options[i], MANY);
        assert_null(client_name_get(unit_rig_session(r, client), &length));
        assert_int_equal(length, 0);
    }
    assert_int_equal(r->house.clients.hub->names.count, 0);
}

static void test_a_name_may_have_64_octets(void **state)
{
    struct unit_rig *r = *state;
    char option[] =
        " name=?????????????????????????????????????????????????????"
        "???????????";
    char *name = option + strlen(" name=");
    memset(name, 'x', CLIENT_NAME_MAX);
    assert_int_equal(strlen(name), CLIENT_NAME_MAX);
    check_name(r, unit_rig_client(r, option, MANY), name);
}

static void test_a_name_ends_with_its_client(void **state)
{
    struct unit_rig *r = *state;
    int one = unit_rig_client(r, " name=one", MANY);
    int two = unit_rig_client(r, " name=two", MANY);
    assert_int_equal(r->house.clients.hub->names.count, 2);
    virtual_end(one, VIRTUAL_RESET);
    unit_rig_turns(r, 2);
    assert_null(unit_rig_session(r, one));
    assert_int_equal(r->house.clients.hub->names.count, 1);
    check_name(r, two, "two");
}

#define NAME_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, unit_rig_open, unit_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAME_TEST(test_each_client_has_its_own_name),
        NAME_TEST(test_a_client_without_a_name_keeps_none),
        NAME_TEST(test_a_name_may_have_64_octets),
        NAME_TEST(test_a_name_ends_with_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

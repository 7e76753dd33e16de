/* SPDX-License-Identifier: MIT
 *
 * What a channel name means is said by its first bytes and by nothing else.
 */
#include "broker/core/route.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *name;
    size_t length;
    enum route route;
} routes[] = {
    {"/topic/foo", 10, ROUTE_TOPIC}, {"foo", 3, ROUTE_TOPIC},
    {"/", 1, ROUTE_TOPIC},           {"/queue", 6, ROUTE_QUEUE},
    {"/queue/a", 8, ROUTE_QUEUE},    {"/queuefoo", 9, ROUTE_QUEUE},
    {"/queu", 5, ROUTE_TOPIC},       {"/Queue/a", 8, ROUTE_TOPIC},
    {" /queue", 7, ROUTE_TOPIC},     {"/queue\0a", 8, ROUTE_QUEUE},
    {"/null", 5, ROUTE_NULL},        {"/nul", 4, ROUTE_TOPIC},
    {"/null/", 6, ROUTE_TOPIC},      {"/null\0", 6, ROUTE_TOPIC},
    {"/sys", 4, ROUTE_SYS},          {"/sys/", 5, ROUTE_SYS},
    {"/sys/a", 6, ROUTE_SYS},        {"/system", 7, ROUTE_TOPIC},
    {"/sy", 3, ROUTE_TOPIC},         {"\xff\xfe", 2, ROUTE_TOPIC},
};

static void test_every_name_has_its_route(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(routes); i++) {
        /* Its exact size, so that a read beyond it is seen. */
        uint8_t *name = malloc(routes[i].length);
        memcpy(name, routes[i].name, routes[i].length);
        assert_int_equal(route_of(name, routes[i].length), routes[i].route);
        free(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_has_its_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * What a channel name means is said by its first bytes and by nothing else.
 */
#include "broker/core/name_class.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *name;
    size_t length;
    enum name_class name_class;
} rows[] = {
    {"/topic/foo", 10, NAME_TOPIC}, {"foo", 3, NAME_TOPIC},
    {"/", 1, NAME_TOPIC},           {"/queue", 6, NAME_QUEUE},
    {"/queue/a", 8, NAME_QUEUE},    {"/queuefoo", 9, NAME_QUEUE},
    {"/queu", 5, NAME_TOPIC},       {"/Queue/a", 8, NAME_TOPIC},
    {" /queue", 7, NAME_TOPIC},     {"/queue\0a", 8, NAME_QUEUE},
    {"/null", 5, NAME_NULL},        {"/nul", 4, NAME_TOPIC},
    {"/null/", 6, NAME_TOPIC},      {"/null\0", 6, NAME_TOPIC},
    {"/sys", 4, NAME_SYS},          {"/sys/", 5, NAME_SYS},
    {"/sys/a", 6, NAME_SYS},        {"/system", 7, NAME_TOPIC},
    {"/sy", 3, NAME_TOPIC},         {"\xff\xfe", 2, NAME_TOPIC},
};

static void test_every_name_has_its_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        /* Its exact size, so that a read beyond it is seen. */
        uint8_t *name = malloc(rows[i].length);
        memcpy(name, rows[i].name, rows[i].length);
        assert_int_equal(name_class_of(name, rows[i].length),
                         rows[i].name_class);
        free(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_has_its_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The rows of the verbs agree with section 5 of the specification: rules 7 to
 * 10, and the first that fails decides.
 */
#include "proto/legality.h"

#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *head;
    uint32_t body;
    enum unit_error error;
} rows[] = {
    /* rule 7 */
    {"FLY /t", 0, UNIT_BAD_VERB},
    {"MSG /t 1", 0, UNIT_BAD_VERB},
    {"OK", 0, UNIT_BAD_VERB},
    {"OPENING", 0, UNIT_BAD_VERB},
    {"FLY /t x=1", 9, UNIT_BAD_VERB},
    /* rule 8 */
    {"SUB", 0, UNIT_BAD_HEAD},
    {"SUB /a /b", 0, UNIT_BAD_HEAD},
    {"ACK /a", 0, UNIT_BAD_HEAD},
    {"ACK /a 1 2", 0, UNIT_BAD_HEAD},
    {"BYE now", 0, UNIT_BAD_HEAD},
    {"PING a b", 0, UNIT_BAD_HEAD},
    {"PUB", 0, UNIT_BAD_HEAD},
    {"PUB a b c d e f g x=1", 0, UNIT_BAD_HEAD},
    {"/a /b x=1", 0, UNIT_BAD_HEAD},
    /* rule 9: which options */
    {"SUB /t rid=1", 0, UNIT_OK},
    {"SUB /t rid=1 rid=1", 0, UNIT_BAD_OPTION},
    {"SUB /t colour=red", 0, UNIT_BAD_OPTION},
    {"SUB /t ?colour=red", 0, UNIT_OK},
    {"PUB /t credit=1", 0, UNIT_BAD_OPTION},
    {"PUB /t ?credit=none", 0, UNIT_OK},
    {"PUB /t try=2", 0, UNIT_BAD_OPTION},
    {"PUB /t ttl=5s", 0, UNIT_BAD_OPTION},
    {"REQ /t", 0, UNIT_BAD_OPTION},
    {"REQ /t rid=1", 0, UNIT_OK},
    {"REQ /t ?rid=1", 0, UNIT_OK},
    {"PONG rid=1", 0, UNIT_BAD_OPTION},
    {"PONG ?rid=1", 0, UNIT_OK},
    /* rule 9: headers */
    {"PUB /t A=1 A=2", 0, UNIT_OK},
    {"REQ /t A=1 rid=1", 0, UNIT_OK},
    {"SUB /t A=1", 0, UNIT_BAD_OPTION},
    {"PING A=1", 0, UNIT_BAD_OPTION},
    {"PUB /t Sluice-A=1", 0, UNIT_BAD_OPTION},
    {"PUB /t SLUICE-A=1", 0, UNIT_BAD_OPTION},
    {"PUB /t SlUiCe-=1", 0, UNIT_BAD_OPTION},
    {"PUB /t Sluice=1", 0, UNIT_OK},
    {"PUB /t Sluicer-A=1", 0, UNIT_OK},
    {"PUB /t Sluice_A=1 Sluice.A=1 SluiceMA=1", 0, UNIT_OK},
    {"PUB /t A=1 Sluice-A=1", 0, UNIT_BAD_OPTION},
    /* rule 9: values */
    {"SUB /t ack=yes", 0, UNIT_OK},
    {"SUB /t ack=no", 0, UNIT_OK},
    {"SUB /t ack=", 0, UNIT_BAD_OPTION},
    {"SUB /t ack=Yes", 0, UNIT_BAD_OPTION},
    {"SUB /t ?ack=maybe", 0, UNIT_BAD_OPTION},
    {"SUB /t credit=1", 0, UNIT_OK},
    {"SUB /t credit=65535", 0, UNIT_OK},
    {"SUB /t credit=0", 0, UNIT_BAD_OPTION},
    {"SUB /t credit=65536", 0, UNIT_BAD_OPTION},
    {"SUB /t credit=01", 0, UNIT_BAD_OPTION},
    {"SUB /t credit=+1", 0, UNIT_BAD_OPTION},
    {"SUB /t credit=%31", 0, UNIT_BAD_OPTION},
    {"SUB /t wait=100ms", 0, UNIT_OK},
    {"SUB /t wait=24h", 0, UNIT_OK},
    {"SUB /t wait=1d", 0, UNIT_OK},
    {"SUB /t wait=99ms", 0, UNIT_BAD_OPTION},
    {"SUB /t wait=86401s", 0, UNIT_BAD_OPTION},
    {"SUB /t wait=5", 0, UNIT_BAD_OPTION},
    {"SUB /t wait=s", 0, UNIT_BAD_OPTION},
    {"SUB /t wait=0.5s", 0, UNIT_BAD_OPTION},
    {"SUB /t wait=5S", 0, UNIT_BAD_OPTION},
    {"SUB /t wait=000000005s", 0, UNIT_OK},
    {"SUB /t wait=0000000005s", 0, UNIT_BAD_OPTION},
    {"REQ /t rid=1 timeout=1ms", 0, UNIT_OK},
    {"REQ /t rid=1 timeout=0s", 0, UNIT_BAD_OPTION},
    {"REQ /t rid=1 timeout=60m", 0, UNIT_OK},
    {"REQ /t rid=1 timeout=3600001ms", 0, UNIT_BAD_OPTION},
    {"NAK /q 1 delay=0s", 0, UNIT_OK},
    {"NAK /q 1 delay=1h", 0, UNIT_OK},
    {"NAK /q 1 delay=61m", 0, UNIT_BAD_OPTION},
    {"PUB /t rid=", 0, UNIT_BAD_OPTION},
    {"PUB /t rid=a%20b", 0, UNIT_BAD_OPTION},
    {"PUB /t rid=a.b-C_9", 0, UNIT_OK},
    /* rule 9: arguments that are numbers or tokens */
    {"ACK /q 0", 0, UNIT_OK},
    {"ACK /q 9223372036854775807", 0, UNIT_OK},
    {"ACK /q 9223372036854775808", 0, UNIT_BAD_OPTION},
    {"ACK /q 99999999999999999999", 0, UNIT_BAD_OPTION},
    {"ACK /q 007", 0, UNIT_BAD_OPTION},
    {"ACK /q x", 0, UNIT_BAD_OPTION},
    {"CREDIT /q -1", 0, UNIT_BAD_OPTION},
    {"TOUCH /q 1.0", 0, UNIT_BAD_OPTION},
    {"PING", 0, UNIT_OK},
    {"PING 1234567890123456789012345678901234567890123456789012345678901234", 0,
     UNIT_OK},
    {"PING 12345678901234567890123456789012345678901234567890123456789012345",
     0, UNIT_BAD_OPTION},
    /* rule 10, and rule 9 before it */
    {"SUB /t", 1, UNIT_BAD_BODY},
    {"SUB /t x=1", 1, UNIT_BAD_OPTION},
    {"PUB /t", UINT32_MAX, UNIT_OK},
    {"REQ /t rid=1", UINT32_MAX, UNIT_OK},
    {"NAK /q 1", 512, UNIT_OK},
    {"NAK /q 1", 513, UNIT_BAD_BODY},
    {"ACK /q 1", 1, UNIT_BAD_BODY},
    {"PING", 1, UNIT_BAD_BODY},
    {"BYE", 1, UNIT_BAD_BODY},
};

static void test_units_are_legal_by_their_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct head h;
        uint32_t n = (uint32_t)strlen(rows[i].head);
        assert_int_equal(head_parse(&h, rows[i].head, n), UNIT_OK);
        enum unit_error error = legality_of(&h, legality_row(&h), rows[i].body);
        if (error != rows[i].error)
            fail_msg("%s: %s", rows[i].head, unit_error_code(error));
    }
}

static const struct {
    const char *options;
    enum unit_error error;
} openings[] = {
    {"", UNIT_OK},
    {" name=thermo ping=30s user=a mech=plain", UNIT_OK},
    {" name=", UNIT_OK},
    {" ping=0s", UNIT_OK},
    {" ping=0ms", UNIT_OK},
    {" ping=1s", UNIT_OK},
    {" ping=1h", UNIT_OK},
    {" ping=999ms", UNIT_BAD_OPTION},
    {" ping=61m", UNIT_BAD_OPTION},
    {" rid=1", UNIT_BAD_OPTION},
    {" ?colour=red", UNIT_OK},
    {" colour=red", UNIT_BAD_OPTION},
    {" A=1", UNIT_BAD_OPTION},
    {" a", UNIT_BAD_HEAD},
};

static void test_openings_are_legal_by_their_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(openings); i++) {
        struct head h;
        char head[128] = "\0SLUICE/2";
        uint32_t n = 9 + (uint32_t)strlen(openings[i].options);
        memcpy(head + 9, openings[i].options, n - 9);
        assert_int_equal(head_parse_opening(&h, head, n), UNIT_OK);
        if (legality_of(&h, &verb_opening, 4096) != openings[i].error)
            fail_msg("%s", openings[i].options);
    }
}

static void test_a_name_has_64_octets_as_it_is_written(void **state)
{
    (void)state;
    char head[128] = "\0SLUICE/2 name=";
    struct head h;
    memset(head + 15, 'n', 65);
    assert_int_equal(head_parse_opening(&h, head, 15 + 64), UNIT_OK);
    assert_int_equal(legality_of(&h, &verb_opening, 0), UNIT_OK);
    assert_int_equal(head_parse_opening(&h, head, 15 + 65), UNIT_OK);
    assert_int_equal(legality_of(&h, &verb_opening, 0), UNIT_BAD_OPTION);
}

/* What a client can rely on in units of a broker. */
static void test_brokers_verbs_have_their_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        unsigned arguments;
    } words[] = {{"INFO", 1}, {"OK", 0},   {"ERR", 1},  {"MSG", 2},
                 {"GAP", 3},  {"REP", 0},  {"HOLD", 1}, {"GO", 1},
                 {"PING", 0}, {"PONG", 0}, {"BYE", 0}};
    for (size_t i = 0; i < UNIT_COUNT(words); i++) {
        enum verb_id id = verb_find(span_of(words[i].word));
        assert_in_range(id, 0, VERB_COUNT - 1);
        assert_int_equal(verbs[id].least, words[i].arguments);
    }
    for (enum verb_id id = 0; id < VERB_COUNT; id++)
        assert_int_equal(verb_find(span_of(verbs[id].name)), id);
    assert_int_equal(verb_find(span_of("")), VERB_COUNT);
}

static void test_codes_are_found_by_what_is_written(void **state)
{
    (void)state;
    for (enum unit_error e = UNIT_OK + 1; e < UNIT_REFUSED; e++) {
        assert_int_equal(unit_error_find(span_of(unit_error_code(e))), e);
        assert_true(strlen(unit_error_text(e)) > 0);
    }
    assert_int_equal(unit_error_find(span_of("flood")), UNIT_REFUSED);
    assert_int_equal(unit_error_find(span_of("")), UNIT_REFUSED);
    assert_true(unit_error_is_fatal(UNIT_TOO_BIG));
    assert_false(unit_error_is_fatal(UNIT_GONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_are_legal_by_their_rows),
        cmocka_unit_test(test_openings_are_legal_by_their_row),
        cmocka_unit_test(test_a_name_has_64_octets_as_it_is_written),
        cmocka_unit_test(test_brokers_verbs_have_their_arguments),
        cmocka_unit_test(test_codes_are_found_by_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

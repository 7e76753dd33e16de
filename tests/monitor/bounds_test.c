/* SPDX-License-Identifier: MIT
 *
 * Documents are as long as readers rely on, at most: with every number and
 * every text of their rows as long as it can be.
 */
#include "broker/base/counters.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/document.h"
#include "broker/monitor/ranking.h"
#include "broker/monitor/survey.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/unit.h"

enum { DOCUMENT_BYTES = 128 << 10 };

static void show_users(void *arg, broker_view_user_fn *visit, void *visit_arg);

static struct counters counters;
static char broker_name[256];
static const struct broker_view broker = {.name = broker_name,
                                          .interval_ms = 250,
                                          .counters = &counters,
                                          .show_users = show_users};
static struct ranking ranking;
static struct survey_result seen;
static uint8_t encoded[CHANNEL_NAME_MAX]; /* octets that take three */
static char user[USER_NAME_BYTES];        /* characters that take two */
static const struct peer peer = {
    .family = AF_INET6,
    .port = UINT16_MAX,
    .ip = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 255, 255, 255, 255}};

/* A hundred, and the others. */
static void show_users(void *arg, broker_view_user_fn *visit, void *visit_arg)
{
    const uint64_t longest = (uint64_t)1 << 63;
    const struct user_limits limits = {longest, longest, longest, longest};
    struct broker_view_user one = {user, 1, longest, longest, longest, &limits};
    (void)arg;
    for (int i = 0; i < 100; i++)
        visit(visit_arg, &one);
    one.name = NULL;
    one.users = longest;
    visit(visit_arg, &one);
}

/* The longest name of a cipher that OpenSSL knows. */
static const char *longest_cipher(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    assert_true(SSL_CTX_set_cipher_list(context, "ALL:COMPLEMENTOFALL"));
    const STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(context);
    const char *longest = "";
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i));
        longest = strlen(name) > strlen(longest) ? name : longest;
    }
    SSL_CTX_free(context);
    return longest; /* a constant */
}

/* jansson writes it with a sign. */
static struct view longest_numbers(void)
{
    struct view v = {.conn = (uint64_t)1 << 63};
    for (size_t i = 0; i < VIEW_NUMBERS; i++)
        v.number[i] = (uint64_t)1 << 63;
    return v;
}

static struct view longest_client(uint32_t names)
{
    struct view v = longest_numbers();
    v.name = v.waits_for = v.label = encoded;
    v.name_length = v.waits_for_length = v.label_length = names;
    v.protocol = UINT32_MAX;
    v.kind = "finishing";
    v.tls = "DTLSv1.2";
    v.cipher = longest_cipher();
    v.user = user;
    v.way = "certificate";
    v.peer = &peer;
    return v;
}

static struct view longest_channel(uint32_t names)
{
    struct view v = longest_numbers();
    v.name = encoded;
    v.name_length = names;
    v.kind = "queue";
    return v;
}

/* The length of the document with so many rows like `v`. */
static size_t length_of(struct view v, size_t rows)
{
    struct ranking_list *list = v.peer ? &seen.clients : &seen.channels;
    ranking_init(&ranking, VIEW_RECENT);
    for (size_t i = 0; i < rows; i++) {
        v.conn = ((uint64_t)1 << 63) + i;
        v.name = v.peer ? v.name : encoded + i; /* what tells channels apart */
        ranking_add(&ranking, &v);
    }
    ranking_finish(&ranking, list);
    for (size_t i = 0; i < VIEW_NUMBERS; i++)
        list->rest.number[i] = (uint64_t)1 << 63;
    seen.seq = seen.channel_count = seen.client_count = (uint64_t)1 << 63;
    char *text = v.peer ? document_clients(&broker, &seen)
                        : document_channels(&broker, &seen);
    assert_non_null(text);
    size_t length = strlen(text);
    free(text);
    return length;
}

static void test_a_row_is_no_longer_than_what_is_counted_for_it(void **state)
{
    (void)state;
    size_t none = length_of(longest_client(CHANNEL_NAME_MAX), 0);
    size_t one = length_of(longest_client(CHANNEL_NAME_MAX), 1);
    assert_int_equal(seen.clients.count, 1);
    assert_in_range(one - none, 1, seen.clients.bytes);
    none = length_of(longest_channel(CHANNEL_NAME_MAX), 0);
    one = length_of(longest_channel(CHANNEL_NAME_MAX), 1);
    assert_int_equal(seen.channels.count, 1);
    assert_in_range(one - none, 1, seen.channels.bytes);
}

static void test_documents_are_short_enough_for_readers(void **state)
{
    (void)state;
    for (uint32_t names = 0; names <= CHANNEL_NAME_MAX; names += 51) {
        size_t n = length_of(longest_client(names), 2 * RANKING_ROWS);
        assert_in_range(n, 1, DOCUMENT_BYTES);
    }
    size_t n = length_of(longest_channel(CHANNEL_NAME_MAX / 2), RANKING_ROWS);
    assert_in_range(n, 1, DOCUMENT_BYTES);
}

static void test_users_with_long_names_and_numbers(void **state)
{
    (void)state;
    char *text = document_users(&broker, &seen);
    assert_non_null(text);
    assert_in_range(strlen(text), 1, DOCUMENT_BYTES);
    free(text);
}

static int setup(void **state)
{
    (void)state;
    memset(encoded, 0xff, sizeof encoded);
    memset(user, '\\', sizeof user - 1);
    memset(broker_name, '"', sizeof broker_name - 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_is_no_longer_than_what_is_counted_for_it),
        cmocka_unit_test(test_documents_are_short_enough_for_readers),
        cmocka_unit_test(test_users_with_long_names_and_numbers),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

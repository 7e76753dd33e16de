/* SPDX-License-Identifier: MIT
 *
 * Rings between two threads: nothing is lost, doubled or out of order, and
 * whoever sleeps is woken.
 */
#include "tests/unit/unit.h"

#include <pthread.h>

#include "broker/base/bell.h"
#include "broker/base/mailbox.h"

enum { LETTERS = 300000 };

struct letter {
    uint64_t number, again;
};

struct post {
    struct mailbox box;
    struct bell full, empty; /* the sender sleeps; the receiver sleeps */
};

static void *send_all(void *arg)
{
    struct post *p = arg;
    for (uint64_t i = 0; i < LETTERS; i++) {
        struct letter letter = {i, ~i};
        while (!mailbox_push(&p->box, &letter)) {
            bell_arm(&p->full);
            if (mailbox_push(&p->box, &letter)) {
                bell_quiet(&p->full);
                break;
            }
            bell_wait(&p->full, BELL_ENDLESS);
        }
        if (i % 100 == 0 || i + 1 == LETTERS)
            bell_ring(&p->empty);
    }
    return NULL;
}

static const struct letter *receive(struct post *p)
{
    const struct letter *letter = mailbox_peek(&p->box);
    while (!letter) {
        bell_arm(&p->empty);
        letter = mailbox_peek(&p->box);
        if (letter)
            bell_quiet(&p->empty);
        else
            bell_wait(&p->empty, BELL_ENDLESS);
        if (!letter)
            letter = mailbox_peek(&p->box);
    }
    return letter;
}

static void letters_come_once_and_in_order(void **state)
{
    (void)state;
    struct post p;
    pthread_t sender;
    assert_true(mailbox_init(&p.box, sizeof(struct letter)));
    assert_true(bell_open(&p.full));
    assert_true(bell_open(&p.empty));
    assert_int_equal(pthread_create(&sender, NULL, send_all, &p), 0);
    for (uint64_t i = 0; i < LETTERS; i++) {
        const struct letter *letter = receive(&p);
        assert_int_equal(letter->number, i);
        assert_int_equal(letter->again, ~i);
        mailbox_pop(&p.box);
        bell_ring(&p.full);
    }
    assert_int_equal(pthread_join(sender, NULL), 0);
    assert_null(mailbox_peek(&p.box));
    bell_close(&p.full);
    bell_close(&p.empty);
    mailbox_fini(&p.box);
}

static void a_full_ring_refuses(void **state)
{
    (void)state;
    struct mailbox box;
    uint32_t n = 0;
    assert_true(mailbox_init(&box, sizeof n));
    while (mailbox_push(&box, &n))
        n++;
    assert_int_equal(n, MAILBOX_ENTRIES);
    mailbox_pop(&box);
    assert_true(mailbox_push(&box, &n));
    assert_false(mailbox_push(&box, &n));
    assert_int_equal(*(const uint32_t *)mailbox_peek(&box), 1);
    mailbox_fini(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_come_once_and_in_order),
        cmocka_unit_test(a_full_ring_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

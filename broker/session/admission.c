/* SPDX-License-Identifier: MIT */
#include "broker/session/admission.h"

#include "broker/session/partial.h"

/* Shares of the memory limit: a half, a quarter ... Clients that begin many
 * messages and complete none must not take all of it. */
static const struct admission_row {
    uint32_t part;
    uint32_t meritless_part; /* of that, the beginnings without merit */
} rows[ADMISSION_TOTAL] = {
    /* Beyond these no beginning is kept: its bytes stay in the kernel.
     * Ungranted bytes of large messages have a share of their own, so that
     * small senders need not make way for them. */
    [ADMISSION_HEADS] = {4, 8},
    [ADMISSION_UNGRANTED] = {4, 8},
    /* Beyond this, grants are not revoked: what arrived is kept. */
    [ADMISSION_REVOKED] = {8, 8},
    /* Beyond this, a large message waits, unless it is the only one. */
    [ADMISSION_GRANTED] = {2, 2},
};

/* The share of one host in the first two, so that it cannot take all of them.
 */
enum { HOST_PART = 8 };

enum { LOW_PART = 16 };

static const enum admission_class class_of_body[] = {
    [BODY_WAITING] = ADMISSION_UNGRANTED,
    [BODY_GRANTED] = ADMISSION_GRANTED,
    [BODY_REVOKED] = ADMISSION_REVOKED,
};

void admission_init(struct admission *a, struct budget *budget)
{
    *a = (struct admission){.budget = budget};
}

static bool is_within(const struct admission *a, enum admission_class which,
                      uint64_t more_bytes, bool has_merit)
{
    uint32_t part = has_merit ? rows[which].part : rows[which].meritless_part;
    return a->bytes[which] + more_bytes <= a->budget->limit_bytes / part;
}

bool admission_has_room(const struct admission *a, const struct beginning *b)
{
    uint64_t bytes = (uint64_t)b->head_bytes + b->body_bytes;
    uint64_t limit = a->budget->limit_bytes;
    bool is_alone =
        a->bytes[ADMISSION_HEADS] + a->bytes[ADMISSION_UNGRANTED] == 0;
    return limit == 0 || is_alone ||
           (is_within(a, ADMISSION_HEADS, b->head_bytes, b->has_merit) &&
            is_within(a, ADMISSION_UNGRANTED, b->body_bytes, b->has_merit) &&
            a->host_bytes[b->host] + bytes <= limit / HOST_PART &&
            budget_has_room(a->budget, bytes));
}

static void charge_head(struct admission *a, struct partial *p, uint32_t bytes)
{
    a->bytes[ADMISSION_HEADS] += (uint64_t)bytes - p->charged_head_bytes;
    a->host_bytes[p->host] += (uint64_t)bytes - p->charged_head_bytes;
    p->charged_head_bytes = bytes;
}

/* A grant is charged with the whole message; without a grant, only the bytes
 * that came are charged. */
static void charge_body(struct admission *a, struct partial *p,
                        enum body_state state)
{
    if (p->body_state != BODY_NONE)
        a->bytes[class_of_body[p->body_state]] -= p->charged_body_bytes;
    if (p->body_state == BODY_WAITING)
        a->host_bytes[p->host] -= p->charged_body_bytes;
    p->body_state = (uint8_t)state;
    p->charged_body_bytes = 0;
    if (state == BODY_NONE)
        return;
    p->charged_body_bytes =
        state == BODY_GRANTED ? p->body_bytes : p->body->capacity;
    a->bytes[class_of_body[state]] += p->charged_body_bytes;
    if (state == BODY_WAITING)
        a->host_bytes[p->host] += p->charged_body_bytes;
}

void admission_keep(struct admission *a, struct partial *p)
{
    charge_head(a, p, p->head_bytes);
    if (partial_is_large(p))
        charge_body(a, p, BODY_WAITING);
}

bool admission_grant(struct admission *a, struct partial *p)
{
    bool is_alone = a->bytes[ADMISSION_GRANTED] == 0;
    bool is_granted =
        a->budget->limit_bytes == 0 ||
        ((is_alone || is_within(a, ADMISSION_GRANTED, p->body_bytes, true)) &&
         budget_has_room(a->budget, partial_lacks(p)));
    if (!is_granted)
        return false;
    partial_promise(p, a->budget);
    charge_body(a, p, BODY_GRANTED);
    return true;
}

void admission_revoke(struct admission *a, struct partial *p)
{
    if (p->body_state != BODY_GRANTED ||
        !is_within(a, ADMISSION_REVOKED, p->body->capacity, true))
        return;
    partial_break_promise(p, a->budget);
    charge_body(a, p, BODY_REVOKED);
}

void admission_release(struct admission *a, struct partial **p)
{
    if (!*p)
        return;
    charge_head(a, *p, 0);
    charge_body(a, *p, BODY_NONE);
    partial_free(*p, a->budget);
    *p = NULL;
}

bool admission_is_low(const struct admission *a)
{
    uint64_t limit = a->budget->limit_bytes;
    return limit == 0 ||
           a->bytes[ADMISSION_HEADS] + a->bytes[ADMISSION_UNGRANTED] <=
               limit / LOW_PART;
}

/* SPDX-License-Identifier: MIT */
#include "broker/session/units/message_tail.h"

#include <string.h>

#include "broker/session/units/units.h"
#include "proto/head.h"
#include "proto/octet.h"

enum {
    RID_NAME = 4,     /* "rid=" */
    CONFIRM_NAME = 8, /* "confirm=" */
    CONFIRM_SYNC = 4,
    CONFIRM_ROUTE = 5,
};

/* The octets of a value; returns its end. */
static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        if (octet_is(*at, OCTET_PLAIN | OCTET_EQUALS))
            at++;
        else if (*at == '%' && end - at > 2 && octet_is(at[1], OCTET_HEX) &&
                 octet_is(at[2], OCTET_HEX))
            at += 3;
        else
            break;
    }
    return at;
}

/* The end of a header that begins at `at`; NULL: it is none, or its name may be
 * one that only the broker writes ("Sluice-", however it is written). */
static const uint8_t *skip_header(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *name = at;
    while (at < end && octet_is(*at, OCTET_NAME))
        at++;
    if (at == end || *at != '=' || at == name || at - name > HEAD_HEADER_MAX ||
        (name[0] == 'S' && (name[1] | 0x20) == 'l'))
        return NULL;
    return skip_value(at + 1, end);
}

static const uint8_t *skip_rid(struct message_tail *t, const uint8_t *at,
                               const uint8_t *end)
{
    if (t->options & TAIL_RID || end - at < RID_NAME ||
        memcmp(at, "rid=", RID_NAME) != 0)
        return NULL;
    t->options |= TAIL_RID;
    t->rid = at += RID_NAME;
    while (at < end && octet_is(*at, OCTET_NAME))
        at++;
    t->rid_length = (uint32_t)(at - t->rid);
    return t->rid_length > 0 && t->rid_length <= UNITS_RID_MAX ? at : NULL;
}

/* Octets that follow the value begin no pair, and so are found there. */
static const uint8_t *skip_confirm(struct message_tail *t, const uint8_t *at,
                                   const uint8_t *end)
{
    const uint8_t *value = at + CONFIRM_NAME;
    if (t->options & (TAIL_SYNC | TAIL_ROUTE) || end - at < CONFIRM_NAME ||
        memcmp(at, "confirm=", CONFIRM_NAME) != 0)
        return NULL;
    if (end - value >= CONFIRM_SYNC &&
        memcmp(value, "sync", CONFIRM_SYNC) == 0) {
        t->options |= TAIL_SYNC;
        return value + CONFIRM_SYNC;
    }
    if (end - value >= CONFIRM_ROUTE &&
        memcmp(value, "route", CONFIRM_ROUTE) == 0) {
        t->options |= TAIL_ROUTE;
        return value + CONFIRM_ROUTE;
    }
    return NULL;
}

bool message_tail_read(struct message_tail *t, const uint8_t *text,
                       uint32_t length)
{
    const uint8_t *at = text, *end = text + length;
    unsigned pairs = 0;
    t->headers = text;
    t->headers_length = 0;
    t->options = 0;
    if (length > MESSAGE_TAIL_MAX)
        return false;
    while (at < end) {
        const uint8_t *space = at++;
        if (*space != ' ' || at == end || ++pairs > MESSAGE_TAIL_PAIRS)
            return false;
        if (octet_is(*at, OCTET_UPPER)) {
            at = skip_header(at, end);
            if (t->headers_length == 0)
                t->headers = space;
            if (!at || space != t->headers + t->headers_length)
                return false;
            t->headers_length = (uint32_t)(at - t->headers);
        } else {
            at = *at == 'r' ? skip_rid(t, at, end) : skip_confirm(t, at, end);
            if (!at)
                return false;
        }
    }
    return true;
}

/* SPDX-License-Identifier: MIT
 *
 * A violation of rule 3 ends the pass at once, because it outranks all others.
 * Violations of later rules are noted: rule 3 may still fail, and the request
 * id, which the error carries, may still follow.
 */
#include "proto/head.h"

#include <stddef.h>
#include <string.h>

#include "proto/octet.h"

struct head_pass {
    struct head *head;
    bool is_bad_verb;                     /* rule 4 */
    bool is_bad_head;                     /* rules 5 and 6 */
    unsigned pairs, rids;                 /* how many there were */
    unsigned strangers;                   /* unknown options with '?' */
    struct span stranger[HEAD_PAIRS_MAX]; /* their names */
};

/* One token, and its first raw '=', NULL when it has none. */
struct head_token {
    struct span whole;
    const char *equals;
};

static void head_take_argument(struct head_pass *p, struct span argument)
{
    struct head *head = p->head;
    p->is_bad_head |= p->pairs > 0; /* rule 5 */
    if (head->argument_count < HEAD_ARGUMENTS)
        head->arguments[head->argument_count] = argument;
    head->argument_count++;
}

/* An option that this program does not know may not come twice, either. */
static void head_take_stranger(struct head_pass *p, struct span name,
                               bool is_optional)
{
    p->head->has_stranger |= !is_optional;
    for (unsigned i = 0; i < p->strangers; i++)
        p->head->has_twin |= span_is(p->stranger[i], name);
    p->stranger[p->strangers++] = name;
}

static void head_take_option(struct head *head, enum unit_option option,
                             struct span value, bool is_optional)
{
    uint32_t bit = UINT32_C(1) << option;
    head->has_twin |= (head->options & bit) != 0;
    head->options |= bit;
    head->optional |= is_optional ? bit : 0;
    head->values[option] = value;
}

static void head_take_rid(struct head_pass *p, struct span value)
{
    uint64_t none;
    bool is_good = unit_option_read(UNIT_OPTION_rid, value, &none);
    p->rids++;
    p->head->rid = p->rids == 1 && is_good ? value : (struct span){NULL, 0};
}

static bool head_is_option(struct span name)
{
    return name.length > 0 && name.length <= HEAD_OPTION_MAX &&
           octet_is((uint8_t)*name.text, OCTET_LOWER) &&
           octet_all_are(name.text, name.length,
                         OCTET_LOWER | OCTET_DIGIT | OCTET_DASH);
}

bool head_is_header(struct span name)
{
    return name.length > 0 && name.length <= HEAD_HEADER_MAX &&
           octet_is((uint8_t)*name.text, OCTET_UPPER) &&
           octet_all_are(name.text, name.length, OCTET_NAME);
}

static void head_take_header(struct head *head, struct span name,
                             struct span value)
{
    head->headers[head->header_count++] = (struct head_pair){name, value};
    head->header_octets += (uint16_t)(1 + name.length + 1 + value.length);
}

/* Beyond rule 6 nothing is kept but the request id. */
static void head_take_pair(struct head_pass *p, struct head_token token)
{
    const char *text = token.whole.text, *end = text + token.whole.length;
    bool is_optional = *text == '?';
    struct span name = {text + is_optional,
                        (uint32_t)(token.equals - text) - is_optional};
    struct span value = {token.equals + 1, (uint32_t)(end - token.equals - 1)};
    bool is_kept = ++p->pairs <= HEAD_PAIRS_MAX;
    if (head_is_option(name)) {
        enum unit_option option = unit_option_find(name);
        if (option == UNIT_OPTION_rid)
            head_take_rid(p, value);
        if (is_kept && option != UNIT_OPTION_COUNT)
            head_take_option(p->head, option, value, is_optional);
        else if (is_kept)
            head_take_stranger(p, name, is_optional);
    } else if (head_is_header(name) && !is_optional) {
        if (is_kept)
            head_take_header(p->head, name, value);
    } else {
        p->is_bad_head = true; /* rule 5 */
    }
    p->is_bad_head |= !is_kept; /* rule 6 */
}

static void head_take_verb(struct head_pass *p, struct span word)
{
    if (word.length > VERB_LENGTH_MAX ||
        !octet_all_are(word.text, word.length, OCTET_UPPER)) {
        p->is_bad_verb = true;
        return;
    }
    p->head->word = word;
    p->head->verb = verb_find(word);
}

static void head_take_first(struct head_pass *p, struct head_token token)
{
    bool is_implicit = *token.whole.text == '/' || *token.whole.text == '@';
    if (is_implicit)
        p->head->verb = VERB_PUB;
    else
        head_take_verb(p, token.whole); /* rule 4 */
    if (token.equals)
        head_take_pair(p, token);
    else if (is_implicit)
        head_take_argument(p, token.whole);
}

static void head_take_next(struct head_pass *p, struct head_token token)
{
    if (token.equals)
        head_take_pair(p, token);
    else
        head_take_argument(p, token.whole);
}

/* Reads a token up to the space behind it or the end; returns where it ends,
 * NULL when rule 3 fails. */
static const char *head_read_token(struct head_token *token, const char *at,
                                   const char *end)
{
    token->whole.text = at;
    token->equals = NULL;
    for (; at < end && *at != ' '; at++) {
        if (octet_is((uint8_t)*at, OCTET_PLAIN))
            continue;
        if (octet_is((uint8_t)*at, OCTET_EQUALS)) {
            if (!token->equals)
                token->equals = at;
        } else if (*at == '%' && end - at > 2 &&
                   octet_is((uint8_t)at[1], OCTET_HEX) &&
                   octet_is((uint8_t)at[2], OCTET_HEX)) {
            at += 2;
        } else {
            return NULL;
        }
    }
    token->whole.length = (uint32_t)(at - token->whole.text);
    return token->whole.length > 0 ? at : NULL;
}

/* Hands the tokens from `at` on to the pass; false when rule 3 fails. */
static bool head_read(struct head_pass *p, const char *at, const char *end,
                      void (*take)(struct head_pass *, struct head_token))
{
    struct head_token token;
    for (;;) {
        at = head_read_token(&token, at, end);
        if (!at)
            return false;
        take(p, token);
        if (at == end)
            return true;
        take = head_take_next;
        at++; /* the space: it must have a token behind it */
    }
}

/* The arrays are left alone: the counts and sets say which of their elements
 * are valid. */
static void head_begin(struct head_pass *p, struct head *head)
{
    head->word = head->rid = (struct span){NULL, 0};
    head->verb = VERB_COUNT;
    head->has_stranger = head->has_twin = false;
    head->header_count = 0;
    head->header_octets = head->argument_count = 0;
    head->options = head->optional = 0;
    p->head = head;
    p->is_bad_verb = p->is_bad_head = false;
    p->pairs = p->rids = p->strangers = 0;
}

static enum unit_error head_end(struct head_pass *p, bool is_readable)
{
    if (!is_readable)
        p->head->rid = (struct span){NULL, 0};
    else if (p->is_bad_verb)
        return UNIT_BAD_VERB;
    else if (!p->is_bad_head)
        return UNIT_OK;
    return UNIT_BAD_HEAD;
}

enum unit_error head_parse(struct head *head, const void *bytes,
                           uint32_t length)
{
    struct head_pass pass;
    const char *text = bytes;
    head_begin(&pass, head);
    bool is_readable = head_read(&pass, text, text + length, head_take_first);
    return head_end(&pass, is_readable);
}

bool head_parse_leniently(struct head *head, const void *bytes, uint32_t length)
{
    struct head_pass pass;
    const char *text = bytes;
    head_begin(&pass, head);
    return head_read(&pass, text, text + length, head_take_first) &&
           !pass.is_bad_verb;
}

static const char opening[] = "\0SLUICE/";
enum { OPENING_LENGTH = sizeof opening - 1, VERSION_DIGITS_MAX = 3 };

bool head_is_opening(const void *bytes, uint32_t length)
{
    return length >= OPENING_LENGTH &&
           memcmp(bytes, opening, OPENING_LENGTH) == 0;
}

enum unit_error head_parse_opening(struct head *head, const void *bytes,
                                   uint32_t length)
{
    struct head_pass pass;
    const char *text = bytes, *end = text + length;
    const char *digits = text + OPENING_LENGTH, *at = digits;
    unsigned version = 0;
    head_begin(&pass, head);
    for (; at < end && octet_is((uint8_t)*at, OCTET_DIGIT); at++)
        if (at - digits < VERSION_DIGITS_MAX)
            version = version * 10 + (unsigned)(*at - '0');
    bool is_number = at > digits && at - digits <= VERSION_DIGITS_MAX &&
                     (at == end || *at == ' ');
    if (is_number && version != HEAD_VERSION)
        return UNIT_VERSION;
    bool is_readable = is_number && (at == end || head_read(&pass, at + 1, end,
                                                            head_take_next));
    return head_end(&pass, is_readable);
}

/* SPDX-License-Identifier: MIT */
#include "proto/legality.h"

#include <stdbool.h>
#include <stddef.h>

const struct verb *legality_row(const struct head *head)
{
    return head->verb < VERB_CLIENT_COUNT ? &verbs[head->verb] : NULL;
}

static bool has_legal_values(const struct head *head, const struct verb *verb)
{
    uint64_t number;
    uint32_t left = head->options & verb->options;
    for (unsigned option = 0; left != 0; option++, left >>= 1)
        if ((left & 1) != 0 &&
            !unit_option_read(option, head->values[option], &number))
            return false;
    return true;
}

static bool has_legal_argument(const struct head *head, const struct verb *verb)
{
    uint64_t number;
    if (head->argument_count == 0)
        return true;
    struct span last = head->arguments[head->argument_count - 1];
    return verb->last == VERB_NUMBER  ? unit_number_read(last, &number)
           : verb->last == VERB_TOKEN ? last.length <= VERB_TOKEN_MAX
                                      : true;
}

/* Names that only the broker writes, in any mixture of cases. */
static bool is_reserved(struct span name)
{
    static const char reserved[] = "sluice-";
    uint32_t i = 0;
    while (reserved[i] && i < name.length &&
           (name.text[i] | 0x20) == reserved[i]) /* lower case; '-' stays */
        i++;
    return reserved[i] == '\0';
}

static bool has_reserved_header(const struct head *head)
{
    for (unsigned i = 0; i < head->header_count; i++)
        if (is_reserved(head->headers[i].name))
            return true;
    return false;
}

/* Rule 9. */
static bool has_legal_options(const struct head *head, const struct verb *verb)
{
    uint32_t unwanted = head->options & ~verb->options & ~head->optional;
    uint32_t missing = verb->required & ~head->options;
    if (head->has_twin || head->has_stranger || unwanted != 0 || missing != 0)
        return false;
    if (head->header_count > 0 && !verb->takes_headers)
        return false;
    return !has_reserved_header(head) && has_legal_values(head, verb) &&
           has_legal_argument(head, verb);
}

enum unit_error legality_of(const struct head *head, const struct verb *verb,
                            uint32_t body_length)
{
    static const uint32_t bodies[] = {[VERB_EMPTY] = 0,
                                      [VERB_PAYLOAD] = UINT32_MAX,
                                      [VERB_TEXT] = VERB_TEXT_MAX};
    if (!verb)
        return UNIT_BAD_VERB; /* rule 7 */
    if (head->argument_count < verb->least || head->argument_count > verb->most)
        return UNIT_BAD_HEAD; /* rule 8 */
    if (!has_legal_options(head, verb))
        return UNIT_BAD_OPTION;
    return body_length > bodies[verb->body] ? UNIT_BAD_BODY /* rule 10 */
                                            : UNIT_OK;
}

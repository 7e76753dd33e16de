/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/said.h"

#include <stdlib.h>
#include <string.h>

static bool is_verb(const char *word)
{
    size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return n > 0 && n <= 16 && word[n] == '\0';
}

/* Each "%" has two hex digits, in upper case as servers write them. */
static bool is_encoded_well(const char *word)
{
    for (const char *p = strchr(word, '%'); p; p = strchr(p + 1, '%'))
        if (strspn(p + 1, "0123456789ABCDEF") < 2)
            return false;
    return true;
}

static bool split(struct said *u)
{
    char *at = u->text;
    bool has_options = false;
    while (at) {
        char *next = strchr(at, ' ');
        if (next)
            *next++ = '\0';
        if (*at == '\0' || u->count == SAID_WORDS || !is_encoded_well(at))
            return false;
        bool is_option = u->count > 0 && strchr(at, '=');
        if (has_options && !is_option)
            return false;
        has_options = is_option;
        u->arguments += u->count > 0 && !is_option;
        u->words[u->count++] = at;
        at = next;
    }
    return is_verb(u->words[0]);
}

bool said_parse(struct said *u, const uint8_t *head, uint32_t length,
                const uint8_t *body, uint32_t body_length)
{
    u->arguments = u->count = 0;
    u->body = body;
    u->body_length = body_length;
    if (length == 0 || length > SAID_HEAD_MAX)
        return false;
    for (uint32_t i = 0; i < length; i++)
        if (head[i] < 0x20 || head[i] > 0x7e)
            return false;
    memcpy(u->text, head, length);
    u->text[length] = '\0';
    return split(u);
}

bool said_is(const struct said *u, const char *verb)
{
    return strcmp(u->words[0], verb) == 0;
}

const char *said_option(const struct said *u, const char *name)
{
    size_t n = strlen(name);
    for (int i = 1 + u->arguments; i < u->count; i++)
        if (strncmp(u->words[i], name, n) == 0 && u->words[i][n] == '=')
            return u->words[i] + n + 1;
    return NULL;
}

static uint64_t number_of(const char *text)
{
    size_t n = strspn(text, "0123456789");
    bool is_number = n > 0 && n < 20 && text[n] == '\0';
    bool leads = n > 1 && text[0] == '0';
    return is_number && !leads ? strtoull(text, NULL, 10) : UINT64_MAX;
}

uint64_t said_number(const struct said *u, const char *name, uint64_t otherwise)
{
    const char *text = said_option(u, name);
    return text ? number_of(text) : otherwise;
}

uint64_t said_argument(const struct said *u, int which)
{
    return which <= u->arguments ? number_of(u->words[which]) : UINT64_MAX;
}

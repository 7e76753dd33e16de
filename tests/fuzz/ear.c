/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/ear.h"

#include <stdbool.h>
#include <stdio.h>

#include "proto/frame.h"
#include "proto/head.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/play.h"

enum {
    UNIT_MAX = 2 * FRAME_HEAD_BYTES + HEAD_MAX + HOUSE_MAX_FRAME,
    READ_MAX = 16 << 10,
    NAMES = 16,
    NAME_ROOM = 32,
    WORKS = 8,
    WORDS = 40, /* the words of a head, and one more */
};

/* A channel that it heard of; those with long names are not watched. */
struct known {
    char name[NAME_ROOM];
    uint64_t last; /* number; of topics */
    bool is_held;
};

static struct ear {
    bool is_open, has_bye;
    size_t bytes;
    uint32_t known_count, works;
    struct known known[NAMES];
    char work[WORKS][NAME_ROOM + 24];
    uint8_t unit[UNIT_MAX + READ_MAX];
} ears[PLAY_CLIENTS];

static char address[HEAD_MAX];

void ear_open(int client)
{
    struct ear *e = &ears[client];
    e->is_open = true;
    e->has_bye = false;
    e->bytes = 0;
    e->known_count = e->works = 0;
}

void ear_close(int client)
{
    ears[client].is_open = false;
}

const char *ear_work(int client, unsigned before)
{
    const struct ear *e = &ears[client];
    return e->is_open && before < e->works && before < WORKS
               ? e->work[(e->works - 1 - before) % WORKS]
               : "";
}

const char *ear_address(void)
{
    return address[0] == '@' ? address : "@";
}

/* NULL when it is not watched. */
static struct known *known_of(struct ear *e, const char *name)
{
    for (uint32_t i = 0; i < e->known_count; i++)
        if (strcmp(e->known[i].name, name) == 0)
            return &e->known[i];
    if (e->known_count == NAMES || strlen(name) >= NAME_ROOM)
        return NULL;
    struct known *k = &e->known[e->known_count++];
    *k = (struct known){.last = 0};
    memcpy(k->name, name, strlen(name) + 1);
    return k;
}

static uint64_t number_of(const char *text)
{
    char *end;
    FUZZ_CHECK(text && *text >= '0' && *text <= '9');
    uint64_t number = strtoull(text, &end, 10);
    FUZZ_CHECK(*end == '\0');
    return number;
}

/* Of a message or a gap: these numbers follow on others, perhaps later. */
static void hear_numbers(struct ear *e, const char *name, uint64_t first,
                         uint64_t last)
{
    struct known *k = known_of(e, name);
    FUZZ_CHECK(first > 0 && first <= last);
    if (k)
        FUZZ_CHECK(first > k->last);
    if (k)
        k->last = last;
}

static void hear_message(struct ear *e, char **words)
{
    FUZZ_CHECK(words[1] && words[2]);
    uint64_t number = number_of(words[2]);
    for (int i = 3; words[i]; i++)
        if (strncmp(words[i], "reply=", 6) == 0)
            (void)snprintf(address, sizeof address, "%s", words[i] + 6);
    if (strncmp(words[1], "/queue", 6) != 0)
        hear_numbers(e, words[1], number, number);
    else if (strlen(words[1]) < NAME_ROOM)
        (void)snprintf(e->work[e->works++ % WORKS], sizeof e->work[0], "%s %s",
                       words[1], words[2]);
}

static void hear_gap(struct ear *e, char **words)
{
    FUZZ_CHECK(words[1] && words[2] && words[3]);
    hear_numbers(e, words[1], number_of(words[2]), number_of(words[3]));
}

static void hear_hold(struct ear *e, char **words)
{
    bool is_hold = words[0][0] == 'H';
    FUZZ_CHECK(words[1]);
    struct known *k = known_of(e, words[1]);
    if (!k)
        return;
    FUZZ_CHECK(k->is_held != is_hold);
    k->is_held = is_hold;
}

static void hear_bye(struct ear *e, char **words)
{
    (void)words;
    e->has_bye = true;
}

static void hear_other(struct ear *e, char **words)
{
    (void)e;
    (void)words;
}

static const struct {
    const char *verb;
    void (*hear)(struct ear *e, char **words);
} rows[] = {
    {"MSG", hear_message}, {"GAP", hear_gap},    {"HOLD", hear_hold},
    {"GO", hear_hold},     {"BYE", hear_bye},    {"OK", hear_other},
    {"ERR", hear_other},   {"INFO", hear_other}, {"REP", hear_other},
    {"PING", hear_other},  {"PONG", hear_other},
};

/* Words with one space between, and no octet that is not visible. */
static void split(char *text, uint32_t n, char **words)
{
    int count = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool begins = i == 0 || text[i - 1] == '\0';
        FUZZ_CHECK(text[i] >= ' ' && text[i] <= '~');
        FUZZ_CHECK(text[i] != ' ' || (!begins && i + 1 < n));
        if (begins && count < WORDS)
            words[count++] = text + i;
        if (text[i] == ' ')
            text[i] = '\0';
    }
    text[n] = '\0';
}

static void hear_unit(struct ear *e, const uint8_t *head, uint32_t n)
{
    static char text[HEAD_MAX + 1];
    char *words[WORDS + 1] = {NULL};
    FUZZ_CHECK(!e->has_bye && n > 0 && n <= HEAD_MAX);
    memcpy(text, head, n);
    split(text, n, words);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(words[0], rows[i].verb) == 0) {
            rows[i].hear(e, words);
            return;
        }
    FUZZ_CHECK(!"a verb of the broker");
}

/* How long the unit is that begins there; 0: it is not complete. */
static size_t unit_at(const uint8_t *p, size_t n)
{
    if (n < FRAME_HEAD_BYTES)
        return 0;
    uint64_t head = frame_size(frame_get_length(p));
    FUZZ_CHECK(head <= FRAME_HEAD_BYTES + HEAD_MAX);
    if (n < head + FRAME_HEAD_BYTES)
        return 0;
    uint64_t body = frame_size(frame_get_length(p + head));
    FUZZ_CHECK(body <= FRAME_HEAD_BYTES + HOUSE_MAX_FRAME);
    return n < head + body ? 0 : (size_t)(head + body);
}

void ear_hear(int client, const uint8_t *bytes, size_t n)
{
    struct ear *e = &ears[client];
    size_t at = 0, unit;
    if (!e->is_open)
        return;
    FUZZ_CHECK(n <= READ_MAX && e->bytes < UNIT_MAX);
    memcpy(e->unit + e->bytes, bytes, n);
    e->bytes += n;
    while ((unit = unit_at(e->unit + at, e->bytes - at)) > 0) {
        hear_unit(e, e->unit + at + FRAME_HEAD_BYTES,
                  frame_get_length(e->unit + at));
        at += unit;
    }
    e->bytes -= at;
    memmove(e->unit, e->unit + at, e->bytes);
}

/* SPDX-License-Identifier: MIT */
#include "client/presence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a message says. */
struct presence_words {
    struct presence_id word, name, id;
};

static bool presence_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool presence_is_name(const char *text)
{
    size_t n = 0;
    while (presence_is_letter(text[n]))
        n++;
    return n > 0 && n <= PRESENCE_NAME_MAX && text[n] == '\0';
}

void presence_init(struct presence *p, const char *name, uint64_t identity,
                   int64_t now_ms, int64_t trial_ms)
{
    *p = (struct presence){.self.heard_ms = now_ms,
                           .settled_ms = now_ms + trial_ms};
    snprintf(p->self.name.text, sizeof p->self.name.text, "%s", name);
    snprintf(p->self.id.text, sizeof p->self.id.text, "%016" PRIx64, identity);
}

void presence_write(const struct presence *p, const char *word,
                    char out[PRESENCE_MESSAGE_BYTES])
{
    snprintf(out, PRESENCE_MESSAGE_BYTES, "%s %s %s", word, p->self.name.text,
             p->self.id.text);
}

/* --- messages ------------------------------------------------------------ */

/* Takes the next word; "" at the end. False when it is not a name. */
static bool presence_take(const char **at, const char *end,
                          struct presence_id *out)
{
    size_t n = 0;
    while (*at < end && **at == ' ')
        ++*at;
    for (; *at < end && **at != ' '; ++*at) {
        if (n == PRESENCE_NAME_MAX || !presence_is_letter(**at))
            return false;
        out->text[n++] = **at;
    }
    out->text[n] = '\0';
    return true;
}

/* A line end is allowed, as `echo` adds one. */
static bool presence_parse(struct sluice_bytes message,
                           struct presence_words *out)
{
    const char *at = message.data;
    size_t n = message.length;
    if (n == 0 || n >= 2 * PRESENCE_MESSAGE_BYTES)
        return false;
    const char *end = at + n - (at[n - 1] == '\n');
    return presence_take(&at, end, &out->word) &&
           presence_take(&at, end, &out->name) && *out->name.text &&
           presence_take(&at, end, &out->id);
}

/* --- people -------------------------------------------------------------- */

static bool presence_is(const struct presence_person *person,
                        const struct presence_words *words)
{
    return strcmp(person->name.text, words->name.text) == 0 &&
           strcmp(person->id.text, words->id.text) == 0;
}

static struct presence_person *presence_find(struct presence *p,
                                             const struct presence_words *words)
{
    for (size_t i = 0; i < p->count; i++)
        if (presence_is(&p->all[i], words))
            return &p->all[i];
    return NULL;
}

/* Whether another of this name is known: then nobody needs to hear of it. */
static bool presence_is_known(const struct presence *p,
                              const struct presence_words *words)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->all[i].name.text, words->name.text) == 0)
            return true;
    return strcmp(p->self.name.text, words->name.text) == 0;
}

/* What `change` says of this person. */
static struct presence_news presence_say(const struct presence_words *words,
                                         enum presence_change change)
{
    if (change == PRESENCE_NOTHING)
        return (struct presence_news){.change = change};
    return (struct presence_news){.change = change, .name = words->name};
}

static struct presence_news presence_greet(struct presence *p,
                                           const struct presence_words *words,
                                           int64_t now_ms,
                                           enum presence_change change)
{
    struct presence_person *person = presence_find(p, words);
    if (person) {
        person->heard_ms = now_ms;
        return (struct presence_news){.change = PRESENCE_NOTHING};
    }
    if (p->count == PRESENCE_PEOPLE_MAX)
        return (struct presence_news){.change = PRESENCE_NOTHING};
    if (presence_is_known(p, words))
        change = PRESENCE_NOTHING;
    p->all[p->count++] = (struct presence_person){
        .name = words->name, .id = words->id, .heard_ms = now_ms};
    return presence_say(words, change);
}

/* Of two that come at the same time, the one with the lower identity stays. */
static bool presence_has_precedence(const struct presence *p,
                                    const struct presence_words *words,
                                    int64_t now_ms)
{
    return now_ms >= p->settled_ms ||
           strcmp(p->self.id.text, words->id.text) < 0;
}

static struct presence_news presence_on_join(struct presence *p,
                                             const struct presence_words *words,
                                             int64_t now_ms)
{
    struct presence_news news = {.change = PRESENCE_NOTHING};
    if (strcmp(words->name.text, p->self.name.text) == 0) {
        news.must_answer = presence_has_precedence(p, words, now_ms);
        return news;
    }
    news = presence_greet(p, words, now_ms, PRESENCE_CAME);
    news.must_answer = true;
    return news;
}

static struct presence_news presence_on_here(struct presence *p,
                                             const struct presence_words *words,
                                             int64_t now_ms)
{
    if (strcmp(words->name.text, p->self.name.text) == 0 &&
        now_ms < p->settled_ms)
        return presence_say(words, PRESENCE_TAKEN);
    return presence_greet(p, words, now_ms, PRESENCE_WAS_HERE);
}

static struct presence_news
presence_on_leave(struct presence *p, const struct presence_words *words,
                  int64_t now_ms)
{
    struct presence_person *person = presence_find(p, words);
    (void)now_ms;
    if (!person)
        return (struct presence_news){.change = PRESENCE_NOTHING};
    *person = p->all[--p->count];
    return presence_say(words, presence_is_known(p, words) ? PRESENCE_NOTHING
                                                           : PRESENCE_LEFT);
}

static const struct {
    const char *word;
    struct presence_news (*on)(struct presence *p,
                               const struct presence_words *words,
                               int64_t now_ms);
} presence_rows[] = {
    {"join", presence_on_join},
    {"here", presence_on_here},
    {"leave", presence_on_leave},
};

struct presence_news presence_hear(struct presence *p,
                                   struct sluice_bytes message, int64_t now_ms)
{
    struct presence_words words;
    if (presence_parse(message, &words) && !presence_is(&p->self, &words))
        for (size_t i = 0; i < sizeof presence_rows / sizeof *presence_rows;
             i++)
            if (strcmp(presence_rows[i].word, words.word.text) == 0)
                return presence_rows[i].on(p, &words, now_ms);
    return (struct presence_news){.change = PRESENCE_NOTHING};
}

/* --- time ---------------------------------------------------------------- */

struct presence_news presence_miss(struct presence *p, int64_t now_ms)
{
    for (size_t i = 0; i < p->count; i++) {
        if (now_ms - p->all[i].heard_ms < PRESENCE_LOST_MS)
            continue;
        struct presence_news news = {.change = PRESENCE_LOST,
                                     .name = p->all[i].name};
        p->all[i] = p->all[--p->count];
        return news;
    }
    return (struct presence_news){.change = PRESENCE_NOTHING};
}

bool presence_must_beat(struct presence *p, int64_t now_ms)
{
    bool is_due = now_ms - p->self.heard_ms >= PRESENCE_BEAT_MS;
    if (is_due)
        p->self.heard_ms = now_ms;
    return is_due;
}

int64_t presence_due_ms(const struct presence *p)
{
    int64_t due_ms = p->self.heard_ms + PRESENCE_BEAT_MS;
    for (size_t i = 0; i < p->count; i++)
        if (p->all[i].heard_ms + PRESENCE_LOST_MS < due_ms)
            due_ms = p->all[i].heard_ms + PRESENCE_LOST_MS;
    return due_ms;
}

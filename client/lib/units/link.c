/* SPDX-License-Identifier: MIT */
#include "client/lib/units/link.h"

#include "client/lib/secure.h"
#include "client/lib/units/intake.h"
#include "client/lib/units/sign.h"
#include "client/lib/units/units.h"
#include "proto/head_writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
    LINK_PAUSE_FIRST_MS = 50,
    LINK_PAUSE_LAST_MS = 5000,
    LINK_OPENING_MS = 10000, /* for INFO to come */
    LINK_SOUND_MS = 2000,    /* a connection that lasted so long was one */
};

/* --- attempts ------------------------------------------------------------ */

/* A random part of a ceiling that doubles, so that clients do not all come
 * back at once. A broker that accepts and ends connections is not flooded. */
static int link_next_pause(struct sluice_link *link)
{
    uint32_t chance = 0;
    if (link->opened > 0 &&
        sluice_deadline_clock() - link->opened >= LINK_SOUND_MS)
        link->pause_ms = 0;
    link->opened = 0;
    int ceiling = link->pause_ms > 0 ? link->pause_ms : LINK_PAUSE_FIRST_MS;
    link->pause_ms =
        ceiling < LINK_PAUSE_LAST_MS / 2 ? ceiling * 2 : LINK_PAUSE_LAST_MS;
    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) < 0)
        chance = (uint32_t)sluice_deadline_clock();
    return ceiling / 2 + (int)(chance % (uint32_t)(ceiling - ceiling / 2 + 1));
}

static void link_close(struct sluice *s)
{
    sluice_approach_end(&s->units->link.approach);
    sluice_wire_close(&s->wire);
    sluice_intake_drop(&s->in);
    s->out.head = s->out.tail = 0;
}

/* There is no connection. `error` and the sentence of the handle's failure are
 * why. */
static void link_come_again(struct sluice *s, enum sluice_error error,
                            bool is_hopeless)
{
    struct sluice_link *link = &s->units->link;
    bool is_over = is_hopeless || link->state == SLUICE_LINK_LEAVING ||
                   !s->units->settings.reconnects ||
                   !s->units->settings.address;
    link_close(s);
    if (!is_over) {
        link->state = SLUICE_LINK_PAUSING;
        link->due = sluice_deadline_in(link_next_pause(link));
        return;
    }
    char sentence[sizeof s->failure.sentence];
    memcpy(sentence, s->failure.sentence, sizeof sentence);
    link->state = SLUICE_LINK_ENDED;
    sluice_handle_end(s, SLUICE_STATE_ENDED, error, sentence);
}

static void link_attempted(struct sluice *s, enum sluice_error error)
{
    struct sluice_link *link = &s->units->link;
    bool is_connected = error == SLUICE_OK;
    if (is_connected) {
        s->wire.fd = link->approach.fd;
        link->approach.fd = -1;
        error = sluice_secure_begin(s, s->units->settings.address);
    }
    if (error == SLUICE_AGAIN)
        link->state = SLUICE_LINK_DIALING;
    else if (error == SLUICE_OK)
        sluice_link_connected(s);
    else
        link_come_again(s, error, is_connected || error == SLUICE_BAD_ADDRESS);
}

void sluice_link_begin(struct sluice *s)
{
    const char *address = sluice_secure_address(s->units->settings.address);
    link_attempted(s, sluice_approach_begin(&s->units->link.approach, address,
                                            s->room, &s->failure));
}

enum sluice_error sluice_link_dial(struct sluice *s)
{
    enum sluice_error error = sluice_approach_continue(
        &s->units->link.approach,
        sluice_secure_address(s->units->settings.address), &s->failure);
    if (error != SLUICE_AGAIN)
        link_attempted(s, error);
    return error == SLUICE_AGAIN ? SLUICE_AGAIN : SLUICE_OK;
}

/* --- opening ------------------------------------------------------------- */

/* The word begins with a NUL, so it is put behind the writer's. */
static void link_send_opening(struct sluice *s)
{
    static const char word[] = "\0SLUICE/2";
    const struct sluice_settings *set = &s->units->settings;
    char room[HEAD_MAX];
    struct head_writer w;
    head_begin(&w, room, "");
    memcpy(room, word, sizeof word - 1);
    w.length = sizeof word - 1;
    if (set->name)
        head_add_option(&w, UNIT_OPTION_name, span_of(set->name));
    if (set->ping_ms >= 0)
        head_add_option_ms(&w, UNIT_OPTION_ping, (uint64_t)set->ping_ms);
    if (set->user)
        head_add_option(&w, UNIT_OPTION_user, span_of(set->user));
    if (set->mech)
        head_add_option(&w, UNIT_OPTION_mech, span_of(set->mech));
    struct sluice_bytes proof = {set->proof, set->proof_length};
    if (sluice_sign_is_meant(set->mech)) /* the key stays here */
        proof = (struct sluice_bytes){NULL, 0};
    sluice_units_append(s, (struct span){room, head_end(&w)}, proof);
}

void sluice_link_connected(struct sluice *s)
{
    struct sluice_link *link = &s->units->link;
    link->number++;
    link->is_deaf = link->is_pinged = link->is_urgent = false;
    link->state = SLUICE_LINK_OPENING;
    link->due = sluice_deadline_in(LINK_OPENING_MS);
    link->ping_ms = 0;
    sluice_link_heard(s);
    link_send_opening(s);
}

/* A SUB cannot say 0. */
static void link_pause_again(struct sluice *s, const struct sluice_reader *r)
{
    char room[HEAD_MAX], text[PATTERN_TEXT_MAX];
    uint32_t length = (uint32_t)pattern_write(&r->pattern, text);
    struct head_writer w;
    head_begin(&w, room, "CREDIT");
    head_add_spelled(&w, (struct span){text, length});
    head_add_number(&w, 0);
    struct span head = {room, head_end(&w)};
    sluice_units_append(s, head, (struct sluice_bytes){NULL, 0});
}

/* Only what has been live comes again; the call for the others has failed. */
static void link_subscribe_again(struct sluice *s)
{
    struct sluice_units *u = s->units;
    for (struct sluice_reader *r = u->readers.first; r; r = r->next) {
        char room[HEAD_MAX];
        struct head_writer w;
        uint64_t rid;
        if (!r->is_made || r->state == SLUICE_READER_ENDED)
            continue;
        if (!sluice_calls_next(&u->calls, &rid))
            return; /* without memory they stay silent */
        sluice_reader_write(r, &w, room);
        head_add_option_number(&w, UNIT_OPTION_rid, rid);
        sluice_calls_put(&u->calls,
                         (struct sluice_call){.kind = SLUICE_CALL_RESUBSCRIBE,
                                              .token = r->token,
                                              .reader = r});
        r->is_asked = true;
        struct span head = {room, head_end(&w)};
        sluice_units_append(s, head, (struct sluice_bytes){NULL, 0});
        if (r->acks && r->credit == 0)
            link_pause_again(s, r);
    }
}

static void link_open(struct sluice *s, struct span run)
{
    struct sluice_link *link = &s->units->link;
    char name[sizeof link->run];
    snprintf(name, sizeof name, "%.*s", (int)run.length, run.text);
    link->is_new_run = !link->was_open || strcmp(name, link->run) != 0;
    memcpy(link->run, name, sizeof name);
    link->was_open = true;
    link->opened = sluice_deadline_clock();
    link->state = SLUICE_LINK_UP;
    link_subscribe_again(s);
}

static uint64_t link_option(const struct head *head, enum unit_option option,
                            uint64_t otherwise)
{
    uint64_t number;
    return head_has(head, option) &&
                   unit_option_read(option, head->values[option], &number)
               ? number
               : otherwise;
}

/* Whether a list of words, with commas between them, has that one. */
static bool link_has_word(struct span list, const char *word)
{
    for (uint32_t at = 0, n; at < list.length; at += n + 1) {
        const char *begin = list.text + at;
        const char *comma = memchr(begin, ',', list.length - at);
        n = comma ? (uint32_t)(comma - begin) : list.length - at;
        if (span_is_text((struct span){begin, n}, word))
            return true;
    }
    return false;
}

bool sluice_link_take_info(struct sluice *s, const struct head *head)
{
    struct sluice_link *link = &s->units->link;
    link->max = link_option(head, UNIT_OPTION_max, SLUICE_MESSAGE_MAX);
    link->ping_ms = (int64_t)link_option(head, UNIT_OPTION_ping, 0);
    link->has_durable =
        head_has(head, UNIT_OPTION_feat) &&
        link_has_word(head->values[UNIT_OPTION_feat], "durable");
    if (link->state != SLUICE_LINK_OPENING)
        return false;
    link_open(s, head_has(head, UNIT_OPTION_run) ? head->values[UNIT_OPTION_run]
                                                 : (struct span){"", 0});
    return true;
}

/* Trying again would not help. */
static bool link_is_hopeless(struct span code)
{
    static const char *const codes[] = {"auth", "bad-head", "bad-option",
                                        "denied", "version"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (span_is_text(code, codes[i]))
            return true;
    return false;
}

void sluice_link_refused(struct sluice *s, struct span code,
                         struct sluice_bytes text)
{
    struct sluice_units *u = s->units;
    bool is_version = span_is_text(code, "version");
    snprintf(u->code, sizeof u->code, "%.*s", (int)code.length, code.text);
    enum sluice_error error = sluice_failure_set(
        &s->failure, is_version ? SLUICE_UNSUPPORTED : SLUICE_REFUSED,
        "the broker refused the connection: %s%s%.*s", u->code,
        text.length > 0 ? ": " : "", (int)text.length, (const char *)text.data);
    link_come_again(s, error, link_is_hopeless(code));
}

/* --- loss ---------------------------------------------------------------- */

/* What was not acknowledged is not ours any more, and what a topic's last
 * number was says, after the reconnection, how much was missed. `why` is kept
 * until the program learns of the loss: other calls may fail before. */
static void link_forget(struct sluice_units *u, enum sluice_error error,
                        const char *why)
{
    (void)sluice_failure_set(&u->taken.loss, error, "%s", why);
    u->taken.is_bye = error == SLUICE_CLOSED;
    for (struct sluice_reader *r = u->readers.first; r; r = r->next) {
        struct sluice_bytes name = {r->pattern.octets, r->pattern.length};
        if (sluice_reader_is_numbered(r) && r->state == SLUICE_READER_LIVE)
            (void)sluice_topics_get(&u->topics, name, &r->base);
        if (r->state == SLUICE_READER_LIVE)
            r->state = SLUICE_READER_ASKED;
    }
    sluice_topics_clear(&u->topics);
    sluice_held_clear(&u->held);
    sluice_kept_drop(&u->kept, NULL);
    u->taken.kind = SLUICE_TAKEN_LOSS;
}

void sluice_link_lose(struct sluice *s, bool is_bye, const char *why)
{
    struct sluice_units *u = s->units;
    struct sluice_link *link = &u->link;
    enum sluice_error error = is_bye ? SLUICE_CLOSED : SLUICE_BROKEN;
    bool is_open = link->state != SLUICE_LINK_OPENING;
    if (!why && !is_open && !link->was_open) {
        error = SLUICE_UNSUPPORTED;
        why = "the broker closed the connection before it answered: it may"
              " not speak version 2";
    }
    if (!why)
        why = is_bye ? "the broker said goodbye"
                     : "the broker closed the connection";
    if (is_open)
        link_forget(u, error, why);
    (void)sluice_failure_set(&s->failure, error, "%s", why);
    link_come_again(s, error, false);
}

/* A broker of version 1 closes without having read everything: a reset. */
void sluice_link_lose_errno(struct sluice *s, int error)
{
    char sentence[128];
    if (error == ECONNRESET && s->units->link.state == SLUICE_LINK_OPENING) {
        sluice_link_lose(s, false, NULL);
        return;
    }
    snprintf(sentence, sizeof sentence, "the connection broke: %s",
             strerror(error));
    sluice_link_lose(s, false, sentence);
}

void sluice_link_fail(struct sluice *s, enum sluice_error error,
                      const char *why)
{
    struct sluice_units *u = s->units;
    if (u->link.state != SLUICE_LINK_OPENING)
        link_forget(u, error, why);
    (void)sluice_failure_set(&s->failure, error, "%s", why);
    link_come_again(s, error, true);
}

/* --- time ---------------------------------------------------------------- */

void sluice_link_heard(struct sluice *s)
{
    s->units->link.heard = sluice_deadline_clock();
    s->units->link.is_pinged = false;
}

sluice_deadline sluice_link_due(const struct sluice *s)
{
    const struct sluice_link *link = &s->units->link;
    switch (link->state) {
    case SLUICE_LINK_DIALING:
        return link->approach.due;
    case SLUICE_LINK_PAUSING:
    case SLUICE_LINK_OPENING:
        return link->due;
    case SLUICE_LINK_UP:
    case SLUICE_LINK_LEAVING:
        if (link->ping_ms > 0)
            return link->heard + link->ping_ms * (link->is_pinged ? 2 : 1);
        return SLUICE_DEADLINE_NEVER;
    case SLUICE_LINK_ENDED:
        break;
    }
    return SLUICE_DEADLINE_NEVER;
}

static void link_ping(struct sluice *s)
{
    sluice_units_append(s, span_of("PING"), (struct sluice_bytes){NULL, 0});
    s->units->link.is_pinged = true;
}

bool sluice_link_tick(struct sluice *s)
{
    struct sluice_link *link = &s->units->link;
    sluice_deadline due = sluice_link_due(s);
    if (due == SLUICE_DEADLINE_NEVER || sluice_deadline_left(due) > 0)
        return false;
    if (link->state == SLUICE_LINK_PAUSING)
        sluice_link_begin(s);
    else if (link->state == SLUICE_LINK_OPENING)
        sluice_link_lose(s, false, "the broker did not answer in time");
    else if (link->state == SLUICE_LINK_DIALING)
        (void)sluice_link_dial(s);
    else if (link->is_pinged)
        sluice_link_lose(s, false, "the broker is silent");
    else
        link_ping(s);
    return true;
}

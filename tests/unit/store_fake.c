/* SPDX-License-Identifier: MIT */
#include "tests/unit/store_fake.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { FAKE_CHANNELS_MAX = 4096 };

struct fake_message {
    uint64_t number;
    uint8_t *bytes; /* text, and then the message */
    uint32_t text, length;
    bool is_done, is_damaged;
};

struct fake_channel {
    uint8_t name[256];
    uint32_t name_length;
    uint64_t put, next; /* the next number that is put, and that gets on disk */
    struct fake_message *messages;
    uint32_t count, room;
    uint32_t done; /* so many in front are acknowledged */
    bool is_dropped;
};

struct fake_ticket {
    struct fake_ticket *next;
    struct store_done done;
    uint32_t sum; /* of what is put */
    bool is_begun, is_done;
};

void store_fake_init(struct store_fake *f, message_size_fn *size)
{
    *f = (struct store_fake){.size = size,
                             .room = UINT32_MAX,
                             .space = {UINT64_MAX, UINT64_MAX},
                             .ack_room = UINT32_MAX,
                             .channels_most = FAKE_CHANNELS_MAX};
    f->last = &f->first;
    f->channels = calloc(FAKE_CHANNELS_MAX, sizeof *f->channels);
}

void store_fake_fini(struct store_fake *f)
{
    assert_null(f->first);
    for (uint32_t i = 0; i < f->channel_count; i++) {
        for (uint32_t m = 0; m < f->channels[i].count; m++)
            free(f->channels[i].messages[m].bytes);
        free(f->channels[i].messages);
    }
    free(f->channels);
}

static struct fake_channel *fake_channel(const struct store_fake *f,
                                         uint32_t id)
{
    assert_in_range(id, 1, f->channel_count);
    return &f->channels[id - 1];
}

static uint32_t sum_of(const struct slice *s)
{
    const uint8_t *text;
    uint32_t length = slice_text(s, &text), sum = 2166136261u;
    for (uint32_t i = 0; i < length; i++)
        sum = (sum ^ text[i]) * 16777619u;
    for (uint32_t i = 0; i < s->length; i++)
        sum = (sum ^ slice_bytes(s)[i]) * 16777619u;
    return sum;
}

static struct fake_ticket *fake_ask(struct store_fake *f,
                                    const struct store_done *done)
{
    struct fake_ticket *t = calloc(1, sizeof *t);
    t->done = *done;
    *f->last = t;
    f->last = &t->next;
    f->waiting++;
    return t;
}

/* What a core asks. */

static void fake_describe(const struct fake_channel *ch,
                          struct store_channel *out)
{
    out->name = ch->name;
    out->name_length = ch->name_length;
    out->next = ch->next;
    out->floor = ch->next;
    out->messages = out->bytes = 0;
    for (uint32_t i = ch->count; i-- > ch->done;) {
        const struct fake_message *m = &ch->messages[i];
        if (m->is_done)
            continue;
        out->floor = m->number;
        out->messages++;
        out->bytes += m->length;
    }
}

static bool fake_visit(void *store, store_channel_fn *visit, void *arg)
{
    struct store_fake *f = store;
    bool goes_on = true;
    for (uint32_t i = 0; i < f->channel_count && goes_on; i++) {
        struct store_channel found = {.id = i + 1};
        if (f->channels[i].is_dropped)
            continue;
        fake_describe(&f->channels[i], &found);
        goes_on = visit(arg, &found);
    }
    return goes_on;
}

static enum store_opened fake_open(void *store, const uint8_t *name,
                                   uint32_t length, uint32_t *id,
                                   uint64_t *first)
{
    struct store_fake *f = store;
    uint32_t live = 0;
    assert_in_range(length, 1, 255);
    for (uint32_t i = 0; i < f->channel_count; i++) {
        const struct fake_channel *ch = &f->channels[i];
        live += !ch->is_dropped;
        assert_false(!ch->is_dropped && ch->name_length == length &&
                     memcmp(ch->name, name, length) == 0);
    }
    if (live >= f->channels_most || f->channel_count == FAKE_CHANNELS_MAX)
        return STORE_CROWDED;
    if (*first <= f->floor)
        *first = f->floor + 1;
    struct fake_channel *ch = &f->channels[f->channel_count++];
    *ch = (struct fake_channel){
        .name_length = length, .put = *first, .next = *first};
    memcpy(ch->name, name, length);
    *id = f->channel_count;
    return STORE_OPENED;
}

static void fake_drop(void *store, uint32_t channel, uint32_t name_length)
{
    struct store_fake *f = store;
    struct fake_channel *ch = fake_channel(f, channel);
    assert_true(name_length > 0);
    assert_false(ch->is_dropped);
    assert_int_equal(ch->put, ch->next);
    for (uint32_t i = ch->done; i < ch->count; i++)
        assert_true(ch->messages[i].is_done || ch->messages[i].is_damaged);
    ch->is_dropped = true;
    if (f->floor < ch->next - 1)
        f->floor = ch->next - 1;
}

static bool fake_put(void *store, const struct store_put *put)
{
    struct store_fake *f = store;
    const struct slice *s = &put->slice;
    struct fake_channel *ch = fake_channel(f, put->channel);
    assert_false(ch->is_dropped || s->is_dressed);
    assert_null(s->block->home);
    assert_true(s->first >= ch->put && s->messages > 0);
    if (f->waiting >= f->room)
        return false;
    ch->put = s->first + s->messages;
    struct store_done done = {.kind = STORE_DONE_PUT, .put = *put};
    fake_ask(f, &done)->sum = sum_of(s);
    f->puts++;
    return true;
}

static bool fake_ack(void *store, uint32_t channel, uint64_t first,
                     uint32_t count)
{
    struct store_fake *f = store;
    struct fake_channel *ch = fake_channel(f, channel);
    assert_true(!ch->is_dropped && count > 0 && first + count <= ch->next);
    if (f->ack_room == 0)
        return false;
    f->ack_room -= f->ack_room < UINT32_MAX;
    f->acks++;
    for (uint32_t i = ch->done; i < ch->count; i++) {
        struct fake_message *m = &ch->messages[i];
        if (m->number < first || m->number - first >= count || m->is_done)
            continue;
        m->is_done = true;
        f->messages--;
    }
    while (ch->done < ch->count && ch->messages[ch->done].is_done) {
        free(ch->messages[ch->done].bytes);
        ch->messages[ch->done++].bytes = NULL;
    }
    return true;
}

static bool fake_read(void *store, struct store_read *read)
{
    struct store_fake *f = store;
    const struct fake_channel *ch = fake_channel(f, read->channel);
    assert_true(read->from < read->end && read->end <= ch->next);
    assert_true(read->into->used == 0 && !read->into->home);
    if (f->waiting >= f->room)
        return false;
    struct store_done done = {.kind = STORE_DONE_READ, .read = read};
    fake_ask(f, &done);
    f->reads++;
    return true;
}

static void fake_kick(void *store)
{
    struct store_fake *f = store;
    f->kicks++;
    for (struct fake_ticket *t = f->first; t; t = t->next)
        t->is_begun = true;
}

/* Doing it. */

static void channel_add(struct fake_channel *ch, const struct slice *s,
                        const uint8_t *message, uint32_t length,
                        uint64_t number)
{
    const uint8_t *text;
    uint32_t text_length = slice_text(s, &text);
    if (ch->count == ch->room) {
        ch->room = ch->room > 0 ? ch->room * 2 : 16;
        ch->messages = realloc(ch->messages, ch->room * sizeof *ch->messages);
    }
    uint8_t *bytes = malloc(text_length + length);
    if (text_length > 0)
        memcpy(bytes, text, text_length);
    memcpy(bytes + text_length, message, length);
    ch->messages[ch->count++] = (struct fake_message){.number = number,
                                                      .bytes = bytes,
                                                      .text = text_length,
                                                      .length = length};
}

static void fake_do_put(struct store_fake *f, const struct fake_ticket *t)
{
    const struct store_put *put = &t->done.put;
    const struct slice *s = &put->slice;
    struct fake_channel *ch = fake_channel(f, put->channel);
    assert_int_equal(t->sum, sum_of(s));
    uint32_t at = 0;
    for (uint16_t i = 0; i < s->messages; i++) {
        uint32_t n = f->size(slice_bytes(s) + at);
        channel_add(ch, s, slice_bytes(s) + at, n, s->first + i);
        at += n;
    }
    assert_int_equal(at, s->length);
    ch->next = s->first + s->messages;
    f->messages += s->messages;
}

/* False: there is no room for it. */
static bool read_add(struct store_read *r, const struct fake_message *m)
{
    struct block *b = r->into;
    uint32_t before = m->text > 0 ? m->text + SLICE_TEXT_HEAD : 0;
    struct slice *run = r->run_count > 0 ? &r->runs[r->run_count - 1] : NULL;
    bool follows = run && !run->has_text && before == 0 &&
                   run->first + run->messages == m->number;
    if (b->capacity - b->used < before + m->length ||
        (!follows && r->run_count == STORE_READ_RUNS))
        return false;
    if (before > 0) {
        uint16_t n = (uint16_t)m->text;
        memcpy(b->bytes + b->used, m->bytes, m->text);
        memcpy(b->bytes + b->used + m->text, &n, sizeof n);
    }
    memcpy(b->bytes + b->used + before, m->bytes + m->text, m->length);
    if (!follows)
        r->runs[r->run_count++] = (struct slice){.block = b,
                                                 .offset = b->used + before,
                                                 .first = m->number,
                                                 .has_text = before > 0};
    run = &r->runs[r->run_count - 1];
    run->length += m->length;
    run->messages++;
    b->used += before + m->length;
    return true;
}

static void fake_do_read(struct store_fake *f, struct store_read *r)
{
    const struct fake_channel *ch = fake_channel(f, r->channel);
    r->next = r->end;
    for (uint32_t i = ch->done; i < ch->count; i++) {
        const struct fake_message *m = &ch->messages[i];
        if (m->is_done || m->number < r->from || m->number >= r->end)
            continue;
        bool follows = r->damaged == 0 || r->lost + r->damaged == m->number;
        if (m->is_damaged && follows) {
            r->lost = m->number - r->damaged++;
        } else if (r->damaged > 0) {
            r->next = r->lost + r->damaged;
            return;
        } else if (!read_add(r, m)) {
            r->next = m->number;
            if (r->run_count == 0)
                r->needs = m->text + SLICE_TEXT_HEAD + m->length;
            return;
        }
    }
}

static void fake_fail(struct store_fake *f)
{
    f->state = STORE_FAILED;
    for (struct fake_ticket *t = f->first; t; t = t->next) {
        if (!t->is_done && t->done.kind == STORE_DONE_READ)
            t->done.read->next = t->done.read->from;
        t->is_done = true;
    }
}

void store_fake_do(struct store_fake *f, uint32_t tickets)
{
    for (struct fake_ticket *t = f->first; t && tickets > 0; t = t->next) {
        if (t->is_done)
            continue;
        if (!t->is_begun || f->state == STORE_FAILED)
            break;
        if (f->fails_at > 0 && ++f->tickets >= f->fails_at) {
            fake_fail(f);
            break;
        }
        /* Reads go on while there is no space for messages. */
        if (t->done.kind == STORE_DONE_READ)
            fake_do_read(f, t->done.read);
        else if (f->state == STORE_FULL)
            continue;
        else
            fake_do_put(f, t);
        t->is_done = true;
        tickets--;
    }
}

void store_fake_set_state(struct store_fake *f, enum store_state state)
{
    f->state = state;
    if (state == STORE_FAILED)
        fake_fail(f);
}

void store_fake_close(struct store_fake *f)
{
    fake_fail(f);
    for (uint32_t i = 0; i < f->channel_count; i++)
        f->channels[i].put = f->channels[i].next;
}

static int fake_reap(void *store, struct store_done *done, int max)
{
    struct store_fake *f = store;
    int n = 0;
    if (!f->is_lazy)
        store_fake_do(f, UINT32_MAX);
    if (f->told != f->state)
        done[n++] =
            (struct store_done){.kind = STORE_DONE_STATE, .state = f->state};
    f->told = f->state;
    for (struct fake_ticket **at = &f->first; *at && n < max;) {
        struct fake_ticket *t = *at;
        if (!t->is_done) {
            at = &t->next;
            continue;
        }
        done[n++] = t->done;
        *at = t->next;
        free(t);
        f->waiting--;
    }
    f->last = &f->first;
    while (*f->last)
        f->last = &(*f->last)->next;
    return n;
}

static struct store_room fake_room(void *store)
{
    const struct store_fake *f = store;
    return f->space;
}

const struct store_ops store_fake_ops = {
    .visit_channels = fake_visit,
    .open_channel = fake_open,
    .drop_channel = fake_drop,
    .put = fake_put,
    .ack = fake_ack,
    .read = fake_read,
    .kick = fake_kick,
    .reap = fake_reap,
    .room = fake_room,
};

/* What tests look at. */

static struct fake_channel *fake_find(const struct store_fake *f,
                                      const char *name)
{
    for (uint32_t i = 0; i < f->channel_count; i++) {
        struct fake_channel *ch = &f->channels[i];
        if (!ch->is_dropped && ch->name_length == strlen(name) &&
            memcmp(ch->name, name, ch->name_length) == 0)
            return ch;
    }
    return NULL;
}

uint64_t store_fake_count(const struct store_fake *f, const char *name)
{
    struct store_channel found = {.messages = 0};
    const struct fake_channel *ch = fake_find(f, name);
    if (!ch)
        return UINT64_MAX;
    fake_describe(ch, &found);
    return found.messages;
}

uint64_t store_fake_pending(const struct store_fake *f)
{
    uint64_t messages = 0;
    for (const struct fake_ticket *t = f->first; t; t = t->next)
        if (!t->is_done && t->done.kind == STORE_DONE_PUT)
            messages += t->done.put.slice.messages;
    return messages;
}

void store_fake_damage(struct store_fake *f, const char *name, uint64_t number)
{
    struct fake_channel *ch = fake_find(f, name);
    assert_non_null(ch);
    for (uint32_t i = ch->done; i < ch->count; i++)
        if (ch->messages[i].number == number)
            ch->messages[i].is_damaged = true;
}

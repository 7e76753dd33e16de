/* SPDX-License-Identifier: MIT */
#include "tests/unit/virtual_stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "broker/base/process.h"
#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "tests/unit/chance.h"
#include "tests/unit/virtual_seal.h"

struct stream {
    const struct stream_events *events;
    void *owner;
    struct reactor *reactor;
    struct deferred deferred;
    int wire;
    enum stream_mode mode;
    bool wants_write;
    bool has_ended; /* the end was reported while resting */
};

struct wire {
    bool is_used;
    bool has_news; /* something came, and the broker was not notified yet */
    bool is_aborted;
    enum virtual_end end;
    struct stream *stream; /* NULL: the broker has closed it */
    size_t begin, filled;  /* of `in` */
    uint64_t was_read;
    size_t untaken, capacity;
    clock_ms taken_at;
    uint32_t cut;
    struct virtual_seal seal;
    uint8_t in[VIRTUAL_ROOM];
};

struct reactor {
    struct deferred *deferred;
    struct list chores;
};

struct reactor_timer {
    void (*fire)(void *arg);
    void *arg;
    clock_ms due;
    bool is_running;
};

static struct wire wires[VIRTUAL_WIRES];
static struct virtual_watcher watcher;
static struct reactor_timer *timer; /* the clients have one */
static clock_ms now;
static uint64_t random_state;

/* Time, chance, and what the system knows. */

clock_ms clock_now_ms(void)
{
    return now;
}

uint64_t clock_now_us(void)
{
    return now * UINT64_C(1000);
}

uint64_t process_cpu_us(void)
{
    return 0;
}

uint64_t process_rss_bytes(void)
{
    return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags);

ssize_t __wrap_getrandom(void *bytes, size_t n, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)chance_of(&random_state, 256);
    return (ssize_t)n;
}

void virtual_begin(clock_ms at, uint64_t seed, const struct virtual_watcher *w)
{
    now = at;
    random_state = seed;
    watcher = *w;
    for (int i = 0; i < VIRTUAL_WIRES; i++)
        wires[i].is_used = false;
}

clock_ms virtual_now(void)
{
    return now;
}

void virtual_set_now(clock_ms at)
{
    now = at;
}

uint32_t virtual_timer_ms(void)
{
    if (!timer || !timer->is_running)
        return UINT32_MAX;
    return (int32_t)(timer->due - now) > 0 ? timer->due - now : 0;
}

/* The clients' ends. */

int virtual_wire(size_t capacity)
{
    for (int i = 0; i < VIRTUAL_WIRES; i++) {
        struct wire *w = &wires[i];
        if (w->is_used)
            continue;
        memset(w, 0, offsetof(struct wire, in));
        w->is_used = true;
        w->capacity = capacity;
        w->taken_at = now;
        return i;
    }
    return -1;
}

void virtual_forget(int wire)
{
    assert(!wires[wire].stream);
    wires[wire].is_used = false;
}

void virtual_cut(int wire, uint32_t most)
{
    wires[wire].cut = most;
}

void virtual_seal(int wire, uint32_t record)
{
    wires[wire].seal.record = record;
}

void virtual_send(int wire, const void *bytes, size_t n)
{
    struct wire *w = &wires[wire];
    if (!w->stream || w->end != VIRTUAL_OPEN)
        return;
    memmove(w->in, w->in + w->begin, w->filled - w->begin);
    w->filled -= w->begin;
    w->begin = 0;
    assert(n <= VIRTUAL_ROOM - w->filled);
    memcpy(w->in + w->filled, bytes, n);
    w->filled += n;
    w->has_news = true;
}

size_t virtual_take(int wire, size_t most)
{
    struct wire *w = &wires[wire];
    size_t n = w->untaken < most ? w->untaken : most;
    w->untaken -= n;
    if (n > 0)
        w->taken_at = now;
    return n;
}

void virtual_end(int wire, enum virtual_end end)
{
    struct wire *w = &wires[wire];
    if (end <= w->end)
        return;
    w->end = end;
    w->has_news = true;
    if (end == VIRTUAL_RESET)
        w->begin = w->filled = 0;
}

size_t virtual_unread(int wire)
{
    return wires[wire].filled - wires[wire].begin;
}

size_t virtual_untaken(int wire)
{
    return wires[wire].untaken;
}

uint64_t virtual_was_read(int wire)
{
    return wires[wire].was_read;
}

bool virtual_is_open(int wire)
{
    return wires[wire].stream;
}

bool virtual_is_full(int wire)
{
    return wires[wire].stream && wires[wire].stream->wants_write;
}

/* Streams. */

struct stream *stream_open(struct reactor *r, int fd,
                           const struct stream_events *events, void *owner)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->events = events;
    s->owner = owner;
    s->reactor = r;
    s->wire = fd;
    wires[fd].stream = s;
    return s;
}

static void stream_free(struct deferred *d)
{
    free(LIST_OF(d, struct stream, deferred));
}

void stream_close(struct stream *s)
{
    assert(s->mode != STREAM_CLOSED);
    s->mode = STREAM_CLOSED;
    wires[s->wire].stream = NULL;
    watcher.closed(watcher.arg, s->wire);
    s->deferred.free = stream_free;
    reactor_defer(s->reactor, &s->deferred);
}

void stream_expect_reset_on_kill(struct stream *s)
{
    (void)s; /* nobody kills it */
}

void stream_abort_on_close(struct stream *s)
{
    wires[s->wire].is_aborted = true;
}

void stream_end_on_close(struct stream *s)
{
    wires[s->wire].is_aborted = false;
}

bool stream_set(struct stream *s, enum stream_mode mode, bool wants_write)
{
    assert(mode != STREAM_CLOSED && s->mode != STREAM_CLOSED);
    if (s->mode != mode && mode != STREAM_READING)
        wires[s->wire].has_news = true; /* the end may be there already */
    if (s->mode != STREAM_RESTING)
        s->has_ended = false;
    s->mode = mode;
    s->wants_write = wants_write;
    return true;
}

void stream_promote(struct stream *s)
{
    (void)s; /* a test decides what happens first */
}

enum stream_mode stream_get_mode(const struct stream *s)
{
    return s->mode;
}

bool stream_wants_write(const struct stream *s)
{
    return s->wants_write;
}

static size_t cut(const struct wire *w, size_t n)
{
    if (w->cut == 0 || n == 0)
        return n;
    size_t most = 1 + chance_of(&random_state, w->cut);
    return n < most ? n : most;
}

enum stream_status stream_peek(struct stream *s, uint8_t *bytes, size_t n,
                               size_t *got)
{
    const struct wire *w = &wires[s->wire];
    size_t there = w->filled - w->begin;
    if (w->end == VIRTUAL_RESET)
        return STREAM_RESET;
    if (there == 0)
        return w->end == VIRTUAL_OPEN ? STREAM_AGAIN : STREAM_END;
    *got = there < n ? there : n;
    memcpy(bytes, w->in + w->begin, *got);
    return STREAM_OK;
}

enum stream_status stream_read(struct stream *s, const struct iovec *iov,
                               int iovs, size_t *got)
{
    struct wire *w = &wires[s->wire];
    size_t left = cut(w, w->filled - w->begin), n;
    enum stream_status status = STREAM_OK;
    size_t sum = 0;
    for (int i = 0; i < iovs && status == STREAM_OK; i++) {
        n = iov[i].iov_len < left ? iov[i].iov_len : left;
        if (n == 0 && sum > 0)
            break;
        status = stream_peek(s, iov[i].iov_base, n, got);
        if (status == STREAM_OK) {
            w->begin += *got;
            left -= *got;
            sum += *got;
        }
    }
    w->was_read += sum;
    *got = sum;
    return sum > 0 ? STREAM_OK : status;
}

bool stream_can_peek(const struct stream *s)
{
    (void)s;
    return true;
}

static enum stream_status write_plain(struct wire *w, int wire,
                                      const struct iovec *iov, int iovs,
                                      size_t *put)
{
    size_t room = w->capacity > w->untaken ? w->capacity - w->untaken : 0;
    size_t left = cut(w, room);
    for (int i = 0; i < iovs && left > 0; i++) {
        size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;
        watcher.written(watcher.arg, wire, iov[i].iov_base, n);
        *put += n;
        left -= n;
    }
    w->untaken += *put;
    return *put > 0 ? STREAM_OK : STREAM_AGAIN;
}

/* Writes what is sealed, as far as there is room. */
static void push(struct wire *w, int wire)
{
    size_t room = w->capacity > w->untaken ? w->capacity - w->untaken : 0;
    size_t whole;
    w->untaken += virtual_seal_push(&w->seal, cut(w, room), &whole);
    if (whole > 0)
        watcher.written(watcher.arg, wire,
                        w->seal.bytes + w->seal.settled - whole, whole);
}

static enum stream_status write_sealed(struct wire *w, int wire,
                                       const struct iovec *iov, int iovs,
                                       size_t *put)
{
    if (w->seal.is_broken)
        return STREAM_RESET;
    push(w, wire);
    virtual_seal_add(&w->seal, iov, iovs, cut(w, VIRTUAL_SEALED - 1));
    push(w, wire);
    *put = virtual_seal_take(&w->seal);
    return *put > 0 ? STREAM_OK : STREAM_AGAIN;
}

enum stream_status stream_write(struct stream *s, const struct iovec *iov,
                                int iovs, size_t *put)
{
    struct wire *w = &wires[s->wire];
    if (w->end >= VIRTUAL_CLOSED)
        return w->end == VIRTUAL_RESET ? STREAM_RESET : STREAM_END;
    *put = 0;
    return w->seal.record > 0 ? write_sealed(w, s->wire, iov, iovs, put)
                              : write_plain(w, s->wire, iov, iovs, put);
}

size_t stream_pledged(const struct stream *s)
{
    const struct virtual_seal *seal = &wires[s->wire].seal;
    return seal->settled + virtual_seal_bytes(seal);
}

size_t stream_settle(struct stream *s)
{
    return virtual_seal_take(&wires[s->wire].seal);
}

size_t stream_kept(const struct stream *s)
{
    const struct virtual_seal *seal = &wires[s->wire].seal;
    return virtual_seal_bytes(seal) - seal->begun;
}

void stream_cut(struct stream *s)
{
    virtual_seal_cut(&wires[s->wire].seal);
}

void stream_limit_unsent(struct stream *s, uint64_t bytes)
{
    (void)s;
    (void)bytes;
}

void stream_shutdown(struct stream *s)
{
    (void)s;
}

void stream_say_end(struct stream *s)
{
    (void)s;
}

size_t stream_held(const struct stream *s)
{
    return virtual_unread(s->wire);
}

size_t stream_unconfirmed(const struct stream *s)
{
    return virtual_untaken(s->wire) + stream_kept(s);
}

/* What a client takes, it confirms. */
uint32_t stream_quiet_ms(const struct stream *s)
{
    return now - wires[s->wire].taken_at;
}

/* The reactor. */

struct reactor *reactor_new(void)
{
    struct reactor *r = calloc(1, sizeof *r);
    if (r)
        list_init(&r->chores);
    return r;
}

static void reactor_free_deferred(struct reactor *r)
{
    while (r->deferred) {
        struct deferred *d = r->deferred;
        r->deferred = d->next;
        d->free(d);
    }
}

void reactor_free(struct reactor *r)
{
    reactor_free_deferred(r);
    free(r);
}

void reactor_defer(struct reactor *r, struct deferred *d)
{
    d->next = r->deferred;
    r->deferred = d;
}

void reactor_yield(struct reactor *r)
{
    (void)r;
}

clock_ms reactor_now_ms(struct reactor *r)
{
    (void)r;
    return now;
}

static bool is_readable(const struct wire *w)
{
    return w->filled > w->begin || w->end != VIRTUAL_OPEN;
}

/* Resting, and in ARRIVALS, the kernel notifies once of each change. */
static void wire_notify_end(struct wire *w)
{
    struct stream *s = w->stream;
    if (!w->has_news || w->end == VIRTUAL_OPEN)
        return;
    w->has_news = false;
    if (w->end == VIRTUAL_RESET) {
        s->events->on_end(s->owner, STREAM_RESET);
    } else if (!s->has_ended) {
        s->has_ended = true;
        s->events->on_end(s->owner, STREAM_END);
    }
}

static void wire_notify_readable(struct wire *w)
{
    struct stream *s = w->stream;
    bool is_due = s->mode == STREAM_READING ? is_readable(w) : w->has_news;
    if (!is_due)
        return;
    w->has_news = false;
    s->events->on_readable(s->owner);
    if (w->stream && s->mode == STREAM_ARRIVALS && w->end != VIRTUAL_OPEN)
        s->events->on_end(s->owner, STREAM_END);
}

/* Transports push by themselves where nobody waits to write. */
static void wire_push(struct wire *w)
{
    if (w->stream && !w->stream->wants_write && w->seal.count > 0 &&
        w->end < VIRTUAL_CLOSED)
        push(w, (int)(w - wires));
}

static void wire_notify(struct wire *w)
{
    bool has_room = w->untaken < w->capacity || w->end >= VIRTUAL_CLOSED;
    wire_push(w);
    if (w->stream && w->stream->mode == STREAM_RESTING)
        wire_notify_end(w);
    else if (w->stream)
        wire_notify_readable(w);
    if (w->stream && w->stream->wants_write && has_room)
        w->stream->events->on_writable(w->stream->owner);
}

static void reactor_fire(void)
{
    if (!timer || !timer->is_running || (int32_t)(timer->due - now) > 0)
        return;
    timer->is_running = false;
    timer->fire(timer->arg);
}

/* The kernel reports sockets in any order. */
bool reactor_turn(struct reactor *r, bool may_wait, bool (*end_turn)(void *arg),
                  void *arg)
{
    uint32_t first = chance_of(&random_state, VIRTUAL_WIRES);
    (void)may_wait;
    reactor_fire();
    for (uint32_t i = 0; i < VIRTUAL_WIRES; i++)
        if (wires[(first + i) % VIRTUAL_WIRES].is_used)
            wire_notify(&wires[(first + i) % VIRTUAL_WIRES]);
    bool again = end_turn(arg);
    reactor_free_deferred(r);
    return again;
}

/* Nor are there files. */
struct reactor_file *reactor_file_new(struct reactor *r, int fd,
                                      void (*fire)(void *arg), void *arg)
{
    (void)r;
    (void)fd;
    (void)fire;
    (void)arg;
    return NULL;
}

void reactor_file_free(struct reactor_file *f)
{
    (void)f;
}

struct reactor_timer *reactor_timer_new(struct reactor *r,
                                        void (*fire)(void *arg), void *arg)
{
    (void)r;
    assert(!timer);
    timer = malloc(sizeof *timer);
    if (timer)
        *timer = (struct reactor_timer){.fire = fire, .arg = arg};
    return timer;
}

void reactor_timer_free(struct reactor_timer *t)
{
    assert(t == timer);
    free(t);
    timer = NULL;
}

bool reactor_timer_start(struct reactor_timer *t, uint32_t ms)
{
    t->due = now + ms;
    t->is_running = true;
    return true;
}

bool reactor_timer_is_running(const struct reactor_timer *t)
{
    return t->is_running;
}

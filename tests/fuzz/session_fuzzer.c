/* SPDX-License-Identifier: MIT
 *
 * Whole sessions: a script makes clients come, send, read and leave, time
 * pass, memory fail and rules change. The invariants are checked after every
 * turn (invariants.h). Whatever the clients did, once they have gone and
 * others have taken what the channels hold, nothing of them is left: no
 * session, no subscriber, no channel, no memory, no descriptor; and the next
 * client is served.
 *
 *     input   how much memory there is (modulo the rows of `memories`), then
 *             steps: one byte, three bits of verb, three of the client and
 *             two more of the verb, then what it takes
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/core/channel_views.h"
#include "broker/core/tap.h"
#include "broker/core/topic_policy.h"
#include "broker/session/client_views.h"
#include "broker/session/clients_turn.h"
#include "broker/session/state.h"
#include "proto/channel_name.h"
#include "proto/frame.h"
#include "tests/fuzz/faults.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/invariants.h"
#include "tests/unit/house.h"

enum {
    CLIENTS = 8,
    CROWD = 4, /* from here on each new client takes the last descriptor */
    STEPS_MAX = 400,
    TURNS_MAX = 2000,
    CONSUMERS_MAX = 5000,
    SIP_MS = 2000,
    NAME_BYTES = 32,
};

struct play {
    struct house house;
    struct script script;
    struct rule *rules; /* NULL: those of the house */
    int fds[CLIENTS];   /* -1 when not connected */
    struct tap tap;
    struct map_walk walk; /* over the channels, as watchers see them */
    uint64_t refused;     /* connections, without memory */
};

/* Time stands still unless the script moves it. */
static clock_ms now_ms;

clock_ms clock_now_ms(void)
{
    return now_ms;
}

/* The timer of the clients: it fires when the script's time is up, not when
 * real time is. */
static struct {
    void (*fire)(void *arg);
    void *arg;
} timer;

struct reactor_timer *
__real_reactor_timer_new(struct reactor *r, void (*fire)(void *arg), void *arg);
struct reactor_timer *
__wrap_reactor_timer_new(struct reactor *r, void (*fire)(void *arg), void *arg);

struct reactor_timer *
__wrap_reactor_timer_new(struct reactor *r, void (*fire)(void *arg), void *arg)
{
    timer.fire = fire;
    timer.arg = arg;
    return __real_reactor_timer_new(r, fire, arg);
}

static void turn(struct play *p)
{
    house_turn(&p->house);
    invariants_check(&p->house);
}

/* As broker.c does while it stops. */
static void finish_if_drained(struct play *p)
{
    if (core_is_stopping(&p->house.core) &&
        clients_are_drained(&p->house.clients))
        clients_finish(&p->house.clients);
}

static void pass_time(struct play *p, uint32_t ms)
{
    turn(p);
    now_ms += ms;
    if (ms < CLIENTS_TURN_STALL_MS) /* it fires in time, though it was not set
                                       again */
        p->house.clients.timer_at = now_ms;
    timer.fire(timer.arg);
    finish_if_drained(p);
    turn(p);
}

static void send_bytes(int fd, const void *bytes, size_t n)
{
    if (fd >= 0)
        (void)send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void hang_up(struct play *p, int client)
{
    if (p->fds[client] >= 0)
        close(p->fds[client]);
    p->fds[client] = -1;
}

/* True while something came. */
static bool receive_all(int fd)
{
    static uint8_t room[65536];
    bool any = false;
    while (fd >= 0 && recv(fd, room, sizeof room, MSG_DONTWAIT) > 0)
        any = true;
    return any;
}

/* The verbs. */

static void do_connect(struct play *p, int client)
{
    uint32_t before = p->house.clients.count;
    hang_up(p, client);
    if (core_is_stopping(&p->house.core))
        return;
    p->fds[client] = house_connect(&p->house);
    FUZZ_CHECK(p->fds[client] >= 0);
    p->refused += p->house.clients.count == before;
    p->house.clients.wants_descriptor = p->house.clients.count >= CROWD;
}

static void do_send(struct play *p, int client)
{
    size_t n;
    const uint8_t *bytes =
        script_bytes(&p->script, script_byte(&p->script), &n);
    send_bytes(p->fds[client], bytes, n);
}

static const char *const names[] = {"t",      "/queue", "/queue/b", "/null",
                                    "/sys/x", "",       "/topic/a", "cut"};

/* The frame of a channel's name; a client's first one subscribes. */
static void do_name(struct play *p, int client)
{
    uint8_t frame[NAME_BYTES];
    const char *name = names[script_byte(&p->script) % 8];
    uint8_t *end = frame_put(frame, name, (uint32_t)strlen(name));
    send_bytes(p->fds[client], frame, (size_t)(end - frame));
}

static const uint32_t scales[] = {1, 40, 300, 1000};

/* Pairs for a channel, of a size that the script gives. */
static void do_publish(struct play *p, int client)
{
    static uint8_t pair[NAME_BYTES + HOUSE_MAX_FRAME];
    uint8_t what = script_byte(&p->script);
    uint32_t n = script_byte(&p->script) % 100u * scales[what >> 3 & 3];
    const char *name = names[what % 8];
    uint8_t *end = frame_put(pair, name, (uint32_t)strlen(name));
    frame_put_length(end, n);
    for (int times = 1 + (what >> 5); times > 0; times--)
        send_bytes(p->fds[client], pair, (size_t)(end - pair) + frame_size(n));
}

static void do_read(struct play *p, int client)
{
    static uint8_t room[256 * 64];
    size_t n = script_byte(&p->script) * (size_t)64;
    if (p->fds[client] >= 0)
        (void)recv(p->fds[client], room, n, MSG_DONTWAIT);
}

/* Closing with something unread is a reset. */
static void do_leave(struct play *p, int client)
{
    uint8_t how = script_byte(&p->script) % 4;
    if (p->fds[client] >= 0 && how % 2 == 0) {
        (void)shutdown(p->fds[client], how == 0 ? SHUT_WR : SHUT_RD);
        return;
    }
    if (how == 3)
        (void)receive_all(p->fds[client]);
    hang_up(p, client);
}

static void do_time(struct play *p, int client)
{
    (void)client;
    pass_time(p, script_byte(&p->script) * 25u);
}

static void do_turn(struct play *p, int client)
{
    for (; client >= 0; client--)
        turn(p);
}

/* A name and the beginning of a message. */
static void do_begin(struct play *p, int client)
{
    uint8_t pair[NAME_BYTES + FRAME_HEAD_BYTES + 255] = {0};
    uint8_t what = script_byte(&p->script);
    uint32_t n = script_byte(&p->script) % 100u * scales[what >> 3 & 3];
    uint32_t came = script_byte(&p->script);
    const char *name = names[what % 8];
    uint8_t *end = frame_put(pair, name, (uint32_t)strlen(name));
    frame_put_length(end, n);
    end += FRAME_HEAD_BYTES + (came < n ? came : n);
    send_bytes(p->fds[client], pair, (size_t)(end - pair));
}

/* Some more of a message, or empty frames, which are a goodbye. */
static void do_go_on(struct play *p, int client)
{
    static const uint8_t zeros[255 * 64];
    send_bytes(p->fds[client], zeros, script_byte(&p->script) * (size_t)64);
}

/* Short messages to channels of their own. */
static void do_scatter(struct play *p, int client)
{
    uint8_t pair[NAME_BYTES * 2];
    uint8_t what = script_byte(&p->script);
    const char *format = what & 1 ? "/queue/%d" : "/topic/%d";
    for (int i = what >> 1; i >= 0; i--) {
        char name[NAME_BYTES];
        int n = snprintf(name, sizeof name, format, i);
        uint8_t *end = frame_put(pair, name, (uint32_t)n);
        end = frame_put(end, name, (uint32_t)n);
        send_bytes(p->fds[client], pair, (size_t)(end - pair));
    }
}

static void do_fail(struct play *p, int client)
{
    (void)client;
    faults_fail_nth(script_byte(&p->script));
}

/* The watchers. */

static void look(struct tap *tap, const struct slice *slice)
{
    (void)tap;
    FUZZ_CHECK(slice->messages > 0 && slice->length >= FRAME_HEAD_BYTES);
}

static void view(void *arg, const struct view *v)
{
    uint8_t name[CHANNEL_NAME_MAX];
    (void)arg;
    FUZZ_CHECK(v->name_length <= sizeof name && v->kind);
    if (v->name)
        memcpy(name, v->name, v->name_length);
}

static void do_view(struct play *p, int client)
{
    (void)client;
    if (!client_views_show(&p->house.clients, 2, view, NULL))
        client_views_begin(&p->house.clients);
    if (!channel_views_show(&p->house.core, now_ms, &p->walk, 20, view, NULL))
        p->walk = (struct map_walk){0};
}

static void do_tap(struct play *p, int client)
{
    const char *name = names[script_byte(&p->script) % 8];
    (void)client;
    tap_close(&p->tap);
    (void)tap_open(&p->tap, &p->house.core, (const uint8_t *)name,
                   (uint32_t)strlen(name), look);
}

/* As reloading does: rules of another kind, in other memory. */

/* The first is for tests alone: no option gives it. */
static const uint32_t memories[] = {0,     300000, 25000,  50000,
                                    75000, 100000, 150000, 600000};

/* A frame that takes more than half of the memory could not get in. */
static void set_memory(struct house *h, uint8_t which)
{
    uint32_t bytes = memories[which % 8], possible = bytes / 2;
    h->budget.limit_bytes = bytes;
    h->clients.config.max_frame_bytes =
        bytes > 0 && possible < HOUSE_MAX_FRAME ? possible : HOUSE_MAX_FRAME;
}

static void set_rule(struct rule *r, uint8_t how)
{
    static const uint32_t limits[] = {HOUSE_QUEUE_LIMIT, 1024, 100000, 3000};
    static const uint32_t holds[] = {0, 3, 200, 1};
    r->policy = &topic_policies[how % topic_policy_count];
    r->hold_messages = holds[how >> 2 & 3];
    r->limit_bytes = r->client_limit_bytes = limits[how >> 4 & 3];
    r->limit_messages = how & 64 ? 5 : UINT64_MAX;
    r->patience_ms = how & 128 ? 0 : 1000;
}

static void do_reload(struct play *p, int client)
{
    static const uint32_t prefetches[] = {HOUSE_PREFETCH, 1, 100000, 100};
    struct core_config config = p->house.core.turn.config;
    struct rule *rules = faults_real_malloc(sizeof p->house.rules);
    struct rule *old = p->rules;
    uint8_t how = script_byte(&p->script), what = script_byte(&p->script);
    (void)client;
    FUZZ_CHECK(rules);
    memcpy(rules, p->house.rules, sizeof p->house.rules);
    set_rule(&rules[what % HOUSE_RULES], how);
    config.rules = p->rules = rules;
    config.prefetch_bytes = prefetches[what >> 2 & 3];
    if (what & 16)
        set_memory(&p->house, 1 + (what >> 5) % 7);
    core_configure(&p->house.core, &config);
    free(old);
}

static void do_stop(struct play *p, int client)
{
    (void)client;
    if (core_is_stopping(&p->house.core))
        return;
    core_stop(&p->house.core);
    clients_drain(&p->house.clients);
    finish_if_drained(p);
}

static void (*const verbs[16])(struct play *p, int client) = {
    do_turn,  do_connect, do_send,  do_name,  do_read, do_publish,
    do_leave, do_time,    do_begin, do_go_on, do_tap,  do_scatter,
    do_fail,  do_reload,  do_stop,  do_view,
};

static void play_step(struct play *p)
{
    uint8_t step = script_byte(&p->script);
    verbs[(step & 7) | (step >> 6 & 1) << 3](p, step >> 3 & 7);
    invariants_check_clients(&p->house);
}

/* The end. */

struct found {
    uint8_t name[CHANNEL_NAME_MAX];
    uint32_t length;
};

static void find_held(struct channel *ch, void *arg)
{
    struct found *found = arg;
    /* A first frame that begins with NUL is reserved for another version, so
     * no consumer could ask for this channel. */
    if (ch->kind->is_empty(ch) || channel_name(ch)[0] == '\0')
        return;
    found->length = ch->node.length;
    memcpy(found->name, channel_name(ch), found->length);
}

static struct found find_any(const struct house *h)
{
    struct found found = {.length = 0};
    directory_each(&h->core.directory, find_held, &found);
    return found;
}

static bool is_idle(const struct house *h)
{
    return h->clients.count == 0 && find_any(h).length == 0;
}

/* Takes all that a channel holds and all that follows, and leaves. */
static void consume_one(struct play *p)
{
    struct found found = find_any(&p->house);
    uint8_t frame[FRAME_HEAD_BYTES + CHANNEL_NAME_MAX];
    int fd = found.length > 0 ? house_connect(&p->house) : -1;
    uint8_t *end = frame_put(frame, found.name, found.length);
    send_bytes(fd, frame, (size_t)(end - frame));
    for (int quiet = 0, i = 0; quiet < 3 && i < TURNS_MAX; i++) {
        turn(p);
        quiet = receive_all(fd) ? 0 : quiet + 1;
    }
    (void)shutdown(fd, SHUT_WR);
    turn(p);
    turn(p);
    close(fd);
    pass_time(p, 100);
}

/* Clients that wait have sent everything already; it is read in their turn. */
static void end_by_hanging_up(struct play *p)
{
    faults_fail_nth(0);
    tap_close(&p->tap);
    for (int i = 0; i < CLIENTS; i++)
        hang_up(p, i);
    turn(p);
    for (int i = 0; i < CONSUMERS_MAX && !is_idle(&p->house); i++)
        consume_one(p);
    FUZZ_CHECK(is_idle(&p->house));
}

static void end_by_stopping(struct play *p)
{
    faults_fail_nth(0);
    for (int i = 0; i < TURNS_MAX && p->house.clients.count > 0; i++) {
        for (int j = 0; j < CLIENTS; j++)
            (void)receive_all(p->fds[j]);
        pass_time(p, 100);
    }
    FUZZ_CHECK(p->house.clients.count == 0);
}

/* Whatever happened before, a new client is served. */
static void check_service(struct play *p)
{
    static const uint8_t pair[] = {0, 0, 0, 1, 'n', 0, 0, 0, 1, 'm'};
    uint8_t room[16];
    int fd = house_connect(&p->house);
    FUZZ_CHECK(fd >= 0);
    send_bytes(fd, pair, 5);
    send_bytes(fd, pair, sizeof pair);
    for (int i = 0; i < 3; i++)
        turn(p);
    FUZZ_CHECK(recv(fd, room, sizeof room, MSG_DONTWAIT) == 5);
    FUZZ_CHECK(memcmp(room, pair + 5, 5) == 0);
    close(fd);
    turn(p);
    turn(p);
}

static void check_nothing_is_left(struct play *p)
{
    struct house *h = &p->house;
    tap_close(&p->tap);
    clients_close_all(&h->clients);
    turn(p);
    if (!core_is_stopping(&h->core))
        check_service(p);
    FUZZ_CHECK(house_count(h, COUNT_connections) == 0);
    FUZZ_CHECK(house_count(h, COUNT_accepted) ==
               house_count(h, COUNT_closed) + p->refused);
    core_purge(&h->core);
    FUZZ_CHECK(house_count(h, COUNT_channels) == 0);
    FUZZ_CHECK(house_count(h, COUNT_queued_messages) == 0);
    FUZZ_CHECK(house_count(h, COUNT_queued_bytes) == 0);
    house_close(h);
    FUZZ_CHECK(h->budget.used_bytes == 0);
    FUZZ_CHECK(h->budget.promised_bytes == 0);
}

/* Descriptors are given out lowest first. */
static int next_descriptor(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    close(fd);
    return fd;
}

static void play_open(struct play *p, const uint8_t *bytes, size_t n,
                      int log_fd)
{
    *p = (struct play){.script = {bytes, n}};
    for (int i = 0; i < CLIENTS; i++)
        p->fds[i] = -1;
    now_ms = UINT32_MAX - 2000; /* it wraps soon */
    faults_fail_nth(0);
    FUZZ_CHECK(house_open(&p->house, log_fd));
    p->house.clients.waits.limit_ms[WAIT_SIP] = SIP_MS;
    set_memory(&p->house, script_byte(&p->script));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct play p;
    int before = next_descriptor(), log_fd = open("/dev/null", O_WRONLY);
    play_open(&p, bytes, n, log_fd);
    for (int i = 0; i < STEPS_MAX && p.script.left > 0; i++)
        play_step(&p);
    if (core_is_stopping(&p.house.core))
        end_by_stopping(&p);
    else
        end_by_hanging_up(&p);
    for (int i = 0; i < CLIENTS; i++)
        hang_up(&p, i);
    check_nothing_is_left(&p);
    free(p.rules);
    close(log_fd);
    FUZZ_CHECK(next_descriptor() == before);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * Whole sessions: a script makes clients come, send, read and leave, and time
 * pass. Whatever they do, when they have gone nothing of them is left: no
 * session, no subscriber, no channel, no memory, no descriptor.
 *
 *     input   how it ends (bit 0) and whether memory is bounded (bit 1), then
 *             steps: one byte, the verb and the client, then what it takes
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/session/session.h"
#include "proto/frame.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/house.h"

enum { CLIENTS = 8, STEPS_MAX = 400, TURNS_MAX = 2000, MEMORY_BYTES = 300000 };

struct play {
    struct house house;
    struct script script;
    int fds[CLIENTS]; /* -1 when not connected */
};

/* Time stands still unless the script moves it. */
static clock_ms now_ms;

clock_ms clock_now_ms(void)
{
    return now_ms;
}

/* The timer of the sessions, so that it can fire when their time has come
 * and not when ours has. */
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

static void pass_time(struct play *p, uint32_t ms)
{
    house_turn(&p->house);
    now_ms += ms;
    timer.fire(timer.arg);
    house_turn(&p->house);
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

/* The verbs. */

static void do_connect(struct play *p, int client)
{
    hang_up(p, client);
    p->fds[client] = house_connect(&p->house);
    FUZZ_CHECK(p->fds[client] >= 0);
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
    uint8_t frame[32];
    const char *name = names[script_byte(&p->script) % 8];
    uint8_t *end = frame_put(frame, name, (uint32_t)strlen(name));
    send_bytes(p->fds[client], frame, (size_t)(end - frame));
}

/* Pairs for a channel, of a size that the script gives. */
static void do_publish(struct play *p, int client)
{
    static uint8_t pair[32 + HOUSE_MAX_FRAME];
    uint8_t what = script_byte(&p->script);
    uint32_t scale[] = {1, 40, 300, 1000};
    uint32_t n = script_byte(&p->script) % 100u * scale[what >> 3 & 3];
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

static void do_leave(struct play *p, int client)
{
    if (p->fds[client] >= 0 && script_byte(&p->script) % 2 == 0)
        (void)shutdown(p->fds[client], SHUT_WR);
    else
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
        house_turn(&p->house);
}

static void (*const verbs[8])(struct play *p, int client) = {
    do_turn, do_connect, do_send,  do_name,
    do_read, do_publish, do_leave, do_time,
};

/* The end. */

static void drain_clients(struct play *p)
{
    static uint8_t room[65536];
    for (int i = 0; i < CLIENTS; i++)
        while (p->fds[i] >= 0 &&
               recv(p->fds[i], room, sizeof room, MSG_DONTWAIT) > 0)
            ;
}

/* As the broker stops: drains, then closes in order. */
static void end_in_order(struct play *p)
{
    sessions_drain(&p->house.sessions);
    p->house.core.is_stopping = true;
    for (int i = 0; i < 50; i++) {
        drain_clients(p);
        house_turn(&p->house);
    }
    sessions_finish(&p->house.sessions);
    pass_time(p, 5000);
}

/* Who waits for a full queue, or for memory that queues hold, waits on, also
 * when it has closed in order: what it sent before is still to be read. Nobody
 * else may be left. */
static bool is_waiting(const struct house *h, const struct session *s)
{
    bool is_starving = inbox_is_large(s->inbox) && !s->has_grant;
    return (publisher_is_waiting(&s->pub) || is_starving) &&
           s->sub.state == SUBSCRIBER_NONE &&
           (house_count(h, COUNT_queued_bytes) > HOUSE_QUEUE_LIMIT / 2 ||
            budget_is_short(&h->budget));
}

static bool has_come_to_rest(const struct house *h)
{
    LIST_EACH (link, &h->sessions.all)
        if (!is_waiting(h, LIST_OF(link, struct session, link)))
            return false;
    return true;
}

static void end_by_hanging_up(struct play *p)
{
    for (int i = 0; i < CLIENTS; i++)
        hang_up(p, i);
    house_turn(&p->house);
    for (int i = 0; i < TURNS_MAX && !has_come_to_rest(&p->house); i++)
        house_turn(&p->house);
    FUZZ_CHECK(has_come_to_rest(&p->house));
}

static void check_nothing_is_left(struct house *h)
{
    sessions_close_all(&h->sessions);
    house_turn(h);
    FUZZ_CHECK(house_count(h, COUNT_connections) == 0);
    FUZZ_CHECK(house_count(h, COUNT_subscribers) == 0);
    FUZZ_CHECK(house_count(h, COUNT_paused_publishers) == 0);
    FUZZ_CHECK(house_count(h, COUNT_accepted) == house_count(h, COUNT_closed));
    core_purge(&h->core);
    FUZZ_CHECK(house_count(h, COUNT_channels) == 0);
    FUZZ_CHECK(house_count(h, COUNT_queued_messages) == 0);
    FUZZ_CHECK(house_count(h, COUNT_queued_bytes) == 0);
    house_close(h);
    FUZZ_CHECK(h->budget.used_bytes == 0);
}

/* Descriptors are given out lowest first. */
static int next_descriptor(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    close(fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct play p;
    int before = next_descriptor(), log_fd = open("/dev/null", O_WRONLY);
    p.script = (struct script){bytes, n};
    for (int i = 0; i < CLIENTS; i++)
        p.fds[i] = -1;
    now_ms = UINT32_MAX - 2000; /* it wraps soon */
    FUZZ_CHECK(house_open(&p.house, log_fd));
    uint8_t how = script_byte(&p.script);
    if (how & 2)
        p.house.budget.limit_bytes = MEMORY_BYTES;
    for (int i = 0; i < STEPS_MAX && p.script.left > 0; i++) {
        uint8_t step = script_byte(&p.script);
        verbs[step % 8](&p, step / 8 % CLIENTS);
    }
    if (how & 1)
        end_in_order(&p);
    end_by_hanging_up(&p);
    check_nothing_is_left(&p.house);
    close(log_fd);
    FUZZ_CHECK(next_descriptor() == before);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/play.h"

#include <sys/socket.h>
#include <unistd.h>

#include "broker/core/core.h"
#include "broker/net/reactor.h"
#include "broker/session/clients_turn.h"
#include "tests/fuzz/ear.h"
#include "tests/fuzz/faults.h"
#include "tests/fuzz/invariants.h"

enum {
    CROWD = 4, /* from here on each new client takes the last descriptor */
    SIP_MS = 2000,
    PING_MS = 20000,
    HOLD_BYTES = 8000,
    SUBSCRIPTIONS_MAX = 9,
    REQUESTS_MAX = 6,
};

const char *const play_names[PLAY_NAMES] = {
    "t", "/queue", "/queue/b", "/null", "/sys/x", "", "/topic/a", "cut"};

const uint32_t play_scales[4] = {1, 40, 300, 1000};

/* Time stands still unless the script moves it. */
static clock_ms now_ms;

clock_ms clock_now_ms(void)
{
    return now_ms;
}

uint64_t clock_now_us(void)
{
    return now_ms * UINT64_C(1000);
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

/* The first is for tests alone: no option gives it. A frame that takes more
 * than half of the memory could not get in. */
void play_set_memory(struct play *p, uint8_t which)
{
    static const uint32_t memories[] = {0,     300000, 25000,  50000,
                                        75000, 100000, 150000, 600000};
    struct house *h = &p->house;
    uint32_t bytes = memories[which % 8], possible = bytes / 2;
    h->budget.limit_bytes = bytes;
    h->clients.config.max_frame_bytes =
        bytes > 0 && possible < HOUSE_MAX_FRAME ? possible : HOUSE_MAX_FRAME;
}

/* Small, so that scripts reach the bounds. */
static void set_bounds(struct clients *all)
{
    struct clients_config config = all->config;
    config.patience_ms = 1000;
    config.ping_ms = PING_MS;
    config.hold_bytes = HOLD_BYTES;
    config.subscriptions_max = SUBSCRIPTIONS_MAX;
    config.requests_max = REQUESTS_MAX;
    clients_configure(all, &config);
    all->waits.limit_ms[WAIT_SIP] = SIP_MS;
}

void play_open(struct play *p, const uint8_t *bytes, size_t n, int log_fd)
{
    *p = (struct play){.script = {bytes, n}};
    for (int i = 0; i < PLAY_CLIENTS; i++) {
        p->fds[i] = -1;
        ear_close(i);
    }
    now_ms = UINT32_MAX - 2000; /* it wraps soon */
    faults_fail_nth(0);
    FUZZ_CHECK(house_open(&p->house, log_fd));
    set_bounds(&p->house.clients);
    play_set_memory(p, script_byte(&p->script));
}

void play_turn(struct play *p)
{
    house_turn(&p->house);
    invariants_check(&p->house);
}

/* As broker.c does while it stops. */
void play_finish_if_drained(struct play *p)
{
    if (core_is_stopping(&p->house.core) &&
        clients_are_drained(&p->house.clients))
        clients_finish(&p->house.clients);
}

void play_pass_time(struct play *p, uint32_t ms)
{
    play_turn(p);
    now_ms += ms;
    if (ms < CLIENTS_TURN_STALL_MS) /* it fires in time, though it was not set
                                       again */
        p->house.clients.timer_at = now_ms;
    timer.fire(timer.arg);
    play_finish_if_drained(p);
    play_turn(p);
}

void play_send(int fd, const void *bytes, size_t n)
{
    if (fd >= 0)
        (void)send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void play_hang_up(struct play *p, int client)
{
    if (p->fds[client] >= 0)
        close(p->fds[client]);
    p->fds[client] = -1;
    ear_close(client);
}

void play_connect(struct play *p, int client)
{
    uint32_t before = p->house.clients.count;
    play_hang_up(p, client);
    if (core_is_stopping(&p->house.core))
        return;
    p->fds[client] = house_connect(&p->house);
    FUZZ_CHECK(p->fds[client] >= 0);
    p->refused += p->house.clients.count == before;
    p->house.clients.wants_descriptor = p->house.clients.count >= CROWD;
}

bool play_receive(struct play *p, int client, size_t n)
{
    static uint8_t room[256 * 64];
    if (p->fds[client] < 0 || n == 0)
        return false;
    if (n > sizeof room)
        n = sizeof room;
    ssize_t got = recv(p->fds[client], room, n, MSG_DONTWAIT);
    if (got > 0)
        ear_hear(client, room, (size_t)got);
    return got > 0;
}

bool play_receive_all(struct play *p, int client)
{
    bool any = false;
    while (play_receive(p, client, SIZE_MAX))
        any = true;
    return any;
}

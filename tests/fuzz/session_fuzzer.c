/* SPDX-License-Identifier: MIT
 *
 * Whole sessions: a script makes clients of both versions come, send, read and
 * leave, time pass, memory fail and rules change. The invariants are checked
 * after every turn (invariants.h), and what clients of version 2 hear whenever
 * they read (ear.h). Whatever the clients did, once they have gone and others
 * have taken what the channels hold, nothing of them is left: no session, no
 * subscriber, no channel, no memory, no descriptor; and the next client is
 * served.
 *
 *     input   how much memory there is (modulo the rows of play_set_memory),
 *             then steps: one byte, three bits of verb, three of the client,
 *             one more of the verb and one of the protocol; then what the verb
 *             takes
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/session/state.h"
#include "proto/channel_name.h"
#include "proto/frame.h"
#include "tests/fuzz/faults.h"
#include "tests/fuzz/invariants.h"
#include "tests/fuzz/play.h"
#include "tests/fuzz/play_steps.h"
#include "tests/fuzz/play_units.h"

enum {
    STEPS_MAX = 400,
    TURNS_MAX = 2000,
    DRAIN_TURNS = 100,
    CONSUMERS_MAX = 5000,
    DELAY_MS = 3600000, /* the longest before a message comes back */
};

static void play_step(struct play *p)
{
    uint8_t step = script_byte(&p->script);
    int verb = (step & 7) | (step >> 6 & 1) << 3, client = step >> 3 & 7;
    (step & 0x80 ? play_units : play_steps)[verb](p, client);
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
    if (channel_depth(ch).messages == 0 || channel_name(ch)[0] == '\0')
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

static bool read_all(int fd)
{
    static uint8_t room[65536];
    bool any = false;
    while (fd >= 0 && recv(fd, room, sizeof room, MSG_DONTWAIT) > 0)
        any = true;
    return any;
}

/* Takes all that a channel holds and all that follows, and leaves. */
static void consume_one(struct play *p)
{
    struct found found = find_any(&p->house);
    uint8_t frame[FRAME_HEAD_BYTES + CHANNEL_NAME_MAX];
    int fd = found.length > 0 ? house_connect(&p->house) : -1;
    uint8_t *end = frame_put(frame, found.name, found.length);
    play_send(fd, frame, (size_t)(end - frame));
    for (int quiet = 0, i = 0; quiet < 3 && i < TURNS_MAX; i++) {
        play_turn(p);
        quiet = read_all(fd) ? 0 : quiet + 1;
    }
    (void)shutdown(fd, SHUT_WR);
    play_turn(p);
    play_turn(p);
    close(fd);
    play_pass_time(p, 100);
}

/* Clients that wait have sent everything already; it is read in their turn.
 * Where nothing waits to be handed out, they hold what they wait for, until the
 * broker finds that they have gone. */
static void end_by_hanging_up(struct play *p)
{
    faults_fail_nth(0);
    tap_close(&p->tap);
    for (int i = 0; i < PLAY_CLIENTS; i++)
        play_hang_up(p, i);
    play_turn(p);
    play_pass_time(p, DELAY_MS);
    for (int i = 0; i < CONSUMERS_MAX && !is_idle(&p->house); i++)
        if (find_any(&p->house).length > 0)
            consume_one(p);
        else
            play_pass_time(p, DELAY_MS);
    FUZZ_CHECK(is_idle(&p->house));
}

/* What is held, or asked, delays the end for some time only. */
static void end_by_stopping(struct play *p)
{
    faults_fail_nth(0);
    for (int i = 0; i < TURNS_MAX && p->house.clients.count > 0; i++) {
        for (int j = 0; j < PLAY_CLIENTS; j++)
            (void)play_receive_all(p, j);
        play_pass_time(p, 100);
        if (i == DRAIN_TURNS)
            clients_finish(&p->house.clients);
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
    play_send(fd, pair, 5);
    play_send(fd, pair, sizeof pair);
    for (int i = 0; i < 3; i++)
        play_turn(p);
    FUZZ_CHECK(recv(fd, room, sizeof room, MSG_DONTWAIT) == 5);
    FUZZ_CHECK(memcmp(room, pair + 5, 5) == 0);
    close(fd);
    play_turn(p);
    play_turn(p);
}

static void check_nothing_is_left(struct play *p)
{
    struct house *h = &p->house;
    tap_close(&p->tap);
    clients_close_all(&h->clients);
    play_turn(p);
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
    for (int i = 0; i < PLAY_CLIENTS; i++)
        play_hang_up(&p, i);
    check_nothing_is_left(&p);
    free(p.rules);
    close(log_fd);
    FUZZ_CHECK(next_descriptor() == before);
    return 0;
}

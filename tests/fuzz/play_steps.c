/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/play_steps.h"

#include <stdio.h>
#include <sys/socket.h>

#include "broker/core/channel_views.h"
#include "broker/core/topic_policy.h"
#include "broker/session/client_views.h"
#include "proto/channel_name.h"
#include "proto/frame.h"
#include "tests/fuzz/faults.h"

enum { NAME_BYTES = 32 };

static void do_connect(struct play *p, int client)
{
    play_connect(p, client);
}

static void do_send(struct play *p, int client)
{
    size_t n;
    const uint8_t *bytes =
        script_bytes(&p->script, script_byte(&p->script), &n);
    play_send(p->fds[client], bytes, n);
}

/* The frame of a channel's name; a client's first one subscribes. */
static void do_name(struct play *p, int client)
{
    uint8_t frame[NAME_BYTES];
    const char *name = play_names[script_byte(&p->script) % 8];
    uint8_t *end = frame_put(frame, name, (uint32_t)strlen(name));
    play_send(p->fds[client], frame, (size_t)(end - frame));
}

/* Pairs for a channel, of a size that the script gives. */
static void do_publish(struct play *p, int client)
{
    static uint8_t pair[NAME_BYTES + HOUSE_MAX_FRAME];
    uint8_t what = script_byte(&p->script);
    uint32_t n = script_byte(&p->script) % 100u * play_scales[what >> 3 & 3];
    const char *name = play_names[what % 8];
    uint8_t *end = frame_put(pair, name, (uint32_t)strlen(name));
    frame_put_length(end, n);
    for (int times = 1 + (what >> 5); times > 0; times--)
        play_send(p->fds[client], pair, (size_t)(end - pair) + frame_size(n));
}

static void do_read(struct play *p, int client)
{
    (void)play_receive(p, client, script_byte(&p->script) * (size_t)64);
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
        (void)play_receive_all(p, client);
    play_hang_up(p, client);
}

static void do_time(struct play *p, int client)
{
    (void)client;
    play_pass_time(p, script_byte(&p->script) * 25u);
}

static void do_turn(struct play *p, int client)
{
    for (; client >= 0; client--)
        play_turn(p);
}

/* A name and the beginning of a message. */
static void do_begin(struct play *p, int client)
{
    uint8_t pair[NAME_BYTES + FRAME_HEAD_BYTES + 255] = {0};
    uint8_t what = script_byte(&p->script);
    uint32_t n = script_byte(&p->script) % 100u * play_scales[what >> 3 & 3];
    uint32_t came = script_byte(&p->script);
    const char *name = play_names[what % 8];
    uint8_t *end = frame_put(pair, name, (uint32_t)strlen(name));
    frame_put_length(end, n);
    end += FRAME_HEAD_BYTES + (came < n ? came : n);
    play_send(p->fds[client], pair, (size_t)(end - pair));
}

/* Some more of a message, or empty frames, which are a goodbye. */
static void do_go_on(struct play *p, int client)
{
    static const uint8_t zeros[255 * 64];
    play_send(p->fds[client], zeros, script_byte(&p->script) * (size_t)64);
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
        play_send(p->fds[client], pair, (size_t)(end - pair));
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
    if (!channel_views_show(&p->house.core, clock_now_ms(), &p->walk, 20, view,
                            NULL))
        p->walk = (struct map_walk){0};
}

static void do_tap(struct play *p, int client)
{
    const char *name = play_names[script_byte(&p->script) % 8];
    (void)client;
    tap_close(&p->tap);
    (void)tap_open(&p->tap, &p->house.core, (const uint8_t *)name,
                   (uint32_t)strlen(name), look);
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

/* As reloading does: rules of another kind, in other memory. */
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
        play_set_memory(p, 1 + (what >> 5) % 7);
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
    play_finish_if_drained(p);
}

play_verb *const play_steps[PLAY_VERBS] = {
    do_turn,  do_connect, do_send,  do_name,  do_read, do_publish,
    do_leave, do_time,    do_begin, do_go_on, do_tap,  do_scatter,
    do_fail,  do_reload,  do_stop,  do_view,
};

/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/play_units.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/frame.h"
#include "proto/head.h"
#include "tests/fuzz/ear.h"

enum { ROWS = 8, TEXT_MAX = 300, BODY_MAX = HOUSE_MAX_FRAME };

static const char *const channels[ROWS] = {"/t",       "/queue", "/queue/b",
                                           "/null",    "/sys/x", "/topic/%61",
                                           "/topic/a", "cut"};

static const char *const patterns[2 * ROWS] = {
    "/t",        "/queue",  "/queue/b", "/null",     "/sys/x", "/topic/%61",
    "/topic/a",  "cut",     "/topic/*", "/topic/**", "/**",    "/queue/*",
    "/queue/**", "/sys/**", "*",        "/*/a"};

/* Says a unit, or as many octets of it as have `came`. */
static void say_part(struct play *p, int client, const void *head, uint32_t n,
                     uint32_t body, size_t came)
{
    static uint8_t unit[2 * FRAME_HEAD_BYTES + TEXT_MAX + BODY_MAX];
    uint8_t *end = frame_put(unit, head, n);
    frame_put_length(end, body);
    size_t bytes = (size_t)(end - unit) + frame_size(body);
    play_send(p->fds[client], unit, came < bytes ? came : bytes);
}

static void say_body(struct play *p, int client, uint32_t body,
                     const char *format, va_list values)
{
    char head[TEXT_MAX];
    int n = vsnprintf(head, sizeof head, format, values);
    if (n > 0 && n < TEXT_MAX)
        say_part(p, client, head, (uint32_t)n, body, SIZE_MAX);
}

__attribute__((format(printf, 4, 5))) static void
say(struct play *p, int client, uint32_t body, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say_body(p, client, body, format, values);
    va_end(values);
}

/* A size with its scale, in one byte. */
static uint32_t size_of(uint8_t what)
{
    return (what & 63u) * play_scales[what >> 6];
}

/* Every other unit asks for an answer. */
static const char *rid(struct play *p)
{
    static char text[24];
    if (p->rids++ % 2 == 0)
        return "";
    (void)snprintf(text, sizeof text, " rid=%u", p->rids);
    return text;
}

static void do_open(struct play *p, int client)
{
    static const char *const options[ROWS] = {
        "",      " ping=1s",       " ping=0s",    " name=thermo",
        " ?x=y", " user=u mech=m", " colour=red", " ping=1h name=%20"};
    char head[TEXT_MAX] = "?SLUICE/2";
    const char *option = options[script_byte(&p->script) % ROWS];
    memcpy(head + 9, option, strlen(option));
    head[0] = '\0';
    play_connect(p, client);
    ear_open(client);
    say_part(p, client, head, (uint32_t)(9 + strlen(option)), 0, SIZE_MAX);
}

/* A head of any octets. */
static void do_text(struct play *p, int client)
{
    size_t n;
    uint8_t length = script_byte(&p->script);
    const uint8_t *head = script_bytes(&p->script, length, &n);
    say_part(p, client, head, (uint32_t)n, size_of(script_byte(&p->script)),
             SIZE_MAX);
}

static void do_subscribe(struct play *p, int client)
{
    static const char *const options[ROWS] = {"",
                                              " ack=yes",
                                              " ack=yes credit=5",
                                              " ack=yes credit=65535",
                                              " ack=yes wait=100ms",
                                              " ack=yes credit=40 wait=1s",
                                              " ack=no",
                                              " credit=0"};
    uint8_t what = script_byte(&p->script);
    say(p, client, 0, "SUB %s%s%s", patterns[what & 15], options[what >> 4 & 7],
        rid(p));
}

static void do_unsubscribe(struct play *p, int client)
{
    say(p, client, 0, "UNSUB %s%s", patterns[script_byte(&p->script) & 15],
        rid(p));
}

static void do_publish(struct play *p, int client)
{
    static const char *const forms[4] = {"PUB ", "", "PUB ", "PUB "};
    static const char *const headers[4] = {"", "", " Unit=C", " A=%0A B= A="};
    uint8_t what = script_byte(&p->script), form = what >> 3 & 3;
    uint32_t body = size_of(script_byte(&p->script));
    for (int times = 1 + (what >> 5); times > 0; times--)
        say(p, client, body, "%s%s%s%s", forms[form], channels[what & 7],
            rid(p), headers[form]);
}

static void do_request(struct play *p, int client)
{
    static const char *const timeouts[4] = {"", " timeout=1ms", " timeout=1s",
                                            " timeout=1h"};
    uint8_t what = script_byte(&p->script);
    say(p, client, size_of(script_byte(&p->script)), "REQ %s rid=q%u%s",
        channels[what & 7], p->rids++, timeouts[what >> 3 & 3]);
}

static void do_reply(struct play *p, int client)
{
    say(p, client, size_of(script_byte(&p->script)), "PUB %.200s%s",
        ear_address(), rid(p));
}

static void do_settle(struct play *p, int client)
{
    static const char *const forms[ROWS] = {"ACK %s",
                                            "NAK %s",
                                            "NAK %s delay=0s",
                                            "NAK %s delay=1h",
                                            "NAK %s delay=20ms",
                                            "TOUCH %s",
                                            "ACK %s0",
                                            "ACK %s"};
    uint8_t what = script_byte(&p->script);
    const char *work = ear_work(client, what >> 3 & 7);
    char head[TEXT_MAX];
    (void)snprintf(head, sizeof head, forms[what & 7],
                   *work ? work : "/queue 1");
    say(p, client, 0, "%s%s", head, what & 64 ? "" : rid(p));
}

static void do_credit(struct play *p, int client)
{
    static const uint32_t credits[4] = {0, 1, 7, 65535};
    uint8_t what = script_byte(&p->script);
    say(p, client, 0, "CREDIT %s %u%s", patterns[what & 15],
        credits[what >> 4 & 3], rid(p));
}

/* Many, with long tokens, fill the answers. */
static void do_ping(struct play *p, int client)
{
    uint8_t times = script_byte(&p->script);
    for (int i = 0; i <= times; i++)
        say(p, client, 0, "PING %0200d", i);
}

static void do_bye(struct play *p, int client)
{
    say(p, client, 0, "BYE%s", rid(p));
}

/* A unit that is cut. */
static void do_cut(struct play *p, int client)
{
    char head[TEXT_MAX];
    uint8_t what = script_byte(&p->script);
    uint32_t body = size_of(script_byte(&p->script));
    size_t came = script_byte(&p->script) * (size_t)(what >> 7 ? 64 : 1);
    int n = snprintf(head, sizeof head, "PUB %s rid=c%u", channels[what & 7],
                     p->rids++);
    say_part(p, client, head, (uint32_t)n, body, came);
}

/* Settles all that it remembers, in the shortest form. */
static void do_settle_all(struct play *p, int client)
{
    for (unsigned i = 8; i-- > 0;)
        if (*ear_work(client, i))
            say(p, client, 0, "ACK %s", ear_work(client, i));
}

static void do_read(struct play *p, int client)
{
    for (int i = script_byte(&p->script); i >= 0; i--) {
        (void)play_receive(p, client, 16 << 10);
        play_turn(p);
    }
}

/* A body that is longer than any may be. */
static void do_boast(struct play *p, int client)
{
    static const uint32_t bodies[4] = {1u << 20, UINT32_MAX, 4097, 513};
    static const char *const verbs[4] = {"PUB /t rid=b", "SUB /t rid=b",
                                         "PING x rid=b", "/topic/a"};
    uint8_t what = script_byte(&p->script), unit[64];
    const char *head = verbs[what & 3];
    uint8_t *end = frame_put(unit, head, (uint32_t)strlen(head));
    frame_put_length(end, bodies[what >> 2 & 3]);
    play_send(p->fds[client], unit, (size_t)(end - unit) + FRAME_HEAD_BYTES);
}

/* Messages to channels of their own, which appear for wildcards. */
static void do_scatter(struct play *p, int client)
{
    uint8_t what = script_byte(&p->script);
    for (int i = what >> 1; i >= 0; i--)
        say(p, client, 9, what & 1 ? "/queue/%d" : "/topic/%d", i);
}

play_verb *const play_units[PLAY_VERBS] = {
    do_open,  do_text,   do_subscribe, do_unsubscribe, do_publish, do_request,
    do_reply, do_settle, do_credit,    do_ping,        do_bye,     do_cut,
    do_read,  do_boast,  do_scatter,   do_settle_all,
};

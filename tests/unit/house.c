/* SPDX-License-Identifier: MIT */
#include "tests/unit/house.h"

#include <sys/socket.h>
#include <unistd.h>

#include "broker/core/topic_policy.h"
#include "broker/net/reactor.h"
#include "broker/session/clients_turn.h"
#include "broker/session/reader.h"
#include "proto/frame.h"

static uint32_t house_message_size(const uint8_t *message)
{
    return FRAME_HEAD_BYTES + frame_get_length(message);
}

/* One topic for each policy, and the default for all others. */
static void house_init_rules(struct house *h)
{
    static const struct {
        const char *pattern, *policy;
        uint32_t hold;
    } rows[HOUSE_RULES] = {
        {"/topic/*", "drop-oldest", 3},
        {"/sys/**", "drop-newest", 0},
        {"cut", "disconnect", 0},
        {"**", "wait", 0},
    };
    for (size_t i = 0; i < HOUSE_RULES; i++)
        h->rules[i] = (struct rule){
            .pattern = pattern_plain(rows[i].pattern),
            .client_limit_bytes = HOUSE_CLIENT_LIMIT,
            .limit_bytes = HOUSE_QUEUE_LIMIT,
            .limit_messages = UINT64_MAX,
            .patience_ms = 1000,
            .hold_messages = rows[i].hold,
            .policy = topic_policy_find(rows[i].policy),
        };
}

static void house_init_core(struct house *h)
{
    struct core_config config = {
        .rules = h->rules,
        .rule_count = HOUSE_RULES,
        .prefetch_bytes = HOUSE_PREFETCH,
        .turn_bytes = READER_MAX_BYTES,
        .message_size = house_message_size,
    };
    struct core_owner owner = clients_turn_core_owner(&h->clients);
    core_init(&h->core, &config, &owner, &h->counters, &h->budget);
}

bool house_open(struct house *h, int log_fd)
{
    static const struct clients_config config = {
        .max_frame_bytes = HOUSE_MAX_FRAME,
        .hello_ms = 5000,
        .frame_ms = 10000,
        .leave_ms = 3000,
        .hold_bytes = 16 << 10,
        .subscriptions_max = 1024,
        .requests_max = 1024,
    };
    *h = (struct house){.reactor = reactor_new()};
    if (!h->reactor)
        return false;
    log_init(&h->log, log_fd, LOG_DEBUG);
    house_init_rules(h);
    house_init_core(h);
    return clients_init(&h->clients, &config, h->reactor, &h->core,
                        &h->counters, &h->budget, &h->log);
}

void house_close(struct house *h)
{
    clients_fini(&h->clients);
    core_fini(&h->core);
    reactor_free(h->reactor);
}

int house_connect(struct house *h)
{
    int ends[2], bytes = HOUSE_SOCKET_BYTES / 2; /* the kernel doubles it */
    const struct sockaddr peer = {.sa_family = AF_UNIX};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   ends) != 0)
        return -1;
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    clients_add(&h->clients, ends[1], &peer, sizeof peer.sa_family,
                demands_none());
    return ends[0];
}

void house_turn(struct house *h)
{
    (void)reactor_turn(h->reactor, false, clients_turn_end, &h->clients);
}

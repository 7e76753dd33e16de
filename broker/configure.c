/* SPDX-License-Identifier: MIT */
#include "broker/configure.h"

#include "broker/base/log.h"
#include "broker/options/options.h"
#include "broker/session/reader.h"
#include "common/secrecy.h"
#include "proto/frame.h"

enum { LEAVE_MIN_MS = 1000 };

static uint32_t message_size(const uint8_t *message)
{
    return FRAME_HEAD_BYTES + frame_get_length(message);
}

void configure_secrecy(const struct options *o)
{
    if (o->users.text || o->tls_key.count > 0 || o->monitor_key.text)
        secrecy_hide_memory();
}

struct core_config configure_core(const struct options *o)
{
    return (struct core_config){
        .rules = o->rules.rows,
        .rule_count = o->rules.count + 1,
        .prefetch_bytes = o->prefetch.number,
        .turn_bytes = READER_MAX_BYTES,
        .message_size = message_size,
    };
}

static uint32_t configure_max_frame(const struct options *o, struct log *log)
{
    uint64_t possible = options_max_frame(o);
    if (possible < o->max_frame.number)
        log_event(log, LOG_WARNING, "max_frame_lowered",
                  LOG_U64("wanted", o->max_frame.number),
                  LOG_U64("possible", possible), LOG_TEXT("reason", "memory"));
    return (uint32_t)possible;
}

struct clients_config configure_clients(const struct options *o,
                                        struct log *log)
{
    /* A client that leaves is given time even when stopping gives none. */
    uint32_t leave_ms = o->drain_timeout.number > LEAVE_MIN_MS
                            ? (uint32_t)o->drain_timeout.number
                            : LEAVE_MIN_MS;
    return (struct clients_config){
        .max_frame_bytes = configure_max_frame(o, log),
        .hello_ms = (uint32_t)o->hello_timeout.number,
        .frame_ms = (uint32_t)o->frame_timeout.number,
        .leave_ms = leave_ms,
        .drain_ms = (uint32_t)o->drain_timeout.number,
        .patience_ms = (uint32_t)o->patience.number,
        .ping_ms = (uint32_t)o->ping.number,
        .hold_bytes = (uint32_t)o->hold.number,
        .subscriptions_max = (uint32_t)o->max_subscriptions.number,
        .requests_max = (uint32_t)o->max_requests.number,
    };
}

/* The reserve is a sixteenth of the bound. */
enum { RESERVE_PART = 16 };

static uint64_t divide_up(uint64_t n, uint64_t by)
{
    return (n + by - 1) / by;
}

static uint32_t to_32_bits(uint64_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

struct connection_limits configure_connections(const struct options *o,
                                               uint64_t possible,
                                               struct log *log)
{
    uint64_t wanted = o->max_connections.number;
    if (wanted > possible)
        log_event(log, LOG_WARNING, "max_connections_lowered",
                  LOG_U64("wanted", wanted), LOG_U64("possible", possible),
                  LOG_TEXT("reason", "open_files_limit"));
    uint64_t most = possible;
    if (wanted > 0 && wanted + divide_up(wanted, RESERVE_PART) < possible)
        most = wanted + divide_up(wanted, RESERVE_PART);
    uint64_t bound = most - divide_up(most, RESERVE_PART + 1);
    return (struct connection_limits){to_32_bits(bound), to_32_bits(most)};
}

/* SPDX-License-Identifier: MIT
 *
 * counters - what the broker counts, declared once. A row is an identifier,
 * its kind, unit and a sentence; log lines, metrics and documents walk the
 * table.
 */
#ifndef SLUICE_BASE_COUNTERS_H
#define SLUICE_BASE_COUNTERS_H

#include <stdint.h>

/* X(identifier, kind, unit, sentence) */
#define COUNTERS(X)                                                            \
    X(connections, GAUGE, "connections", "open connections")                   \
    X(accepted, COUNTER, "connections", "connections accepted")                \
    X(closed, COUNTER, "connections",                                          \
      "connections ended, whatever the "                                       \
      "reason")                                                                \
    X(closed_silent, COUNTER, "connections",                                   \
      "connections that ended before they sent anything")                      \
    X(closed_reset, COUNTER, "connections", "connections reset by the peer")   \
    X(closed_protocol, COUNTER, "connections",                                 \
      "connections closed because the peer broke the protocol")                \
    X(closed_timeout, COUNTER, "connections",                                  \
      "connections closed by a timeout")                                       \
    X(closed_slow, COUNTER, "connections",                                     \
      "connections closed by the policy disconnect")                           \
    X(closed_no_memory, COUNTER, "connections",                                \
      "connections closed because there was no memory for them")               \
    X(closed_auth, COUNTER, "connections",                                     \
      "connections closed because the client is nobody in the users file")     \
    X(closed_denied, COUNTER, "connections",                                   \
      "connections closed because the client's user may not do what it did")   \
    X(closed_no_place, COUNTER, "connections",                                 \
      "connections beyond --max-connections closed because they published to " \
      "a full queue")                                                          \
    X(closed_journal, COUNTER, "connections",                                  \
      "publishers to durable queues closed because the journal could not "     \
      "take their messages")                                                   \
    X(accept_pauses, COUNTER, "pauses",                                        \
      "times that accepting paused because descriptors or room ran out")       \
    X(tls_connections, GAUGE, "connections", "open connections with TLS")      \
    X(tls_half_open, GAUGE, "handshakes", "handshakes of TLS under way")       \
    X(tls_waiting, GAUGE, "handshakes",                                        \
      "handshakes that wait for others under way")                             \
    X(tls_handshakes, COUNTER, "handshakes", "handshakes that were completed") \
    X(tls_resumed, COUNTER, "handshakes",                                      \
      "of these, those that went on with an earlier session")                  \
    X(tls_failed, COUNTER, "handshakes", "handshakes that failed")             \
    X(tls_handshake_p50_us, GAUGE, "microseconds",                             \
      "median time of a handshake lately, a power of two")                     \
    X(tls_handshake_p99_us, GAUGE, "microseconds",                             \
      "99th percentile of that time")                                          \
    X(tls_certificates, GAUGE, "certificates", "certificates of TLS in use")   \
    X(tls_certificate_expires_seconds, GAUGE, "seconds",                       \
      "until the first of the certificates in use ends")                       \
    X(tls_crls, GAUGE, "lists",                                                \
      "lists of revoked certificates in use that have an end")                 \
    X(tls_crl_expires_seconds, GAUGE, "seconds",                               \
      "until the first of these lists ends")                                   \
    X(logins, COUNTER, "logins",                                               \
      "clients recognised by a token, a password or a signature")              \
    X(logins_failed, COUNTER, "logins",                                        \
      "clients that showed a wrong one, or that of nobody")                    \
    X(passwords_compared, COUNTER, "passwords",                                \
      "passwords that were not known from a short while ago")                  \
    X(logins_waiting, GAUGE, "logins", "clients that wait to be recognised")   \
    X(logins_busy, COUNTER, "logins",                                          \
      "clients refused because too many waited to be recognised")              \
    X(denied, COUNTER, "times",                                                \
      "times that a client did what its user may not")                         \
    X(user_pauses, COUNTER, "pauses",                                          \
      "times that a client was not read because of its user's limits")         \
    X(user_memory_excesses, COUNTER, "times",                                  \
      "times that a user held more memory than the users file allows")         \
    X(channels, GAUGE, "channels", "channels that exist")                      \
    X(subscribers, GAUGE, "subscribers", "clients subscribed to a channel")    \
    X(messages_in, COUNTER, "messages", "messages read from publishers")       \
    X(bytes_in, COUNTER, "bytes", "bytes read from clients")                   \
    X(messages_out, COUNTER, "messages",                                       \
      "messages handed to the kernel for a subscriber")                        \
    X(acked, COUNTER, "messages", "messages that workers acknowledged")        \
    X(held_messages, GAUGE, "messages",                                        \
      "messages that workers have and did not acknowledge yet")                \
    X(redelivered, COUNTER, "messages",                                        \
      "messages that workers had, and that others get")                        \
    X(expired, COUNTER, "messages",                                            \
      "messages that workers did not acknowledge in time")                     \
    X(requests, COUNTER, "requests", "requests that were routed")              \
    X(requests_timed_out, COUNTER, "requests",                                 \
      "requests that nobody replied to in time")                               \
    X(requests_no_responder, COUNTER, "requests",                              \
      "requests refused because no client could reply")                        \
    X(holds, COUNTER, "times",                                                 \
      "times that a publisher of version 2 was asked to hold back")            \
    X(parked_messages, COUNTER, "messages",                                    \
      "messages that were parked because their channel had no room")           \
    X(parked_bytes, GAUGE, "bytes", "bytes of messages that are parked")       \
    X(sync_waiting, GAUGE, "receipts",                                         \
      "receipts that wait until their messages are on disk")                   \
    X(sync_rests, COUNTER, "times",                                            \
      "times that a publisher was not read on because too many of its "        \
      "receipts waited")                                                       \
    X(gaps_told, COUNTER, "gaps",                                              \
      "gaps that readers of version 2 were told of")                           \
    X(messages_told, COUNTER, "messages", "messages that were missed in them") \
    X(unit_errors, COUNTER, "units", "units of version 2 that were refused")   \
    X(bytes_out, COUNTER, "bytes", "bytes handed to the kernel")               \
    X(dropped_no_subscriber, COUNTER, "messages",                              \
      "messages to a topic without subscribers")                               \
    X(dropped_slow, COUNTER, "messages",                                       \
      "messages that a slow subscriber missed")                                \
    X(dropped_newest, COUNTER, "messages",                                     \
      "messages dropped by the policy drop-newest")                            \
    X(dropped_oldest, COUNTER, "messages",                                     \
      "messages dropped by the policy drop-oldest")                            \
    X(dropped_memory, COUNTER, "messages",                                     \
      "messages of slow subscribers shed because memory was short")            \
    X(dropped_gone, COUNTER, "messages",                                       \
      "topic messages still unsent when their subscriber left")                \
    X(dropped_no_memory, COUNTER, "messages",                                  \
      "messages lost because there was no memory for them")                    \
    X(dropped_requests, COUNTER, "messages",                                   \
      "requests that ended while they waited in a queue")                      \
    X(dropped_parked, COUNTER, "messages",                                     \
      "messages that were parked when their connection ended")                 \
    X(dropped_stopping, COUNTER, "messages",                                   \
      "accepted messages not delivered when the broker stopped")               \
    X(purged, COUNTER, "messages",                                             \
      "waiting messages that were dropped on request")                         \
    X(discarded_null, COUNTER, "messages", "messages published to /null")      \
    X(discarded_sys, COUNTER, "messages",                                      \
      "messages that clients published to /sys")                               \
    X(returned, COUNTER, "messages",                                           \
      "queue messages that came back from a consumer that left")               \
    X(queued_messages, GAUGE, "messages", "messages held by queues")           \
    X(queued_bytes, GAUGE, "bytes", "bytes held by queues")                    \
    X(journal_state, GAUGE, "state",                                           \
      "of the journal: 0 it takes messages, 1 it is full, 2 it has failed")    \
    X(journal_bytes, GAUGE, "bytes", "files of the journal, all together")     \
    X(journal_live_bytes, GAUGE, "bytes",                                      \
      "of these, messages that are not done")                                  \
    X(journal_limit_bytes, GAUGE, "bytes", "upper limit of journal_bytes")     \
    X(journal_pending_bytes, GAUGE, "bytes",                                   \
      "messages to durable queues that are not on disk yet")                   \
    X(journal_segments, GAUGE, "files", "files of the journal with messages")  \
    X(journal_refused_channels, COUNTER, "times",                              \
      "times that a durable queue was not made because there are too many")    \
    X(journal_refused_messages, COUNTER, "messages",                           \
      "messages refused because the journal had no space for them")            \
    X(journal_batches, COUNTER, "batches", "batches written to the journal")   \
    X(journal_flushes, COUNTER, "flushes", "flushes of the journal")           \
    X(journal_group_waits, COUNTER, "batches",                                 \
      "batches that waited for publishers whose receipts had just been sent")  \
    X(journal_messages, COUNTER, "messages",                                   \
      "messages written to the journal")                                       \
    X(journal_acks, COUNTER, "messages",                                       \
      "messages noted as done in the journal")                                 \
    X(journal_late_acks, GAUGE, "runs",                                        \
      "runs of messages that are done, of which there are too many to note")   \
    X(journal_written_bytes, COUNTER, "bytes", "bytes written to the journal") \
    X(journal_moved_bytes, COUNTER, "bytes",                                   \
      "of these, messages that compaction copied")                             \
    X(journal_read_bytes, COUNTER, "bytes",                                    \
      "bytes of messages read back from the journal")                          \
    X(journal_damaged_messages, COUNTER, "messages",                           \
      "messages that could not be read back")                                  \
    X(journal_flush_p50_us, GAUGE, "microseconds",                             \
      "median time of a flush of the journal lately, a power of two")          \
    X(journal_flush_p99_us, GAUGE, "microseconds",                             \
      "99th percentile of that time")                                          \
    X(slow_subscribers, COUNTER, "times",                                      \
      "times that a subscriber was found to be slow")                          \
    X(pauses, COUNTER, "pauses", "times that a publisher was paused")          \
    X(paused_publishers, GAUGE, "publishers", "publishers that are paused")    \
    X(log_lost, COUNTER, "lines", "log lines that stderr had no room for")     \
    X(pressed, COUNTER, "times",                                               \
      "times that a channel was put under pressure because memory was short")  \
    X(memory_waits, COUNTER, "times",                                          \
      "times that a large message had to wait for memory")                     \
    X(beginnings_left, COUNTER, "times",                                       \
      "times that the beginning of a message was left in the kernel because "  \
      "half-sent messages had taken their share")                              \
    X(memory_bytes, GAUGE, "bytes", "memory held for clients")                 \
    X(memory_limit_bytes, GAUGE, "bytes", "upper limit of memory_bytes")       \
    X(memory_peak_bytes, GAUGE, "bytes",                                       \
      "highest value of memory_bytes so far")                                  \
    X(memory_waste_bytes, GAUGE, "bytes",                                      \
      "resident memory beyond what is held, counted as well while more than "  \
      "half of the limit is used")                                             \
    X(rss_bytes, GAUGE, "bytes", "resident memory of the process")             \
    X(cpu_us, COUNTER, "microseconds",                                         \
      "processor time that the process has used")                              \
    X(loop_lag_p50_us, GAUGE, "microseconds",                                  \
      "median delay of recent timers, measured while watched")                 \
    X(loop_lag_p99_us, GAUGE, "microseconds",                                  \
      "99th percentile of the delay of recent timers")                         \
    X(loop_lag_max_us, GAUGE, "microseconds",                                  \
      "maximum delay of recent timers")                                        \
    X(http_requests, COUNTER, "requests", "HTTP requests answered")            \
    X(http_refused, COUNTER, "requests",                                       \
      "of these, refused because of who asked")                                \
    X(watchers, GAUGE, "connections", "ZeroMQ watchers connected")             \
    X(watchers_refused, COUNTER, "times",                                      \
      "times that a ZeroMQ watcher was refused, or connected when there were " \
      "too many")                                                              \
    X(watchers_cut, COUNTER, "connections",                                    \
      "ZeroMQ watchers disconnected because they sent or subscribed to too "   \
      "much")                                                                  \
    X(feed_closed, COUNTER, "times",                                           \
      "times that the ZeroMQ feed was closed because libzmq took too much "    \
      "memory")                                                                \
    X(slow_watchers, COUNTER, "times",                                         \
      "times that a ZeroMQ watcher had no room and began to miss messages")    \
    X(events_missed, COUNTER, "events",                                        \
      "events that were not sent to watchers because there were too many")     \
    X(tap_missed, COUNTER, "messages",                                         \
      "messages that a tap did not show because there were too many")

enum counter_id {
#define COUNTER_ENUM(id, kind, unit, sentence) COUNT_##id,
    COUNTERS(COUNTER_ENUM)
#undef COUNTER_ENUM
        COUNTER_TOTAL
};

enum counter_kind { COUNTER_KIND_COUNTER, COUNTER_KIND_GAUGE };

struct counter_row {
    const char *name;
    enum counter_kind kind;
    const char *unit;
    const char *sentence;
};

extern const struct counter_row counter_rows[COUNTER_TOTAL];

struct counters {
    uint64_t value[COUNTER_TOTAL];
};

static inline void counter_add(struct counters *c, enum counter_id id,
                               uint64_t n)
{
    c->value[id] += n;
}

static inline void counter_sub(struct counters *c, enum counter_id id,
                               uint64_t n)
{
    c->value[id] -= n;
}

static inline void counter_set(struct counters *c, enum counter_id id,
                               uint64_t n)
{
    c->value[id] = n;
}

#endif

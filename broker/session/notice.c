/* SPDX-License-Identifier: MIT */
#include "broker/session/notice.h"

#include "broker/base/log.h"
#include "broker/net/peer.h"
#include "broker/net/tls.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "common/address.h"
#include "users/users.h"

struct who {
    char peer[SLUICE_ADDRESS_TEXT_BYTES];
    const uint8_t *channel; /* NULL when subscribed to none */
    size_t channel_length;
};

static struct who who_is(const struct session *s)
{
    struct who who = {.channel = NULL};
    peer_format(&s->peer, who.peer, sizeof who.peer);
    if (s->sub.channel) {
        who.channel = channel_name(s->sub.channel);
        who.channel_length = channel_name_length(s->sub.channel);
    }
    return who;
}

/* One line: peer and channel, then the fields given. Formatting the peer costs
 * more than the rest, so it is done only for a line that is written. */
#define NOTICE(s, level, event, ...)                                           \
    NOTICE_BY(log_fields, s, level, event, __VA_ARGS__)

/* The same by another function of the log. */
#define NOTICE_BY(put, s, level, event, ...)                                   \
    do {                                                                       \
        if (log_is_on((s)->all->log, level)) {                                 \
            struct who who = who_is(s);                                        \
            put((s)->all->log, level, event,                                   \
                LOG_LIST(                                                      \
                    LOG_U64("conn", (s)->id), LOG_TEXT("peer", who.peer),      \
                    LOG_BYTES("channel", who.channel, who.channel_length),     \
                    __VA_ARGS__));                                             \
        }                                                                      \
    } while (0)

void notice_connected(const struct session *s)
{
    NOTICE(s, LOG_DEBUG, "connected", LOG_NONE);
}

/* Passwords are what people type: they are worth a line. */
void notice_login(const struct session *s, struct span user, struct span mech)
{
    enum log_level level = span_is_text(mech, "plain") ? LOG_INFO : LOG_DEBUG;
    NOTICE(s, level, "auth_ok",
           LOG_BYTES("user", (const uint8_t *)user.text, user.length),
           LOG_BYTES("mech", (const uint8_t *)mech.text, mech.length));
}

void notice_login_failed(const struct session *s, struct span user,
                         struct span mech, uint64_t missed)
{
    NOTICE_BY(log_bounded, s, LOG_WARNING, "auth_failed",
              LOG_BYTES("user", (const uint8_t *)user.text, user.length),
              LOG_BYTES("mech", (const uint8_t *)mech.text, mech.length),
              LOG_U64("missed", missed));
}

void notice_login_busy(const struct session *s, uint64_t missed)
{
    NOTICE(s, LOG_WARNING, "auth_busy", LOG_U64("missed", missed));
}

void notice_denied(const struct session *s, const char *user, const char *what,
                   const void *name, size_t length, uint64_t missed)
{
    NOTICE(s, LOG_WARNING, "denied", LOG_TEXT("user", user),
           LOG_TEXT("what", what), LOG_BYTES("name", name, length),
           LOG_U64("missed", missed));
}

/* What TLS has to say of the end, if it is the cause. */
struct why_tls {
    const char *fault, *hint, *alert; /* NULL: nothing */
};

static struct why_tls why_tls(const struct session *s)
{
    struct why_tls why = {.fault = NULL};
    enum tls_fault fault = tls_fault_of(s->stream, &why.alert);
    if (fault != TLS_SOUND) {
        why.fault = tls_fault_rows[fault].name;
        why.hint = tls_fault_rows[fault].hint;
    }
    return why;
}

/* In all its channels together. */
void notice_closed(const struct session *s, struct verdict why,
                   enum log_level level)
{
    struct view v = {.name = NULL};
    session_kind(s)->view(s, reactor_now_ms(s->all->reactor), &v);
    struct why_tls tls = why_tls(s);
    NOTICE(s, level, "closed", LOG_TEXT("reason", reason_rows[why.reason].name),
           LOG_TEXT("protocol", why.protocol), LOG_TEXT("fault", tls.fault),
           LOG_TEXT("alert", tls.alert), LOG_TEXT("hint", tls.hint),
           LOG_TEXT("state", state_names[s->state]),
           LOG_U64("messages_in", s->pub.messages_in),
           LOG_U64("messages_out", v.number[VIEW_OUT]),
           LOG_U64("dropped", v.number[VIEW_DROPPED]),
           LOG_BYTES("name", v.label, v.label_length));
}

/* Without a channel, the session waits for memory. */
void notice_paused(const struct session *s)
{
    const struct channel *full = publisher_waits_for(&s->pub);
    NOTICE(s, LOG_DEBUG, "publisher_paused",
           LOG_BYTES("waits_for", full ? channel_name(full) : NULL,
                     full ? channel_name_length(full) : 0),
           LOG_U64("gates", s->pub.wait_count));
}

void notice_resumed(const struct session *s)
{
    NOTICE(s, LOG_DEBUG, "publisher_resumed", LOG_NONE);
}

void notice_held(const struct session *s, const uint8_t *name, size_t length,
                 uint64_t parked_bytes)
{
    NOTICE(s, LOG_DEBUG, "publisher_held", LOG_BYTES("waits_for", name, length),
           LOG_U64("parked", parked_bytes));
}

void notice_refused(const struct session *s, const char *code, const char *word,
                    size_t length)
{
    NOTICE(s, LOG_DEBUG, "unit_refused", LOG_TEXT("code", code),
           LOG_BYTES("verb", word, length));
}

void notice_user_memory(const struct clients *all, const struct user *user,
                        uint64_t bytes)
{
    log_event(all->log, LOG_WARNING, "user_memory",
              LOG_TEXT("user", user->name), LOG_U64("held", bytes),
              LOG_U64("limit", user->limits.memory_bytes));
}

void notice_slow(void *clients, struct subscriber *sub)
{
    const struct session *s = session_of_subscriber(sub);
    (void)clients;
    NOTICE(s, LOG_WARNING, "slow_consumer",
           LOG_U64("queued", sub->outbox->bytes), LOG_TEXT("action", "drop"));
}

void notice_recovered(void *clients, struct subscriber *sub)
{
    const struct session *s = session_of_subscriber(sub);
    (void)clients;
    NOTICE(s, LOG_INFO, "slow_consumer_recovered",
           LOG_U64("queued", sub->outbox->bytes),
           LOG_U64("dropped", sub->dropped));
}

void notice_pressed(void *clients, const struct channel *ch)
{
    const struct clients *all = clients;
    log_event(all->log, LOG_WARNING, "memory_short",
              LOG_BYTES("channel", channel_name(ch), channel_name_length(ch)),
              LOG_U64("held", ch->account.bytes),
              LOG_U64("memory", budget_level(all->budget)),
              LOG_U64("limit", all->budget->limit_bytes));
}

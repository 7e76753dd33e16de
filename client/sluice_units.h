/* SPDX-License-Identifier: MIT
 *
 * sluice_units - libsluice in version 2 of the protocol. Programs include
 * sluice.h.
 *
 *     struct sluice *s = sluice_new();
 *     const struct sluice_event *e;
 *     struct sluice_subscription work = {
 *         .size = sizeof work, .acks = true, .credit = 1};
 *     if (sluice_open(s, SLUICE_DEFAULT_SERVER, 5000) ||
 *         sluice_subscribe_to(s, sluice_text("/queue/jobs"), &work, 1, 5000))
 *         return complain(sluice_error_detail(s));
 *     while (sluice_next(s, &e, SLUICE_FOREVER) == SLUICE_OK)
 *         if (e->kind == SLUICE_EVENT_MESSAGE && do_the_job(e->body) &&
 *             sluice_ack(s, &e->delivery, 0, 5000) != SLUICE_OK)
 *             break;
 *
 * Everything that happens is an event, and sluice_next() returns one after the
 * other. Calls that the broker answers take a token, any number: its answer is
 * an event with that token, SLUICE_EVENT_RECEIPT, SLUICE_EVENT_REPLY or
 * SLUICE_EVENT_FAILED, exactly one for each call that returned SLUICE_OK. Token
 * 0 asks for no answer: success is silent then, and a refusal is a
 * SLUICE_EVENT_FAILED with token 0. sluice_await() waits for one answer,
 * sluice_confirm() for all of them.
 *
 * All calls below that have a timeout keep the rules of sluice.h. While they
 * wait they read: events that arrive are kept, up to
 * SLUICE_READ_AHEAD bytes; beyond that they return SLUICE_BACKLOG, and events
 * must be taken first. They also wait while there is no connection, when
 * sluice_set_reconnect() is in force.
 *
 * With an event loop of your own: wait for sluice_events() on sluice_fd(), or
 * until sluice_wait_ms() has passed; then call sluice_next() with
 * SLUICE_NO_WAIT until it returns anything but SLUICE_OK. Ask for all three
 * again after every round of calls: a new connection has another descriptor,
 * and between two connections there is none. Only the lookup of a host's name
 * blocks.
 */
#ifndef SLUICE_UNITS_H
#define SLUICE_UNITS_H

#include "sluice_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For subscribe and publish calls whose answer is needed by sluice_confirm()
 * alone: no event, unless it failed. */
#define SLUICE_CONFIRM UINT64_MAX

enum {
    SLUICE_WINDOW_DEFAULT = 1000, /* calls that wait for their answer */
    SLUICE_WINDOW_MAX = 1 << 16,
    SLUICE_HEADERS_MAX = 30, /* of one message */
    SLUICE_CREDIT_MAX = 65535,
    SLUICE_PATTERN_MAX = 3 * SLUICE_CHANNEL_MAX + 1, /* with its NUL */
};

/* A header of a message: `name` begins with a capital, then up to 63 letters,
 * digits, '-', '_' or '.'. A list of them ends with a NULL name. */
struct sluice_header {
    const char *name;
    struct sluice_bytes value;
};

/* Identifies a message that was received, to acknowledge it or to reply to it.
 * Copy it to use it after the next sluice_next(). Its fields are the library's
 * own. */
struct sluice_delivery {
    uint64_t seq;
    uint32_t connection;
    uint8_t channel_length;
    uint8_t reply_length; /* 0: it is no request */
    char channel[SLUICE_CHANNEL_MAX];
    char reply[65];
};

enum sluice_event_kind {
    /* A message: token (of the subscription), channel, seq, body, headers,
     * is_new, tries, wants_reply, delivery. One for each subscription that
     * matches. */
    SLUICE_EVENT_MESSAGE = 1,

    /* The messages seq to last of this channel will not come: token, channel,
     * seq, last, reason ("slow", "memory", ...), is_new. */
    SLUICE_EVENT_GAP,

    /* After a reconnection, for a topic by its exact name: the messages seq to
     * last, or some of them, were missed; token, channel, seq, last. Both are 0
     * when the broker was restarted: then any number was. */
    SLUICE_EVENT_MISSED,

    /* A hole in the numbers that was not reported: channel, seq (then due). */
    SLUICE_EVENT_UNTOLD,

    /* A call was executed: token, seq, subscribers, dropped, waiting,
     * is_on_disk. */
    SLUICE_EVENT_RECEIPT,

    /* The reply to a request: token, body, headers. */
    SLUICE_EVENT_REPLY,

    /* A call failed: token, reason, body (a text for people). The reason is a
     * code of the broker, such as "denied", "gone", "no-responder" or
     * "timeout"; "not-done" when the broker said goodbye before it executed the
     * call; "unknown" when the connection broke before the answer. With the
     * token of a subscription that had been made: the broker refused to make it
     * again, and it has ended. */
    SLUICE_EVENT_FAILED,

    /* The broker holds back what is published to this channel, which returns
     * SLUICE_HELD or waits, until SLUICE_EVENT_GO: channel. */
    SLUICE_EVENT_HOLD,
    SLUICE_EVENT_GO,

    /* Connected, also for the first time: run (names this start of the broker),
     * is_new (the run is another one than before). */
    SLUICE_EVENT_OPEN,

    /* The broker is stopping: wait_ms (until it says goodbye, at most). */
    SLUICE_EVENT_DRAIN,

    /* The connection has ended: reason ("bye", in order; or "broken"), body (a
     * text for people, which ends with a NUL). Comes after the events of its
     * unanswered calls. SLUICE_EVENT_OPEN follows with sluice_set_reconnect(),
     * else nothing more. */
    SLUICE_EVENT_END,
};

/* Belongs to the handle; valid until the next sluice_next(), sluice_await(),
 * sluice_close() or sluice_free(). Fields that its kind does not name are 0,
 * headers always ends with a NULL name. Later versions append fields and
 * kinds: ignore the kinds that you do not know. */
struct sluice_event {
    enum sluice_event_kind kind;
    bool is_new;      /* the first message of its channel */
    bool wants_reply; /* it is a request; see sluice_reply() */
    uint64_t token;
    struct sluice_bytes channel;         /* as octets, nothing encoded */
    uint64_t seq;                        /* counts per channel, from 1 */
    uint64_t last;                       /* of a gap, the gap included */
    struct sluice_bytes body;            /* of a message, reply, failure, end */
    const struct sluice_header *headers; /* values end with a NUL as well */
    const char *reason;                  /* never NULL */
    const char *run;                     /* never NULL */
    uint64_t tries;       /* deliveries of this message so far, 1 at first */
    uint64_t subscribers; /* connections or consumers that got it, of a receipt;
                             0: there was none */
    uint64_t dropped;     /* those that were too slow for it */
    uint64_t waiting;     /* in a queue: its place, 1 is the next */
    uint64_t wait_ms;
    struct sluice_delivery delivery;
    bool is_on_disk; /* of a receipt: see sluice_set_sync() */
};

/* How to subscribe. Set `size` to sizeof(struct sluice_subscription) and leave
 * the fields at 0 that you do not need. */
struct sluice_subscription {
    size_t size;
    bool acks;        /* queues only: messages must be acknowledged */
    uint32_t credit;  /* how many may be unacknowledged; 0 means 1 */
    uint32_t wait_ms; /* after so long without sluice_ack() another worker
                         gets the message; 0: only when this one goes */
};

/* Settings, for the next sluice_open(). Texts are copied; NULL takes one back.
 * name      shown in the broker's monitoring, up to 64 bytes
 * login     who this is, and the proof; kept in memory to reconnect. `mech` is
 *           "plain", with a password as `proof`; "token", with a token, and
 *           `user` may be NULL; or "ed25519", with a private key in PEM, which
 *           signs what the broker draws, and is not sent
 * ping      the period of keepalive, 1000 to 3600000 ms, 0 for none, -1 for
 *           the broker's. A handle that is not used for two periods is
 *           disconnected
 * reconnect whether to connect and subscribe again when the connection is lost,
 *           after pauses of 50 ms to 5 s; may be changed at any time
 * window    how many calls may wait for their answers, 1 to SLUICE_WINDOW_MAX;
 *           further ones wait until some are answered
 * sync      whether the receipt of a message that is published from now on
 *           comes only when it is on disk, if its queue is durable: then
 *           is_on_disk is true. Failures "full" and "disk": it was not taken,
 *           the disk is full or has failed. A broker without durable queues
 *           refuses such calls with "bad-option". May be changed at any time */
SLUICE_MUST_CHECK enum sluice_error sluice_set_name(struct sluice *s,
                                                    const char *name);
SLUICE_MUST_CHECK enum sluice_error sluice_set_login(struct sluice *s,
                                                     const char *user,
                                                     const char *mech,
                                                     struct sluice_bytes proof);
SLUICE_MUST_CHECK enum sluice_error sluice_set_ping(struct sluice *s, int ms);
SLUICE_MUST_CHECK enum sluice_error sluice_set_reconnect(struct sluice *s,
                                                         bool is_on);
SLUICE_MUST_CHECK enum sluice_error sluice_set_window(struct sluice *s,
                                                      uint32_t calls);
SLUICE_MUST_CHECK enum sluice_error sluice_set_sync(struct sluice *s,
                                                    bool is_on);

/* Connects in version 2 to an address as sluice_connect() takes it, and waits
 * for the broker's answer. With sluice_set_reconnect() it tries until the time
 * is up. With SLUICE_NO_WAIT it only begins: sluice_next() goes on, up to
 * SLUICE_EVENT_OPEN. `address` NULL: on the socket that sluice_attach() was
 * given; there is no reconnecting then.
 *
 * SLUICE_UNSUPPORTED: the broker speaks version 1 only, try sluice_connect().
 * SLUICE_REFUSED: sluice_error_code() says why. */
SLUICE_MUST_CHECK enum sluice_error
sluice_open(struct sluice *s, const char *address, int timeout_ms);

/* The next event. Sends what was collected before it waits. When the connection
 * has ended for good, the events that had arrived are returned first, then the
 * reason, on every call. */
SLUICE_MUST_CHECK enum sluice_error
sluice_next(struct sluice *s, const struct sluice_event **event,
            int timeout_ms);

/* The answer to the call with this token; events before it are kept for
 * sluice_next(). Tokens that are waited for should differ. */
SLUICE_MUST_CHECK enum sluice_error
sluice_await(struct sluice *s, uint64_t token,
             const struct sluice_event **event, int timeout_ms);

/* Waits until every call so far has been answered that asked for it, requests
 * excepted. SLUICE_OK: all of them were executed, since the last
 * sluice_confirm(). Otherwise the failure of the first that was not. Their
 * events, if they have any, are still to be taken. */
SLUICE_MUST_CHECK enum sluice_error sluice_confirm(struct sluice *s,
                                                   int timeout_ms);

/* Subscribes to the channels that `pattern` matches. '*' stands for one segment
 * between slashes, '**' at the end for all that are left, "%XX" for one octet;
 * every other octet for itself. A pattern matches queues only when it begins
 * with "/queue", and then nothing else.
 *
 * `how` may be NULL: without acknowledgements, a message of a queue is done
 * when the broker has sent it. The messages, gaps and so on of the subscription
 * carry `token`, and so does its SLUICE_EVENT_RECEIPT, if `token` is not 0; its
 * `seq` is, for a topic by its exact name, the number of the last message
 * before the subscription. */
SLUICE_MUST_CHECK enum sluice_error
sluice_subscribe_to(struct sluice *s, struct sluice_bytes pattern,
                    const struct sluice_subscription *how, uint64_t token,
                    int timeout_ms);

/* Ends the subscription with this pattern. Its messages that have arrived are
 * dropped; those that must be acknowledged return to their queue. `seq` of the
 * receipt: see sluice_subscribe_to(). */
SLUICE_MUST_CHECK enum sluice_error
sluice_unsubscribe(struct sluice *s, struct sluice_bytes pattern,
                   uint64_t token, int timeout_ms);

/* Sets how many messages of a subscription may be unacknowledged, up to
 * SLUICE_CREDIT_MAX; 0 pauses it. */
SLUICE_MUST_CHECK enum sluice_error
sluice_credit(struct sluice *s, struct sluice_bytes pattern, uint32_t messages,
              uint64_t token, int timeout_ms);

/* Publishes, as sluice_publish() does. `headers` may be NULL. A message above
 * the broker's limit is SLUICE_TOO_LONG. While the broker holds the channel
 * back the call waits, with SLUICE_NO_WAIT it returns SLUICE_HELD; other
 * channels go on. */
SLUICE_MUST_CHECK enum sluice_error
sluice_publish_to(struct sluice *s, struct sluice_bytes channel,
                  struct sluice_bytes body, const struct sluice_header *headers,
                  uint64_t token, int timeout_ms);

/* Publishes a request. The answer, SLUICE_EVENT_REPLY or SLUICE_EVENT_FAILED,
 * comes within `reply_ms`, 1 to 3600000. `token` is not 0. */
SLUICE_MUST_CHECK enum sluice_error
sluice_request(struct sluice *s, struct sluice_bytes channel,
               struct sluice_bytes body, const struct sluice_header *headers,
               int reply_ms, uint64_t token, int timeout_ms);

/* Replies to a message that wants_reply. The first reply counts; of a queue,
 * the request must be acknowledged as well. SLUICE_GONE: it came on a
 * connection that has ended. */
SLUICE_MUST_CHECK enum sluice_error
sluice_reply(struct sluice *s, const struct sluice_delivery *delivery,
             struct sluice_bytes body, const struct sluice_header *headers,
             uint64_t token, int timeout_ms);

/* Acknowledges a message: it is done. SLUICE_GONE, and nothing is sent: it came
 * on a connection that has ended, and has returned to its queue. */
SLUICE_MUST_CHECK enum sluice_error
sluice_ack(struct sluice *s, const struct sluice_delivery *delivery,
           uint64_t token, int timeout_ms);

/* Returns a message to its queue, to be delivered again after `delay_ms`, 0 to
 * 3600000. `reason` is for people, its first 512 bytes count. */
SLUICE_MUST_CHECK enum sluice_error
sluice_nak(struct sluice *s, const struct sluice_delivery *delivery,
           uint32_t delay_ms, struct sluice_bytes reason, uint64_t token,
           int timeout_ms);

/* The message is still being worked on: the time of `wait_ms` starts again. */
SLUICE_MUST_CHECK enum sluice_error
sluice_touch(struct sluice *s, const struct sluice_delivery *delivery,
             uint64_t token, int timeout_ms);

/* Milliseconds until sluice_next() has something to do; -1: only input will. */
int sluice_wait_ms(const struct sluice *s);

/* How many messages gaps have reported as lost to this handle so far. */
uint64_t sluice_lost(const struct sluice *s);

/* Writes the pattern that matches this channel only, whatever octets its name
 * has, and returns `out`; NULL when it is not 1 to 255 bytes. */
const char *sluice_exact(char out[SLUICE_PATTERN_MAX],
                         struct sluice_bytes channel);

/* The code of the broker's last refusal, such as "denied", while the last
 * failure is SLUICE_REFUSED or SLUICE_UNSUPPORTED; else "". */
const char *sluice_error_code(const struct sluice *s);

#ifdef __cplusplus
}
#endif

#endif

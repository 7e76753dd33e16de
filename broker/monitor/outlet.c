/* SPDX-License-Identifier: MIT */
#include "broker/monitor/outlet.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "broker/base/allocator.h"
#include "broker/base/budget.h"
#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/base/process.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/feed.h"
#include "broker/monitor/local_feed.h"
#include "broker/monitor/overuse.h"
#include "broker/monitor/plain_feed.h"
#include "broker/monitor/pub_socket.h"
#include "broker/monitor/zap.h"
#include "broker/net/reactor.h"
#include "common/key_file.h"
#include "common/sentence.h"

enum { LOOK_MS = 250 };

struct endpoint {
    enum outlet_kind kind;
    char *text;
};

struct outlet {
    struct broker_view *broker;
    struct pub_socket_shared *shared;
    struct feed *feed;                      /* NULL while it is closed */
    struct plain_feed *plain[OUTLET_KINDS]; /* NULL without an endpoint, and
                                               while the feed is closed */
    struct zap *zap;
    struct reactor_timer *timer;
    struct overuse overuse;
    uint64_t taps_per_second;
    const struct local_feed *locals;
    size_t local_count;
    char key[KEY_FILE_TEXT_BYTES]; /* the secret one; "" when there is none */
    size_t count;
    struct endpoint endpoints[];
};

static const struct kind_row {
    const char *option;
    const char *word; /* in the log */
    enum pub_socket_kind socket;
} kinds[OUTLET_KINDS] = {
    [OUTLET_TOPICS] = {"monitor-bind", "topics", PUB_SOCKET_XPUB},
    [OUTLET_JSON] = {"monitor-json", "json", PUB_SOCKET_XPUB},
    [OUTLET_PUSH] = {"monitor-push", "push", PUB_SOCKET_PUSH},
};

bool outlet_send(struct outlet *o)
{
    bool needs_survey = o && o->feed && feed_send(o->feed);
    for (size_t i = 0; o && i < OUTLET_KINDS; i++)
        needs_survey |= o->plain[i] && plain_feed_send(o->plain[i]);
    return needs_survey;
}

void outlet_send_seen(struct outlet *o, const struct survey_result *seen)
{
    if (o && o->feed)
        feed_send_seen(o->feed, seen);
    for (size_t i = 0; o && i < OUTLET_KINDS; i++)
        if (o->plain[i])
            plain_feed_send_seen(o->plain[i], seen);
}

/* The endpoint becomes the bound one: with the same port when it is bound
 * again. */
static bool outlet_bind(struct outlet *o, struct pub_socket *socket,
                        struct endpoint *e, struct sentence *why)
{
    const struct kind_row *kind = &kinds[e->kind];
    char bound[PUB_SOCKET_ENDPOINT_BYTES];
    struct sentence reason;
    if (!pub_socket_bind(socket, e->text, bound, &reason))
        return sentence_fail(why, "--%s: %s: %s", kind->option, e->text,
                             reason.text);
    char *copy = strdup(bound);
    if (!copy)
        return sentence_fail(why, "%s", strerror(ENOMEM));
    free(e->text);
    e->text = copy;
    log_event(o->broker->log, LOG_INFO, "feeding", LOG_TEXT("endpoint", bound),
              LOG_TEXT("name", o->broker->name), LOG_TEXT("as", kind->word));
    return true;
}

static bool outlet_adopt(struct outlet *o, const struct local_feed *l,
                         struct sentence *why)
{
    return !l->file.path[0] ||
           pub_socket_adopt(feed_socket(o->feed), l->fd, l->file.path, why);
}

/* Binds what is offered as `kind`, and starts it. */
static bool outlet_open_socket(struct outlet *o, struct pub_socket *socket,
                               enum outlet_kind kind, struct sentence *why)
{
    struct sentence reason;
    if (o->key[0] && !pub_socket_protect(socket, o->key, &reason))
        return sentence_fail(why, "--monitor-key: %s", reason.text);
    for (size_t i = 0; i < o->count; i++)
        if (o->endpoints[i].kind == kind &&
            !outlet_bind(o, socket, &o->endpoints[i], why))
            return false;
    return pub_socket_start(socket, why);
}

static bool outlet_open_feed(struct outlet *o, struct sentence *why)
{
    o->feed = feed_new(o->broker, o->shared, o->taps_per_second);
    if (!o->feed)
        return sentence_fail(why, "cannot start the feed: %s",
                             zmq_strerror(errno));
    for (size_t i = 0; i < o->local_count; i++)
        if (!outlet_adopt(o, &o->locals[i], why))
            return false;
    return outlet_open_socket(o, feed_socket(o->feed), OUTLET_TOPICS, why);
}

static bool outlet_has(const struct outlet *o, enum outlet_kind kind)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->endpoints[i].kind == kind)
            return true;
    return false;
}

static bool outlet_open_plain(struct outlet *o, enum outlet_kind kind,
                              struct sentence *why)
{
    if (!outlet_has(o, kind))
        return true;
    o->plain[kind] = plain_feed_new(o->broker, o->shared, kinds[kind].socket);
    return o->plain[kind] ? outlet_open_socket(
                                o, plain_feed_socket(o->plain[kind]), kind, why)
                          : sentence_fail(why, "cannot start the feed: %s",
                                          zmq_strerror(errno));
}

static bool outlet_open(struct outlet *o, struct sentence *why)
{
    return outlet_open_feed(o, why) && outlet_open_plain(o, OUTLET_JSON, why) &&
           outlet_open_plain(o, OUTLET_PUSH, why);
}

static void outlet_end(struct outlet *o)
{
    feed_free(o->feed);
    o->feed = NULL;
    for (size_t i = 0; i < OUTLET_KINDS; i++) {
        plain_feed_free(o->plain[i]);
        o->plain[i] = NULL;
    }
}

static clock_ms outlet_now(const struct outlet *o)
{
    return reactor_now_ms(o->broker->reactor);
}

static void outlet_close(struct outlet *o, uint64_t resident)
{
    uint32_t pause_ms = overuse_close(&o->overuse, outlet_now(o));
    log_event(o->broker->log, LOG_ERROR, "feed_closed",
              LOG_TEXT("reason", "memory"), LOG_U64("resident", resident),
              LOG_U64("memory", o->broker->budget->limit_bytes),
              LOG_U64("pause_ms", pause_ms));
    counter_add(o->broker->counters, COUNT_feed_closed, 1);
    outlet_end(o);
}

/* The endpoints may still be in use for a moment: then after another pause. */
static void outlet_try(struct outlet *o)
{
    struct sentence why;
    if (outlet_open(o, &why)) {
        overuse_open(&o->overuse, outlet_now(o));
        return;
    }
    outlet_end(o);
    log_event(o->broker->log, LOG_ERROR, "feed_not_opened",
              LOG_TEXT("why", why.text),
              LOG_U64("pause_ms", overuse_close(&o->overuse, outlet_now(o))));
}

/* Holes of the allocator are not overuse, so they are given back first; after
 * the feed was closed, this gives back what libzmq has freed. */
static void outlet_look(struct outlet *o)
{
    if (!allocator_is_plain() || !overuse_is(&o->overuse, process_rss_bytes()))
        return;
    allocator_trim();
    uint64_t resident = process_rss_bytes();
    if (o->feed && overuse_is(&o->overuse, resident))
        outlet_close(o, resident);
}

static void outlet_on_timer(void *arg)
{
    struct outlet *o = arg;
    (void)reactor_timer_start(o->timer, LOOK_MS);
    outlet_look(o);
    if (overuse_may_open(&o->overuse, outlet_now(o)))
        outlet_try(o);
}

static bool outlet_copy(struct outlet *o, const struct outlet_config *config)
{
    for (enum outlet_kind kind = 0; kind < OUTLET_KINDS; kind++)
        for (size_t i = 0; i < config->binds[kind].count; i++) {
            char *text = strdup(config->binds[kind].items[i]);
            if (!text)
                return false;
            o->endpoints[o->count++] = (struct endpoint){kind, text};
        }
    return true;
}

static bool outlet_start(struct outlet *o, const struct outlet_config *config,
                         struct sentence *why)
{
    if (!outlet_copy(o, config))
        return sentence_fail(why, "%s", strerror(ENOMEM));
    overuse_init(&o->overuse, o->broker->budget, process_rss_bytes(),
                 outlet_now(o));
    if (config->key && !key_file_read(config->key, true, o->key, why))
        return false;
    o->zap = zap_new(o->shared, config->clients, config->users, why);
    if (!o->zap)
        return false;
    o->shared->zap = o->zap;
    o->timer = reactor_timer_new(o->broker->reactor, outlet_on_timer, o);
    return ((o->timer && reactor_timer_start(o->timer, LOOK_MS)) ||
            sentence_fail(why, "%s", strerror(ENOMEM))) &&
           outlet_open(o, why);
}

struct outlet *outlet_new(const struct outlet_config *config,
                          struct broker_view *broker,
                          struct pub_socket_shared *shared,
                          struct sentence *why)
{
    size_t count = 0;
    for (size_t i = 0; i < OUTLET_KINDS; i++)
        count += config->binds[i].count;
    struct outlet *o = calloc(1, sizeof *o + count * sizeof *o->endpoints);
    if (!o) {
        sentence_fail(why, "%s", strerror(ENOMEM));
        return NULL;
    }
    o->broker = broker;
    o->shared = shared;
    o->taps_per_second = config->taps_per_second;
    o->locals = config->locals;
    o->local_count = config->local_count;
    if (outlet_start(o, config, why))
        return o;
    outlet_free(o);
    return NULL;
}

/* While the feed is closed nobody is connected. */
static void outlet_review(struct outlet *o)
{
    bool is_any_revoked = zap_take_revoked(o->zap);
    if (o->feed)
        pub_socket_review(feed_socket(o->feed), is_any_revoked);
    for (size_t i = 0; i < OUTLET_KINDS; i++)
        if (o->plain[i])
            pub_socket_review(plain_feed_socket(o->plain[i]), is_any_revoked);
}

void outlet_set_users(struct outlet *o, struct users *users)
{
    zap_set_users(o->zap, users);
    outlet_review(o);
}

bool outlet_reload(struct outlet *o, struct sentence *why)
{
    if (!zap_reload(o->zap, why))
        return false;
    outlet_review(o);
    return true;
}

void outlet_free(struct outlet *o)
{
    if (!o)
        return;
    outlet_end(o);
    zap_free(o->zap);
    o->shared->zap = NULL;
    reactor_timer_free(o->timer);
    explicit_bzero(o->key, sizeof o->key);
    for (size_t i = 0; i < o->count; i++)
        free(o->endpoints[i].text);
    free(o);
}

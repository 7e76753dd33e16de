/* SPDX-License-Identifier: MIT
 *
 * load - one load for many brokers, so that they can be compared: the same
 * bytes from the same loop, in the dialect of each.
 *
 * It relies on every message taking the same number of bytes: what was
 * received is counted, not parsed, which is as cheap as it can be. A broker
 * that lost, or added, a byte would never be done and fails.
 *
 * Without --rate it sends as fast as --window allows; with it, message n is
 * sent at n / rate, and its latency counts from then.
 */
#include "client/bench/histogram.h"
#include "client/cli_option.h"
#include "tests/bench/load/dialect.h"
#include "tests/bench/load/link.h"
#include "tests/bench/load/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    LOAD_BATCH_BYTES = 64 << 10,
    LOAD_READ_BYTES = 1 << 20,
    LOAD_EVENTS = 256,
};

#define LOAD_STALL_NS UINT64_C(10000000000)

struct load_options {
    const char *dialect;
    struct cli_option_number port, pubs, subs, channels, size, duration_ms,
        rate, window;
    bool queue, tls;
};

#define LOAD_VALUE(field) offsetof(struct load_options, field)

static const struct cli_option load_option_rows[] = {
    {"dialect", CLI_OPTION_TEXT, LOAD_VALUE(dialect), "NAME", "sluice", NULL, 0,
     0, "sluice, relay, nats, redis or mqtt"},
    {"port", CLI_OPTION_COUNT, LOAD_VALUE(port), "N", "25000", NULL, 1, 65535,
     "of the broker, on 127.0.0.1"},
    {"pubs", CLI_OPTION_COUNT, LOAD_VALUE(pubs), "N", "1", NULL, 1, 1000,
     "publishers"},
    {"subs", CLI_OPTION_COUNT, LOAD_VALUE(subs), "N", "1", NULL, 1, 1000,
     "subscribers, a multiple of --channels"},
    {"channels", CLI_OPTION_COUNT, LOAD_VALUE(channels), "N", "1", NULL, 1,
     1000, "which publishers and subscribers are dealt to in turn"},
    {"size", CLI_OPTION_SIZE, LOAD_VALUE(size), "SIZE", "100", NULL, 8,
     16 << 20, "bytes of a message"},
    {"duration", CLI_OPTION_DURATION, LOAD_VALUE(duration_ms), "TIME", "1s",
     NULL, 1, 600000, "of sending"},
    {"rate", CLI_OPTION_COUNT, LOAD_VALUE(rate), "N", NULL, NULL, 1, 1000000000,
     "messages a second of all publishers"},
    {"window", CLI_OPTION_COUNT, LOAD_VALUE(window), "N", "20000", NULL, 1,
     1000000, "messages sent and not arrived yet, unless --rate"},
    {"queue", CLI_OPTION_FLAG, LOAD_VALUE(queue), NULL, NULL, NULL, 0, 0,
     "each message goes to one subscriber"},
    {"tls", CLI_OPTION_FLAG, LOAD_VALUE(tls), NULL, NULL, NULL, 0, 0,
     "speak TLS"},
    {.name = NULL},
};

struct publisher {
    int fd;
    uint8_t *batch; /* whole messages, all alike */
    size_t message_bytes, body_at, batch_bytes;
    size_t at, left; /* what is being written of the batch */
};

struct subscriber {
    int fd;
    uint32_t channel;
    size_t frame_bytes, body_at; /* of a delivered message */
    uint64_t bytes;              /* received since the start */
    uint64_t due_ns;             /* of the message that is being received */
};

struct load {
    struct load_options options;
    const struct dialect *dialect;
    uint32_t size, pubs, subs, channels; /* of options */
    struct publisher *publishers;
    struct subscriber *subscribers;
    int epoll;
    uint8_t *buffer;
    struct histogram latency;
    uint64_t start_ns, last_ns;
    uint64_t sent;      /* messages */
    uint64_t delivered; /* messages, to any subscriber */
    uint64_t copies;    /* deliveries that a message makes */
    uint32_t turn;      /* the publisher whose turn it is, when paced */
};

static void *load_alloc(size_t n, size_t bytes)
{
    void *p = calloc(n, bytes);
    if (!p)
        link_die("memory");
    return p;
}

/* --- connecting ---------------------------------------------------------- */

static struct dialect_channel load_channel(const struct load *l, uint32_t index)
{
    struct dialect_channel c = {.is_queue = l->options.queue};
    l->dialect->name_channel(&c, index);
    return c;
}

/* From here on the socket belongs to the loop. */
static void load_watch(struct load *l, int fd, uint32_t who)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = who};
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        link_die("cannot watch a connection");
}

/* Messages as they travel; `n` of them, or 0 for as many as make a batch. */
static uint8_t *load_layout(const struct load *l, uint32_t channel, size_t n,
                            struct publisher *p)
{
    struct dialect_channel c = load_channel(l, channel);
    uint8_t head[DIALECT_HEAD_BYTES];
    size_t tail = strlen(l->dialect->tail);
    p->body_at = l->dialect->publish_head(head, &c, l->size);
    p->message_bytes = p->body_at + l->size + tail;
    if (n == 0)
        n = (LOAD_BATCH_BYTES + p->message_bytes - 1) / p->message_bytes;
    p->batch_bytes = n * p->message_bytes;
    uint8_t *batch = load_alloc(n, p->message_bytes);
    memset(batch, 'x', p->batch_bytes);
    for (size_t i = 0; i < n; i++) {
        uint8_t *at = batch + i * p->message_bytes;
        memcpy(at, head, p->body_at);
        memcpy(at + p->body_at + l->size, l->dialect->tail, tail);
    }
    return batch;
}

static int load_connect(const struct load *l)
{
    int fd = link_connect((uint16_t)l->options.port.value);
    if (!l->dialect->is_secured_late)
        tls_secure(fd);
    return fd;
}

static void load_add_publisher(struct load *l, uint32_t index)
{
    struct publisher *p = &l->publishers[index];
    p->fd = load_connect(l);
    if (!l->dialect->greet_publisher(p->fd))
        link_die("a publisher is not welcome");
    p->batch = load_layout(l, index % l->channels, 0, p);
    load_watch(l, p->fd, l->subs + index);
}

/* What goes to that many of the first subscribers of this channel when one
 * more of them publishes a message. */
static uint64_t load_echoes(const struct load *l, uint32_t upto)
{
    return l->options.queue ? 1 : upto / l->channels + 1;
}

/* Where subscribing has no answer, the subscriber's own message coming back
 * is one. It goes to those before it, too. */
static void load_confirm(struct load *l, uint32_t index)
{
    struct publisher echo;
    uint32_t channel = index % l->channels;
    uint8_t *message = load_layout(l, channel, 1, &echo);
    if (!dialect_say(l->subscribers[index].fd, message, echo.message_bytes))
        link_die("cannot publish");
    free(message);
    uint64_t left = load_echoes(l, index) * l->subscribers[index].frame_bytes;
    while (left > 0)
        for (uint32_t i = channel; i <= index && left > 0; i += l->channels) {
            ssize_t n =
                tls_read_now(l->subscribers[i].fd, l->buffer,
                             left < LOAD_READ_BYTES ? left : LOAD_READ_BYTES);
            if (n == 0 || (n < 0 && errno != EAGAIN))
                link_die("a subscription failed");
            left -= n > 0 ? (uint64_t)n : 0;
        }
}

static void load_add_subscriber(struct load *l, uint32_t index)
{
    struct subscriber *s = &l->subscribers[index];
    uint8_t head[DIALECT_HEAD_BYTES];
    s->channel = index % l->channels;
    struct dialect_channel c = load_channel(l, s->channel);
    s->body_at = l->dialect->deliver_head(head, &c, l->size);
    s->frame_bytes = s->body_at + l->size + strlen(l->dialect->tail);
    s->fd = load_connect(l);
    if (!l->dialect->greet_subscriber(s->fd, &c))
        link_die("a subscriber is not welcome");
    if (l->dialect->is_silent)
        load_confirm(l, index);
}

static void load_open(struct load *l)
{
    const struct load_options *o = &l->options;
    l->size = (uint32_t)o->size.value;
    l->pubs = (uint32_t)o->pubs.value;
    l->subs = (uint32_t)o->subs.value;
    l->channels = (uint32_t)o->channels.value;
    l->copies = o->queue ? 1 : l->subs / l->channels;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0)
        link_die("epoll");
    l->buffer = load_alloc(1, LOAD_READ_BYTES);
    l->publishers = load_alloc(l->pubs, sizeof *l->publishers);
    l->subscribers = load_alloc(l->subs, sizeof *l->subscribers);
    for (uint32_t i = 0; i < l->subs; i++)
        load_add_subscriber(l, i);
    for (uint32_t i = 0; i < l->subs; i++)
        load_watch(l, l->subscribers[i].fd, i);
    for (uint32_t i = 0; i < l->pubs; i++)
        load_add_publisher(l, i);
}

/* --- receiving ----------------------------------------------------------- */

/* Picks a part of a due time out of `n` bytes that belong at `place` of a
 * delivered message. */
static void load_pick(struct subscriber *s, size_t place, const uint8_t *bytes,
                      size_t n)
{
    uint8_t *due = (uint8_t *)&s->due_ns;
    size_t from = place > s->body_at ? place : s->body_at;
    size_t end = s->body_at + sizeof s->due_ns;
    if (place + n < end)
        end = place + n;
    if (from < end)
        memcpy(due + (from - s->body_at), bytes + (from - place), end - from);
}

/* Finds the messages in `n` bytes and how late they are. */
static void load_time(struct load *l, struct subscriber *s,
                      const uint8_t *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t place = (s->bytes + at) % s->frame_bytes;
        size_t part = s->frame_bytes - place;
        if (part > n - at)
            part = n - at;
        load_pick(s, place, bytes + at, part);
        at += part;
        if (place + part == s->frame_bytes)
            histogram_add(&l->latency, l->last_ns - s->due_ns);
    }
}

static void load_read(struct load *l, struct subscriber *s)
{
    ssize_t n = tls_read(s->fd, l->buffer, LOAD_READ_BYTES);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        link_die("a subscriber was closed");
    l->last_ns = link_clock_ns();
    if (l->options.rate.value > 0)
        load_time(l, s, l->buffer, (size_t)n);
    uint64_t before = s->bytes / s->frame_bytes;
    s->bytes += (uint64_t)n;
    l->delivered += s->bytes / s->frame_bytes - before;
}

static void load_receive(struct load *l, struct subscriber *s)
{
    do
        load_read(l, s);
    while (tls_has_more(s->fd));
}

/* Some brokers answer publishers; the answers are discarded. */
static void load_ignore(struct load *l, struct publisher *p)
{
    ssize_t n = tls_read(p->fd, l->buffer, LOAD_READ_BYTES);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        link_die("a publisher was closed");
}

static void load_wait(struct load *l, int timeout_ms)
{
    struct epoll_event events[LOAD_EVENTS];
    int n = epoll_wait(l->epoll, events, LOAD_EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        uint32_t who = events[i].data.u32;
        if (who < l->subs)
            load_receive(l, &l->subscribers[who]);
        else
            load_ignore(l, &l->publishers[who - l->subs]);
    }
}

/* --- sending ------------------------------------------------------------- */

static void load_write(struct publisher *p)
{
    ssize_t n = tls_write(p->fd, p->batch + p->at, p->left);
    if (n < 0 && errno != EAGAIN)
        link_die("cannot publish");
    if (n > 0) {
        p->at += (size_t)n;
        p->left -= (size_t)n;
    }
}

static uint64_t load_flying(const struct load *l)
{
    uint64_t arrived = l->delivered / l->copies;
    return l->sent > arrived ? l->sent - arrived : 0;
}

/* True when a publisher may well send more at once. */
static bool load_send_unpaced(struct load *l, bool is_over)
{
    uint64_t before = l->sent;
    for (uint32_t i = 0; i < l->pubs; i++) {
        struct publisher *p = &l->publishers[i];
        uint64_t window = l->options.window.value, flying = load_flying(l);
        if (p->left == 0 && !is_over && flying < window) {
            uint64_t room = window - flying;
            size_t most = p->batch_bytes / p->message_bytes;
            size_t n = room < most ? (size_t)room : most;
            p->at = 0;
            p->left = n * p->message_bytes;
            l->sent += n;
        }
        if (p->left > 0)
            load_write(p);
    }
    return l->sent > before;
}

static uint64_t load_due_ns(const struct load *l, uint64_t nth)
{
    uint64_t rate = l->options.rate.value;
    return l->start_ns + nth / rate * 1000000000 +
           nth % rate * 1000000000 / rate;
}

/* Puts all messages that are due into one batch, if they fit. */
static void load_fill(struct load *l, struct publisher *p, uint64_t now_ns)
{
    uint64_t due_ns;
    p->at = p->left = 0;
    while (p->left < p->batch_bytes &&
           (due_ns = load_due_ns(l, l->sent)) <= now_ns) {
        memcpy(p->batch + p->left + p->body_at, &due_ns, sizeof due_ns);
        p->left += p->message_bytes;
        l->sent++;
    }
}

/* Publishers take turns. One that the broker does not read delays the
 * schedule, and the messages of all are late. True as long as more will be
 * due, so that the caller does not sleep: a sleep would measure how long it
 * takes to wake up. */
static bool load_send_paced(struct load *l, bool is_over)
{
    struct publisher *p = &l->publishers[l->turn];
    if (p->left == 0 && !is_over)
        load_fill(l, p, link_clock_ns());
    if (p->left > 0) {
        load_write(p);
        if (p->left == 0)
            l->turn = (l->turn + 1) % l->pubs;
    }
    return !is_over;
}

static uint64_t load_expected(const struct load *l)
{
    return l->sent * l->copies;
}

static bool load_run(struct load *l)
{
    bool is_paced = l->options.rate.value > 0, is_over = false;
    uint64_t duration_ns = l->options.duration_ms.value * 1000000;
    l->start_ns = l->last_ns = link_clock_ns();
    do {
        uint64_t now_ns = link_clock_ns();
        is_over = is_over || now_ns - l->start_ns >= duration_ns;
        bool has_more =
            (is_paced ? load_send_paced : load_send_unpaced)(l, is_over);
        load_wait(l, has_more ? 0 : 1);
        if (now_ns > l->last_ns && now_ns - l->last_ns > LOAD_STALL_NS)
            return false;
    } while (!is_over || l->delivered < load_expected(l));
    return true;
}

/* --- the program --------------------------------------------------------- */

static double load_latency_us(const struct load *l, double percent)
{
    return (double)histogram_percentile(&l->latency, percent) / 1e3;
}

static void load_print(const struct load *l)
{
    double seconds = (double)(l->last_ns - l->start_ns) / 1e9;
    printf("{\"sent\":%" PRIu64 ",\"delivered\":%" PRIu64
           ",\"seconds\":%.4f,\"rate\":%.1f,\"mb\":%.2f",
           l->sent, l->delivered, seconds, (double)l->delivered / seconds,
           (double)l->delivered * l->size / seconds / 1e6);
    if (l->latency.count > 0)
        printf(",\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p99.9\":%.2f,"
               "\"max\":%.2f",
               load_latency_us(l, 50), load_latency_us(l, 90),
               load_latency_us(l, 99), load_latency_us(l, 99.9),
               load_latency_us(l, 100));
    puts("}");
}

int main(int argc, char **argv)
{
    static struct load load;
    struct sentence why;
    struct load_options *o = &load.options;
    switch (cli_option_parse(load_option_rows, o, &argc, argv, &why)) {
    case CLI_OPTION_HELP:
        cli_option_print_help(load_option_rows, stdout);
        return 0;
    case CLI_OPTION_WRONG:
        fprintf(stderr, "load: %s\n", why.text);
        return 2;
    case CLI_OPTION_DONE:
        break;
    }
    load.dialect = dialect_find(o->dialect);
    if (!load.dialect || o->subs.value % o->channels.value != 0) {
        fputs("load: see --help for --dialect and --subs\n", stderr);
        return 2;
    }
    if (o->tls)
        tls_begin();
    load_open(&load);
    if (!load_run(&load)) {
        fprintf(stderr, "load: %" PRIu64 " of %" PRIu64 " were delivered\n",
                load.delivered, load.sent * load.copies);
        return 1;
    }
    load_print(&load);
    return 0;
}

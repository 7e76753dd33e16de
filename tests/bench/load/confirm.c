/* SPDX-License-Identifier: MIT
 *
 * confirm - publishers whose messages are all confirmed by the broker, and one
 * reader; or workers that acknowledge each. All send as fast as --window
 * allows: so many messages are not yet confirmed, or not yet read. A batch
 * of messages, each with its own slot, is encoded before the run and sent again
 * and again.
 */
#include "client/bench/histogram.h"
#include "client/cli_option.h"
#include "tests/bench/load/confirmer.h"
#include "tests/bench/load/link.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { CONFIRM_BATCH_BYTES = 64 << 10, CONFIRM_READ_BYTES = 1 << 20 };

#define CONFIRM_STALL_NS UINT64_C(10000000000)

struct confirm_options {
    const char *broker;
    struct cli_option_number port, size, duration_ms, window, publishers,
        readers;
};

#define CONFIRM_VALUE(field) offsetof(struct confirm_options, field)

static const struct cli_option confirm_option_rows[] = {
    {"broker", CLI_OPTION_TEXT, CONFIRM_VALUE(broker), "NAME", "sluice", NULL,
     0, 0,
     "sluice, durable (a queue), work (a queue with acks), nats (JetStream in "
     "memory), nats-file, redis (a stream) or beanstalkd"},
    {"port", CLI_OPTION_COUNT, CONFIRM_VALUE(port), "N", "25000", NULL, 1,
     65535, "of the broker, on 127.0.0.1"},
    {"size", CLI_OPTION_SIZE, CONFIRM_VALUE(size), "SIZE", "100", NULL, 0,
     16 << 20, "bytes of a message"},
    {"duration", CLI_OPTION_DURATION, CONFIRM_VALUE(duration_ms), "TIME", "1s",
     NULL, 1, 600000, "of sending"},
    {"window", CLI_OPTION_COUNT, CONFIRM_VALUE(window), "N", "4096", NULL, 1,
     1000000, "messages of each publisher, not both confirmed and read"},
    {"pubs", CLI_OPTION_COUNT, CONFIRM_VALUE(publishers), "N", "1", NULL, 1,
     999, "publishers, each with a connection"},
    {"readers", CLI_OPTION_COUNT, CONFIRM_VALUE(readers), "N", "1", NULL, 1,
     999, "workers, each with a connection: they share the messages"},
    {.name = NULL},
};

/* One end of the load. */
struct party {
    int fd;
    uint8_t *buffer;
    size_t used; /* bytes of an answer that has not wholly come */
    struct heard heard;
    size_t said; /* bytes of its answers */
    /* Of a publisher. */
    uint8_t *ring;     /* a message for each slot */
    uint64_t sent;     /* messages, with those being written */
    size_t at, left;   /* what is being written of the ring */
    uint64_t *sent_ns; /* by the number of the message, modulo the window */
};

struct confirm {
    struct confirm_options options;
    const struct confirmer *broker;
    struct party *publishers, *readers;
    unsigned publisher_count, reader_count;
    struct pollfd *events; /* of all publishers, and all readers */
    uint64_t slots;        /* of a ring */
    size_t message_bytes;
    uint64_t sent, confirmed, refused; /* messages of all publishers */
    struct histogram latency;          /* until they are confirmed, in ns */
    uint64_t start_ns, last_ns;
};

static void *confirm_alloc(size_t n)
{
    void *p = calloc(1, n);
    if (!p)
        link_die("memory");
    return p;
}

/* On a connection that has been greeted. */
static void confirm_begin(struct party *p)
{
    p->buffer = confirm_alloc(CONFIRM_READ_BYTES);
    p->heard.answers = confirm_alloc(2 * CONFIRMER_ANSWERS_BYTES);
    if (fcntl(p->fd, F_SETFL, O_NONBLOCK) != 0)
        link_die("cannot make a connection non-blocking");
}

static void confirm_meet_readers(struct confirm *c)
{
    if (!c->broker->greet_reader)
        return;
    c->reader_count = (unsigned)c->options.readers.value;
    c->readers = confirm_alloc(c->reader_count * sizeof *c->readers);
    for (unsigned i = 0; i < c->reader_count; i++) {
        struct party *p = &c->readers[i];
        p->fd = link_connect((uint16_t)c->options.port.value);
        c->broker->greet_reader(p->fd, i);
        confirm_begin(p);
    }
}

static void confirm_encode(struct confirm *c, struct party *p,
                           unsigned publisher)
{
    uint32_t size = (uint32_t)c->options.size.value;
    p->ring =
        confirm_alloc(c->slots * c->message_bytes + CONFIRMER_EXTRA_BYTES);
    uint8_t *at = p->ring;
    for (confirmer_slot slot = 0; slot < c->slots; slot++)
        at = c->broker->put(at, publisher, slot, size);
}

static void confirm_measure(struct confirm *c)
{
    uint32_t size = (uint32_t)c->options.size.value;
    uint8_t *first = confirm_alloc(CONFIRMER_EXTRA_BYTES + size);
    c->message_bytes = (size_t)(c->broker->put(first, 0, 0, size) - first);
    free(first);
    c->slots = CONFIRM_BATCH_BYTES / c->message_bytes + 1;
}

static void confirm_meet_publishers(struct confirm *c)
{
    unsigned n = (unsigned)c->options.publishers.value;
    c->publisher_count = n;
    c->publishers = confirm_alloc(n * sizeof *c->publishers);
    c->events = confirm_alloc((n + c->reader_count) * sizeof *c->events);
    confirm_measure(c);
    for (unsigned i = 0; i < n; i++) {
        struct party *p = &c->publishers[i];
        p->fd = link_connect((uint16_t)c->options.port.value);
        c->broker->greet_publisher(p->fd, i);
        confirm_begin(p);
        confirm_encode(c, p, i);
        p->sent_ns =
            confirm_alloc(c->options.window.value * sizeof *p->sent_ns);
    }
}

/* How many messages all have done with. */
static uint64_t confirm_done(const struct confirm *c)
{
    uint64_t read = 0;
    for (unsigned i = 0; i < c->reader_count; i++)
        read += c->readers[i].heard.messages;
    if (c->broker->is_silent)
        return read;
    return c->reader_count > 0 && read < c->confirmed ? read : c->confirmed;
}

/* How many messages of the publisher the window has room for. */
static uint64_t confirm_room(const struct confirm *c, const struct party *p)
{
    uint64_t under_way = c->reader_count == 0 ? p->sent - p->heard.confirmed
                                              : c->sent - confirm_done(c);
    uint64_t window = c->options.window.value;
    return under_way < window ? window - under_way : 0;
}

/* What fits the window, as far as the ring's end. */
static void confirm_fill(struct confirm *c, struct party *p)
{
    uint64_t slot = p->sent % c->slots, now_ns = link_clock_ns();
    uint64_t n = confirm_room(c, p);
    if (n > c->slots - slot)
        n = c->slots - slot;
    p->at = slot * c->message_bytes;
    p->left = n * c->message_bytes;
    for (uint64_t i = 0; i < n; i++)
        p->sent_ns[(p->sent + i) % c->options.window.value] = now_ns;
    p->sent += n;
    c->sent += n;
}

/* Whether more of it may fit at once. */
static bool confirm_send(struct confirm *c, struct party *p, bool is_over)
{
    if (p->left == 0 && !is_over)
        confirm_fill(c, p);
    if (p->left == 0)
        return false;
    ssize_t n = send(p->fd, p->ring + p->at, p->left, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        link_die("cannot publish");
    if (n > 0) {
        p->at += (size_t)n;
        p->left -= (size_t)n;
    }
    return p->left == 0;
}

static void confirm_answer(struct party *p)
{
    struct heard *h = &p->heard;
    if (p->said == h->answers_bytes)
        return;
    ssize_t n = send(p->fd, h->answers + p->said, h->answers_bytes - p->said,
                     MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        link_die("cannot answer");
    p->said += n > 0 ? (size_t)n : 0;
    if (p->said == h->answers_bytes)
        p->said = h->answers_bytes = 0;
}

static void confirm_receive(struct confirm *c, struct party *p)
{
    if (p->heard.answers_bytes > CONFIRMER_ANSWERS_BYTES)
        return;
    ssize_t n =
        recv(p->fd, p->buffer + p->used, CONFIRM_READ_BYTES - p->used, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        link_die("a connection was closed");
    c->last_ns = link_clock_ns();
    p->used += (size_t)n;
    size_t taken = c->broker->hear(&p->heard, p->buffer, p->used);
    p->used -= taken;
    memmove(p->buffer, p->buffer + taken, p->used);
}

/* They are confirmed in the order in which they were sent. */
static void confirm_hear(struct confirm *c, struct party *p)
{
    uint64_t before = p->heard.confirmed, refused = p->heard.refused;
    confirm_receive(c, p);
    for (uint64_t i = before; i < p->heard.confirmed; i++)
        histogram_add(&c->latency,
                      c->last_ns - p->sent_ns[i % c->options.window.value]);
    c->confirmed += p->heard.confirmed - before;
    c->refused += p->heard.refused - refused;
}

static void confirm_wait(struct confirm *c, int timeout_ms)
{
    unsigned n = c->publisher_count;
    struct pollfd *readers = c->events + n;
    for (unsigned i = 0; i < n; i++) {
        c->events[i].fd = c->publishers[i].fd;
        c->events[i].events =
            c->publishers[i].left > 0 ? POLLIN | POLLOUT : POLLIN;
    }
    for (unsigned i = 0; i < c->reader_count; i++)
        readers[i] = (struct pollfd){.fd = c->readers[i].fd, .events = POLLIN};
    if (poll(c->events, n + c->reader_count, timeout_ms) < 0)
        link_die("poll");
    for (unsigned i = 0; i < n; i++)
        if (c->events[i].revents & ~POLLOUT)
            confirm_hear(c, &c->publishers[i]);
    for (unsigned i = 0; i < c->reader_count; i++) {
        if (readers[i].revents)
            confirm_receive(c, &c->readers[i]);
        confirm_answer(&c->readers[i]);
    }
}

static bool confirm_run(struct confirm *c)
{
    uint64_t duration_ns = c->options.duration_ms.value * 1000000;
    bool is_over = false;
    c->start_ns = c->last_ns = link_clock_ns();
    while (!is_over || confirm_done(c) < c->sent) {
        uint64_t now_ns = link_clock_ns();
        bool is_busy = false;
        is_over = is_over || now_ns - c->start_ns >= duration_ns;
        for (unsigned i = 0; i < c->publisher_count; i++)
            is_busy |= confirm_send(c, &c->publishers[i], is_over);
        confirm_wait(c, is_busy ? 0 : 1);
        if (now_ns > c->last_ns && now_ns - c->last_ns > CONFIRM_STALL_NS)
            return false;
    }
    return c->refused == 0;
}

static double confirm_us(const struct confirm *c, double percent)
{
    return (double)histogram_percentile(&c->latency, percent) / 1e3;
}

static void confirm_print(const struct confirm *c)
{
    double seconds = (double)(c->last_ns - c->start_ns) / 1e9;
    uint64_t done = confirm_done(c);
    printf("{\"sent\":%" PRIu64 ",\"delivered\":%" PRIu64
           ",\"seconds\":%.4f,\"rate\":%.1f,\"p50\":%.1f,\"p99\":%.1f}\n",
           c->sent, done, seconds, (double)done / seconds, confirm_us(c, 50),
           confirm_us(c, 99));
}

int main(int argc, char **argv)
{
    static struct confirm confirm;
    struct sentence why;
    struct confirm_options *o = &confirm.options;
    switch (cli_option_parse(confirm_option_rows, o, &argc, argv, &why)) {
    case CLI_OPTION_HELP:
        cli_option_print_help(confirm_option_rows, stdout);
        return 0;
    case CLI_OPTION_WRONG:
        fprintf(stderr, "confirm: %s\n", why.text);
        return 2;
    case CLI_OPTION_DONE:
        break;
    }
    confirm.broker = confirmer_find(o->broker);
    if (!confirm.broker) {
        fputs("confirm: see --help for --broker\n", stderr);
        return 2;
    }
    confirm_meet_readers(&confirm);
    confirm_meet_publishers(&confirm);
    if (!confirm_run(&confirm)) {
        fprintf(stderr,
                "confirm: %" PRIu64 " sent, %" PRIu64 " done, %" PRIu64
                " refused\n",
                confirm.sent, confirm_done(&confirm), confirm.refused);
        return 1;
    }
    confirm_print(&confirm);
    return 0;
}

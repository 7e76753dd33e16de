/* SPDX-License-Identifier: MIT
 *
 * confirm - one publisher whose messages are all confirmed by the broker, and
 * one reader; or a worker that acknowledges each. It sends as fast as --window
 * allows: so many messages are not yet confirmed, or not yet read. A batch
 * of messages, each with its own slot, is encoded before the run and sent again
 * and again.
 */
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
    struct cli_option_number port, size, duration_ms, window;
};

#define CONFIRM_VALUE(field) offsetof(struct confirm_options, field)

static const struct cli_option confirm_option_rows[] = {
    {"broker", CLI_OPTION_TEXT, CONFIRM_VALUE(broker), "NAME", "sluice", NULL,
     0, 0,
     "sluice, work (a queue with acks), nats (JetStream in memory) or redis (a "
     "stream)"},
    {"port", CLI_OPTION_COUNT, CONFIRM_VALUE(port), "N", "25000", NULL, 1,
     65535, "of the broker, on 127.0.0.1"},
    {"size", CLI_OPTION_SIZE, CONFIRM_VALUE(size), "SIZE", "100", NULL, 0,
     16 << 20, "bytes of a message"},
    {"duration", CLI_OPTION_DURATION, CONFIRM_VALUE(duration_ms), "TIME", "1s",
     NULL, 1, 600000, "of sending"},
    {"window", CLI_OPTION_COUNT, CONFIRM_VALUE(window), "N", "4096", NULL, 1,
     1000000, "messages sent, and not both confirmed and read"},
    {.name = NULL},
};

/* One end of the load. */
struct party {
    int fd; /* -1: there is none */
    uint8_t *buffer;
    size_t used; /* bytes of an answer that has not wholly come */
    struct heard heard;
    size_t said; /* bytes of its answers */
};

struct confirm {
    struct confirm_options options;
    const struct confirmer *broker;
    struct party publisher, reader;
    uint8_t *ring; /* a message for each slot */
    uint64_t slots;
    size_t message_bytes;
    uint64_t sent;   /* messages, with those being written */
    size_t at, left; /* what is being written of the ring */
    uint64_t start_ns, last_ns;
};

static void *confirm_alloc(size_t n)
{
    void *p = calloc(1, n);
    if (!p)
        link_die("memory");
    return p;
}

static void confirm_meet(const struct confirm *c, struct party *p,
                         void (*greet)(int fd))
{
    p->fd = -1;
    if (!greet)
        return;
    p->fd = link_connect((uint16_t)c->options.port.value);
    greet(p->fd);
    p->buffer = confirm_alloc(CONFIRM_READ_BYTES);
    p->heard.answers = confirm_alloc(2 * CONFIRMER_ANSWERS_BYTES);
    if (fcntl(p->fd, F_SETFL, O_NONBLOCK) != 0)
        link_die("cannot make a connection non-blocking");
}

static void confirm_encode(struct confirm *c)
{
    uint32_t size = (uint32_t)c->options.size.value;
    uint8_t *first = confirm_alloc(CONFIRMER_EXTRA_BYTES + size);
    c->message_bytes = (size_t)(c->broker->put(first, 0, size) - first);
    free(first);
    c->slots = CONFIRM_BATCH_BYTES / c->message_bytes + 1;
    c->ring =
        confirm_alloc(c->slots * c->message_bytes + CONFIRMER_EXTRA_BYTES);
    uint8_t *at = c->ring;
    for (confirmer_slot slot = 0; slot < c->slots; slot++)
        at = c->broker->put(at, slot, size);
}

/* How many messages all have done with. */
static uint64_t confirm_done(const struct confirm *c)
{
    uint64_t confirmed = c->publisher.heard.confirmed;
    uint64_t read = c->reader.heard.messages;
    if (c->broker->is_silent)
        return read;
    return c->reader.fd >= 0 && read < confirmed ? read : confirmed;
}

/* What fits the window, as far as the ring's end. */
static void confirm_fill(struct confirm *c)
{
    uint64_t slot = c->sent % c->slots;
    uint64_t n = c->options.window.value - (c->sent - confirm_done(c));
    if (n > c->slots - slot)
        n = c->slots - slot;
    c->at = slot * c->message_bytes;
    c->left = n * c->message_bytes;
    c->sent += n;
}

static void confirm_send(struct confirm *c, bool is_over)
{
    if (c->left == 0 && !is_over)
        confirm_fill(c);
    if (c->left == 0)
        return;
    ssize_t n = send(c->publisher.fd, c->ring + c->at, c->left, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        link_die("cannot publish");
    if (n > 0) {
        c->at += (size_t)n;
        c->left -= (size_t)n;
    }
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

static void confirm_wait(struct confirm *c, int timeout_ms)
{
    struct pollfd events[] = {{.fd = c->publisher.fd, .events = POLLIN},
                              {.fd = c->reader.fd, .events = POLLIN}};
    if (c->left > 0)
        events[0].events |= POLLOUT;
    if (poll(events, 2, timeout_ms) < 0)
        link_die("poll");
    if (events[0].revents & ~POLLOUT)
        confirm_receive(c, &c->publisher);
    if (c->reader.fd >= 0 && events[1].revents)
        confirm_receive(c, &c->reader);
    confirm_answer(&c->reader);
}

static bool confirm_run(struct confirm *c)
{
    uint64_t duration_ns = c->options.duration_ms.value * 1000000;
    bool is_over = false;
    c->start_ns = c->last_ns = link_clock_ns();
    while (!is_over || confirm_done(c) < c->sent) {
        uint64_t now_ns = link_clock_ns();
        is_over = is_over || now_ns - c->start_ns >= duration_ns;
        uint64_t before = c->sent;
        confirm_send(c, is_over);
        confirm_wait(c, c->sent > before && c->left == 0 ? 0 : 1);
        if (now_ns > c->last_ns && now_ns - c->last_ns > CONFIRM_STALL_NS)
            return false;
    }
    return c->publisher.heard.refused == 0;
}

static void confirm_print(const struct confirm *c)
{
    double seconds = (double)(c->last_ns - c->start_ns) / 1e9;
    uint64_t done = confirm_done(c);
    printf("{\"sent\":%" PRIu64 ",\"delivered\":%" PRIu64
           ",\"seconds\":%.4f,\"rate\":%.1f}\n",
           c->sent, done, seconds, (double)done / seconds);
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
    confirm_encode(&confirm);
    confirm_meet(&confirm, &confirm.reader, confirm.broker->greet_reader);
    confirm_meet(&confirm, &confirm.publisher, confirm.broker->greet_publisher);
    if (!confirm_run(&confirm)) {
        fprintf(stderr,
                "confirm: %" PRIu64 " sent, %" PRIu64 " done, %" PRIu64
                " refused\n",
                confirm.sent, confirm_done(&confirm),
                confirm.publisher.heard.refused);
        return 1;
    }
    confirm_print(&confirm);
    return 0;
}

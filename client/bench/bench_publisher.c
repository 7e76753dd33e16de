/* SPDX-License-Identifier: MIT */
#include "client/bench/bench_publisher.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Much less costs system calls, much more leaves the caches. */
enum { BENCH_PUBLISHER_BATCH_BYTES = 64 << 10 };

/* The frame of "/null": it subscribes to nothing. */
static const uint8_t bench_publisher_hello[] = {0,   0,   0,   5,  '/',
                                                'n', 'u', 'l', 'l'};
static const uint8_t bench_publisher_goodbye[] = {0, 0, 0, 0};

bool bench_publisher_init(struct bench_publisher *p, int fd,
                          const char *channel, uint32_t size)
{
    size_t room = batch_room(channel, size, BENCH_PUBLISHER_BATCH_BYTES);
    *p = (struct bench_publisher){.fd = fd,
                                  .out = bench_publisher_hello,
                                  .out_bytes = sizeof bench_publisher_hello};
    return batch_init(&p->batch, channel, size, room);
}

void bench_publisher_fini(struct bench_publisher *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    batch_fini(&p->batch);
}

void bench_publisher_give(struct bench_publisher *p, const struct batch *b,
                          size_t n)
{
    p->out = b->bytes;
    p->out_bytes = n * b->pair_bytes;
}

void bench_publisher_give_goodbye(struct bench_publisher *p)
{
    p->out = bench_publisher_goodbye;
    p->out_bytes = sizeof bench_publisher_goodbye;
    p->is_leaving = true;
}

bool bench_publisher_flush(struct bench_publisher *p)
{
    while (p->out_bytes > 0 && !p->is_full) {
        ssize_t n = send(p->fd, p->out, p->out_bytes, MSG_NOSIGNAL);
        if (n >= 0) {
            p->out += n;
            p->out_bytes -= (size_t)n;
        } else if (errno == EAGAIN) {
            p->is_full = true;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

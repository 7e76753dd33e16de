/* SPDX-License-Identifier: MIT */
#include "tests/unit/session_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/net/reactor.h"
#include "broker/session/clients_turn.h"
#include "tests/unit/unit.h"

int session_rig_open(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->log_fd = memfd_create("log", MFD_CLOEXEC);
    if (f->log_fd < 0 || !house_open(&f->house, f->log_fd))
        return -1;
    f->a = house_connect(&f->house);
    f->b = house_connect(&f->house);
    *state = f;
    return f->a < 0 || f->b < 0;
}

void hang_up(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int session_rig_close(void **state)
{
    struct fixture *f = *state;
    hang_up(&f->a);
    hang_up(&f->b);
    house_close(&f->house);
    int left = f->house.budget.used_bytes != 0;
    close(f->log_fd);
    free(f);
    return left;
}

void turns(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++)
        house_turn(&f->house);
}

void say_bytes(struct fixture *f, int fd, const void *bytes, size_t n)
{
    assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
    turns(f, 2);
}

void say_frame(struct fixture *f, int fd, const char *text)
{
    char frame[300] = {0};
    size_t n = strlen(text);
    assert_true(n < 256);
    frame[3] = (char)n;
    memcpy(frame + 4, text, n);
    say_bytes(f, fd, frame, 4 + n);
}

void say_pair(struct fixture *f, int fd, const char *channel,
              const char *message)
{
    say_frame(f, fd, channel);
    say_frame(f, fd, message);
}

const char *heard(struct fixture *f, int fd)
{
    static char wire[sizeof f->got];
    size_t n = 0, out = 0, at = 0;
    ssize_t got;
    while ((got = recv(fd, wire + n, sizeof wire - n, 0)) > 0) {
        n += (size_t)got;
        turns(f, 2);
    }
    while (at + 4 <= n) {
        const uint8_t *head = (const uint8_t *)wire + at;
        size_t length = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        assert_true(head[0] == 0 && at + 4 + length <= n);
        memcpy(f->got + out, wire + at + 4, length);
        out += length;
        f->got[out++] = '|';
        at += 4 + length;
    }
    assert_int_equal(at, n);
    if (got == 0)
        f->got[out++] = '$';
    f->got[out] = '\0';
    return f->got;
}

void check_heard(struct fixture *f, int fd, const char *expected)
{
    assert_string_equal(heard(f, fd), expected);
}

void check_logged(struct fixture *f, const char *part)
{
    ssize_t n = pread(f->log_fd, f->log, sizeof f->log - 1, 0);
    f->log[n > 0 ? n : 0] = '\0';
    if (!strstr(f->log, part))
        fail_msg("'%s' is not in the log:\n%s", part, f->log);
}

uint64_t count(const struct fixture *f, enum counter_id id)
{
    return house_count(&f->house, id);
}

static bool is_over(void *arg)
{
    struct fixture *f = arg;
    bool again = clients_turn_end(&f->house.clients);
    if (count(f, COUNT_connections) == f->enough)
        reactor_stop(f->house.reactor);
    return again;
}

void run_until(struct fixture *f, uint64_t connections)
{
    f->enough = connections;
    reactor_run(f->house.reactor, is_over, f);
}

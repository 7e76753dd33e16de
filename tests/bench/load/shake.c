/* SPDX-License-Identifier: MIT
 *
 * shake - how many handshakes of TLS a broker completes in a second: several
 * clients connect, shake hands and leave, again and again. With --resume, in
 * TLS 1.2, whose tickets come with the handshake, all but the first resume the
 * session of the first.
 */
#include "client/cli_option.h"
#include "tests/bench/load/link.h"
#include "tests/bench/load/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHAKE_CLIENTS = 16, SHAKE_STALL_MS = 10000 };

struct shake_options {
    struct cli_option_number port, duration_ms;
    bool resumes, is_late;
};

#define SHAKE_VALUE(field) offsetof(struct shake_options, field)

static const struct cli_option shake_option_rows[] = {
    {"port", CLI_OPTION_COUNT, SHAKE_VALUE(port), "N", "25000", NULL, 1, 65535,
     "of the broker, on 127.0.0.1"},
    {"duration", CLI_OPTION_DURATION, SHAKE_VALUE(duration_ms), "TIME", "1s",
     NULL, 1, 600000, "of shaking hands"},
    {"resume", CLI_OPTION_FLAG, SHAKE_VALUE(resumes), NULL, NULL, NULL, 0, 0,
     "resume the first session"},
    {"late", CLI_OPTION_FLAG, SHAKE_VALUE(is_late), NULL, NULL, NULL, 0, 0,
     "the broker sends a line in clear first"},
    {.name = NULL},
};

struct client {
    int fd;
    SSL *ssl;
    bool is_begun; /* the line in clear has come, if there is one */
};

struct shake {
    struct shake_options options;
    struct client clients[SHAKE_CLIENTS];
    SSL_SESSION *session; /* to be resumed; NULL: none */
    uint64_t done;
};

static void client_begin(struct shake *s, struct client *c)
{
    c->fd = link_connect((uint16_t)s->options.port.value);
    c->ssl = SSL_new(tls_settings());
    c->is_begun = !s->options.is_late;
    if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 ||
        fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        link_die("TLS");
    if (s->session)
        SSL_set_session(c->ssl, s->session);
}

/* Nothing more is read or said; the session stays good. */
static void client_end(struct client *c)
{
    SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(c->ssl);
    close(c->fd);
}

/* The line in clear, which nothing follows. */
static void client_hear(struct client *c)
{
    char heard[4096];
    ssize_t n = recv(c->fd, heard, sizeof heard, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        link_die("a client is not welcome");
    c->is_begun = n > 0 && heard[n - 1] == '\n';
}

/* Whether its handshake is complete. */
static bool client_step(struct client *c)
{
    if (!c->is_begun)
        client_hear(c);
    if (!c->is_begun)
        return false;
    int done = SSL_connect(c->ssl);
    int why = SSL_get_error(c->ssl, done);
    if (done != 1 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        link_die("a handshake failed");
    return done == 1;
}

static void shake_on_done(struct shake *s, struct client *c)
{
    s->done++;
    if (s->session && !SSL_session_reused(c->ssl))
        link_die("a session was not resumed");
    if (s->options.resumes && !s->session)
        s->session = SSL_get1_session(c->ssl);
    client_end(c);
    client_begin(s, c);
}

static void shake_wait(const struct shake *s)
{
    struct pollfd waiting[SHAKE_CLIENTS];
    for (int i = 0; i < SHAKE_CLIENTS; i++)
        waiting[i] = (struct pollfd){.fd = s->clients[i].fd, .events = POLLIN};
    if (poll(waiting, SHAKE_CLIENTS, SHAKE_STALL_MS) == 0)
        link_die("no handshake goes on");
}

/* With a session to resume, the others begin once there is one. */
static void shake_open(struct shake *s)
{
    SSL_CTX_set_max_proto_version(
        tls_settings(), s->options.resumes ? TLS1_2_VERSION : TLS1_3_VERSION);
    for (int i = 0; i < SHAKE_CLIENTS; i++) {
        client_begin(s, &s->clients[i]);
        while (s->options.resumes && !s->session)
            if (client_step(&s->clients[i]))
                shake_on_done(s, &s->clients[i]);
    }
    s->done = 0;
}

static void shake_run(struct shake *s)
{
    uint64_t start_ns = link_clock_ns(), now_ns;
    uint64_t duration_ns = s->options.duration_ms.value * 1000000;
    do {
        for (int i = 0; i < SHAKE_CLIENTS; i++)
            while (client_step(&s->clients[i]))
                shake_on_done(s, &s->clients[i]);
        shake_wait(s);
        now_ns = link_clock_ns();
    } while (now_ns - start_ns < duration_ns);
    double seconds = (double)(now_ns - start_ns) / 1e9;
    printf("{\"delivered\":%" PRIu64 ",\"seconds\":%.4f,\"rate\":%.1f}\n",
           s->done, seconds, (double)s->done / seconds);
    for (int i = 0; i < SHAKE_CLIENTS; i++)
        client_end(&s->clients[i]);
    SSL_SESSION_free(s->session);
}

int main(int argc, char **argv)
{
    static struct shake shake;
    struct sentence why;
    switch (cli_option_parse(shake_option_rows, &shake.options, &argc, argv,
                             &why)) {
    case CLI_OPTION_HELP:
        cli_option_print_help(shake_option_rows, stdout);
        return 0;
    case CLI_OPTION_WRONG:
        fprintf(stderr, "shake: %s\n", why.text);
        return 2;
    case CLI_OPTION_DONE:
        break;
    }
    shake_open(&shake);
    shake_run(&shake);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "tests/bench/load/tls.h"

#include "tests/bench/load/link.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

enum {
    TLS_FDS = 4096,
    TLS_READ_BYTES = 128 << 10, /* at once from a socket: several records */
};

static SSL *tls_links[TLS_FDS]; /* by descriptor; NULL: in clear */
static bool tls_is_used;

static SSL *tls_of(int fd)
{
    return fd < TLS_FDS ? tls_links[fd] : NULL;
}

SSL_CTX *tls_settings(void)
{
    static SSL_CTX *settings;
    if (!settings) {
        settings = SSL_CTX_new(TLS_client_method());
        if (!settings)
            link_die("TLS");
        SSL_CTX_set_mode(settings, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_read_ahead(settings, 1);
        SSL_CTX_set_default_read_buffer_len(settings, TLS_READ_BYTES);
    }
    return settings;
}

void tls_begin(void)
{
    tls_is_used = true;
}

void tls_secure(int fd)
{
    if (!tls_is_used)
        return;
    SSL *ssl = fd < TLS_FDS ? SSL_new(tls_settings()) : NULL;
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
        link_die("a handshake failed");
    tls_links[fd] = ssl;
}

/* What recv(2) and send(2) return when nothing was done, with errno. */
static ssize_t tls_result(SSL *ssl)
{
    int why = SSL_get_error(ssl, 0);
    bool is_late = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
    errno = is_late ? EAGAIN : EPROTO;
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

ssize_t tls_read(int fd, void *bytes, size_t room)
{
    SSL *ssl = tls_of(fd);
    size_t used = 0, n;
    if (!ssl)
        return recv(fd, bytes, room, 0);
    do {
        if (SSL_read_ex(ssl, (char *)bytes + used, room - used, &n) != 1)
            return used > 0 ? (ssize_t)used : tls_result(ssl);
        used += n;
    } while (used < room && SSL_has_pending(ssl));
    return (ssize_t)used;
}

ssize_t tls_write(int fd, const void *bytes, size_t n)
{
    SSL *ssl = tls_of(fd);
    size_t used = 0, part;
    if (!ssl)
        return send(fd, bytes, n, MSG_NOSIGNAL);
    while (used < n) {
        if (SSL_write_ex(ssl, (const char *)bytes + used, n - used, &part) != 1)
            return used > 0 ? (ssize_t)used : tls_result(ssl);
        used += part;
    }
    return (ssize_t)used;
}

ssize_t tls_read_now(int fd, void *bytes, size_t room)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (!tls_has_more(fd) && poll(&waiting, 1, 0) <= 0) {
        errno = EAGAIN;
        return -1;
    }
    return tls_read(fd, bytes, room);
}

bool tls_has_more(int fd)
{
    SSL *ssl = tls_of(fd);
    return ssl && SSL_has_pending(ssl);
}

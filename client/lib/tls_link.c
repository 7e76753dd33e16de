/* SPDX-License-Identifier: MIT
 *
 * Bytes are reported as written when the kernel has the whole record they are
 * in, so whoever waits for room waits for the same as without TLS.
 */
#include "client/lib/tls_link.h"

#include "client/lib/tls_failure.h"
#include "client/lib/trust.h"
#include "common/address.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

struct sluice_tls_link {
    SSL *ssl;
    X509 *shown;      /* the server's certificate; NULL before */
    int fd;           /* borrowed */
    bool is_open;     /* the handshake is complete */
    bool is_cut;      /* the socket has ended, TLS had not */
    bool has_more;    /* what was opened last filled the caller's room */
    bool has_failed;  /* `failure` says why, for good */
    int socket_errno; /* of the last call on the socket; 0: none failed */
    char name[SLUICE_ADDRESS_HOST_BYTES]; /* "" when there is only a pin */
    struct sluice_failure failure;
};

/* --- the socket, as OpenSSL has it --------------------------------------- */

static BIO_METHOD *tls_link_method;
static pthread_once_t tls_link_once = PTHREAD_ONCE_INIT;

static int tls_link_socket_read(BIO *bio, char *out, int room)
{
    struct sluice_tls_link *l = BIO_get_data(bio);
    ssize_t n;
    BIO_clear_retry_flags(bio);
    do
        n = recv(l->fd, out, room > 0 ? (size_t)room : 0, 0);
    while (n < 0 && errno == EINTR);
    l->is_cut = l->is_cut || n == 0;
    l->socket_errno = n < 0 ? errno : 0;
    if (n < 0 && errno == EAGAIN)
        BIO_set_retry_read(bio);
    return (int)n;
}

static int tls_link_socket_write(BIO *bio, const char *bytes, int length)
{
    struct sluice_tls_link *l = BIO_get_data(bio);
    ssize_t n;
    BIO_clear_retry_flags(bio);
    do
        n = send(l->fd, bytes, length > 0 ? (size_t)length : 0, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    l->socket_errno = n < 0 ? errno : 0;
    if (n < 0 && errno == EAGAIN)
        BIO_set_retry_write(bio);
    return (int)n;
}

static long tls_link_socket_control(BIO *bio, int what, long number,
                                    void *pointer)
{
    const struct sluice_tls_link *l = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    return what == BIO_CTRL_FLUSH || (what == BIO_CTRL_EOF && l->is_cut);
}

static int tls_link_socket_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static void tls_link_begin(void)
{
    BIO_METHOD *m =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "libsluice");
    if (m && BIO_meth_set_read(m, tls_link_socket_read) == 1 &&
        BIO_meth_set_write(m, tls_link_socket_write) == 1 &&
        BIO_meth_set_ctrl(m, tls_link_socket_control) == 1 &&
        BIO_meth_set_create(m, tls_link_socket_create) == 1)
        tls_link_method = m; /* for the life of the process */
}

static BIO *tls_link_bio(struct sluice_tls_link *l)
{
    (void)pthread_once(&tls_link_once, tls_link_begin);
    BIO *bio = tls_link_method ? BIO_new(tls_link_method) : NULL;
    if (bio)
        BIO_set_data(bio, l);
    return bio;
}

/* --- life ---------------------------------------------------------------- */

static enum sluice_error tls_link_name(struct sluice_tls_link *l,
                                       const struct sluice_trust *trust,
                                       const char *address,
                                       struct sluice_failure *why)
{
    struct sluice_address parsed = {.is_unix = false};
    const char *name = sluice_trust_name(trust);
    if (address &&
        sluice_address_parse(address, SLUICE_DEFAULT_PORT, &parsed) &&
        parsed.is_unix)
        return sluice_failure_set(why, SLUICE_BAD_OPTION,
                                  "TLS is not spoken on a unix socket, which "
                                  "leaves no machine: leave it out for %.200s",
                                  address);
    snprintf(l->name, sizeof l->name, "%s", name ? name : parsed.host);
    return SLUICE_OK;
}

static enum sluice_error tls_link_start(struct sluice_tls_link *l,
                                        struct sluice_trust *trust,
                                        struct sluice_failure *why)
{
    enum sluice_error error = sluice_trust_connect(
        trust, *l->name ? l->name : NULL, &l->shown, &l->ssl, why);
    if (error != SLUICE_OK)
        return error;
    BIO *bio = tls_link_bio(l);
    if (!bio)
        return sluice_failure_set(why, SLUICE_NO_MEMORY, "out of memory");
    SSL_set_bio(l->ssl, bio, bio);
    SSL_set_connect_state(l->ssl);
    SSL_set_read_ahead(l->ssl, 1);
    return SLUICE_OK;
}

static void tls_link_free(struct sluice_tls_link *l)
{
    SSL_free(l->ssl);
    X509_free(l->shown);
    free(l);
}

enum sluice_error sluice_tls_link_new(int fd, struct sluice_trust *trust,
                                      const char *address,
                                      struct sluice_tls_link **out,
                                      struct sluice_failure *why)
{
    struct sluice_tls_link *l = calloc(1, sizeof *l);
    if (!l)
        return sluice_failure_set(why, SLUICE_NO_MEMORY, "out of memory");
    l->fd = fd;
    enum sluice_error error = tls_link_name(l, trust, address, why);
    if (error == SLUICE_OK)
        error = tls_link_start(l, trust, why);
    if (error == SLUICE_OK) {
        *out = l;
        return SLUICE_OK;
    }
    tls_link_free(l);
    return error;
}

void sluice_tls_link_end(struct sluice_tls_link *l)
{
    if (l->is_open && !l->has_failed && !l->is_cut) {
        ERR_clear_error();
        (void)SSL_shutdown(l->ssl);
        ERR_clear_error();
    }
    tls_link_free(l);
}

/* --- failures ------------------------------------------------------------ */

static int tls_link_fail(struct sluice_tls_link *l)
{
    l->has_failed = true;
    ERR_clear_error();
    errno = EPROTO;
    return -1;
}

/* What was read may be less than was sent, so this is never an orderly end. */
static int tls_link_was_cut(struct sluice_tls_link *l)
{
    (void)sluice_failure_set(
        &l->failure, SLUICE_BROKEN,
        l->is_open || l->shown
            ? "the connection was cut: it ended without the end that TLS "
              "demands"
            : "the server closed the connection at the beginning of TLS: it "
              "may not speak TLS; sluiced does with a certificate");
    return tls_link_fail(l);
}

/* OpenSSL's queue of errors says why. */
static int tls_link_explain(struct sluice_tls_link *l)
{
    const struct sluice_tls_fact fact = {
        .verified = SSL_get_verify_result(l->ssl),
        .shown = l->shown,
        .name = *l->name ? l->name : "the broker",
    };
    (void)sluice_tls_failure_take(&fact, &l->failure);
    return tls_link_fail(l);
}

/* Turns what a call of OpenSSL returned into what read(2) would: 0 at the end,
 * -1 with errno. */
static int tls_link_result(struct sluice_tls_link *l, int returned)
{
    int what = SSL_get_error(l->ssl, returned);
    l->is_open = l->is_open || SSL_is_init_finished(l->ssl);
    if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
        return -1;
    }
    if (what == SSL_ERROR_ZERO_RETURN)
        return 0;
    bool is_reset = l->socket_errno == ECONNRESET || l->socket_errno == EPIPE;
    if (l->is_cut || (!l->is_open && is_reset && what == SSL_ERROR_SYSCALL))
        return tls_link_was_cut(l);
    if (what == SSL_ERROR_SYSCALL && l->socket_errno != 0) {
        ERR_clear_error();
        errno = l->socket_errno;
        return -1;
    }
    return tls_link_explain(l);
}

/* Before each call that looks at the queue of errors: a stale one must not be
 * taken for its own. False: TLS has failed before. */
static bool tls_link_enter(struct sluice_tls_link *l)
{
    if (l->has_failed) {
        errno = EPROTO;
        return false;
    }
    ERR_clear_error();
    l->socket_errno = 0;
    return true;
}

/* --- use ----------------------------------------------------------------- */

enum sluice_error sluice_tls_link_shake(struct sluice_tls_link *l,
                                        struct sluice_failure *why)
{
    if (!tls_link_enter(l)) {
        *why = l->failure;
        return why->error;
    }
    int done = SSL_do_handshake(l->ssl);
    if (done == 1) {
        l->is_open = true;
        return SLUICE_OK;
    }
    if (tls_link_result(l, done) < 0 && errno == EAGAIN)
        return SLUICE_AGAIN;
    if (l->has_failed)
        *why = l->failure;
    else
        (void)sluice_failure_set(why, SLUICE_BROKEN,
                                 "the connection broke during the handshake of "
                                 "TLS: %s",
                                 strerror(errno));
    return why->error;
}

ssize_t sluice_tls_link_read(struct sluice_tls_link *l, void *bytes,
                             size_t room)
{
    size_t used = 0, n = 0;
    if (!tls_link_enter(l))
        return -1;
    int returned = 1;
    while (used < room && (returned = SSL_read_ex(l->ssl, (char *)bytes + used,
                                                  room - used, &n)) == 1)
        used += n;
    l->is_open = l->is_open || used > 0;
    l->has_more = returned == 1;
    if (returned == 1)
        return (ssize_t)used;
    int result = tls_link_result(l, returned);
    return used > 0 ? (ssize_t)used : result; /* a failure shows again */
}

/* A broker that refuses this client says why, and closes: the reason must not
 * be lost because writing has found the end first. */
static int tls_link_look_for_alert(struct sluice_tls_link *l, int error)
{
    char byte;
    size_t n;
    ERR_clear_error();
    int returned = SSL_peek_ex(l->ssl, &byte, 1, &n);
    if (returned != 1 && SSL_get_error(l->ssl, returned) == SSL_ERROR_SSL &&
        !l->is_cut) {
        return tls_link_explain(l);
    }
    ERR_clear_error();
    errno = error;
    return -1;
}

/* Not all could be written, but `used` bytes. */
static ssize_t tls_link_written(struct sluice_tls_link *l, size_t used,
                                int returned)
{
    int result = tls_link_result(l, returned);
    if (used > 0)
        return (ssize_t)used;
    if (result < 0 && (errno == EPIPE || errno == ECONNRESET))
        return tls_link_look_for_alert(l, errno);
    return result < 0 ? result : tls_link_was_cut(l);
}

ssize_t sluice_tls_link_write(struct sluice_tls_link *l,
                              const struct iovec *parts, int count)
{
    size_t used = 0, n = 0;
    if (!tls_link_enter(l))
        return -1;
    for (int i = 0; i < count; i++)
        for (size_t at = 0; at < parts[i].iov_len; at += n) {
            int returned =
                SSL_write_ex(l->ssl, (const char *)parts[i].iov_base + at,
                             parts[i].iov_len - at, &n);
            if (returned != 1)
                return tls_link_written(l, used, returned);
            l->is_open = true;
            used += n;
        }
    return (ssize_t)used;
}

/* A handshake waits for one thing at a time, whatever is to be sent behind
 * it. */
short sluice_tls_link_events(const struct sluice_tls_link *l, bool has_output)
{
    if (!l->is_open)
        has_output = SSL_in_before(l->ssl) || SSL_want_write(l->ssl);
    return has_output ? POLLIN | POLLOUT : POLLIN;
}

bool sluice_tls_link_has_more(const struct sluice_tls_link *l)
{
    return l->has_more && !l->has_failed;
}

bool sluice_tls_link_export(const struct sluice_tls_link *l, uint8_t *out,
                            size_t n)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    return (SSL_version(l->ssl) >= TLS1_3_VERSION ||
            SSL_get_extms_support(l->ssl) == 1) &&
           SSL_export_keying_material(l->ssl, out, n, label, sizeof label - 1,
                                      NULL, 0, 0) == 1;
}

const struct sluice_failure *
sluice_tls_link_failure(const struct sluice_tls_link *l)
{
    return l->has_failed ? &l->failure : NULL;
}

/* SPDX-License-Identifier: MIT */
#include "broker/net/tls_bio.h"

#include <assert.h>
#include <openssl/bio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MIN = 256 };

static BIO_METHOD *bio_method;
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

bool tls_bytes_add(struct tls_bytes *b, const void *bytes, size_t n)
{
    if (n == 0)
        return true; /* there may be no memory yet */
    if (b->capacity - b->used < n) {
        size_t capacity = b->capacity < BYTES_MIN ? BYTES_MIN : b->capacity;
        while (capacity - b->used < n)
            capacity *= 2;
        uint8_t *larger = realloc(b->bytes, capacity);
        if (!larger)
            return false;
        b->bytes = larger;
        b->capacity = capacity;
    }
    memcpy(b->bytes + b->used, bytes, n);
    b->used += n;
    return true;
}

void tls_bytes_remove(struct tls_bytes *b, size_t n)
{
    assert(n <= b->used);
    b->used -= n;
    if (b->used == 0)
        tls_bytes_free(b);
    else if (n > 0)
        memmove(b->bytes, b->bytes + n, b->used);
}

void tls_bytes_free(struct tls_bytes *b)
{
    free(b->bytes);
    *b = (struct tls_bytes){.used = 0};
}

/* See BIO_meth_new(3). */

static int bio_read(BIO *bio, char *out, int room)
{
    struct tls_bio *wires = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t n = room > 0 ? (size_t)room : 0;
    if (n > wires->in_bytes)
        n = wires->in_bytes;
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, wires->in, n);
    wires->in += n;
    wires->in_bytes -= n;
    return (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int length)
{
    struct tls_bio *wires = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t n = length > 0 ? (size_t)length : 0;
    if (n > wires->out_max - wires->out->used ||
        !tls_bytes_add(wires->out, bytes, n))
        return -1;
    return (int)n;
}

static long bio_control(BIO *bio, int what, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return what == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static void bio_begin(void)
{
    BIO_METHOD *m =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice");
    if (m && BIO_meth_set_read(m, bio_read) == 1 &&
        BIO_meth_set_write(m, bio_write) == 1 &&
        BIO_meth_set_ctrl(m, bio_control) == 1 &&
        BIO_meth_set_create(m, bio_create) == 1)
        bio_method = m; /* for the life of the process */
}

BIO *tls_bio_new(struct tls_bio *wires)
{
    (void)pthread_once(&bio_once, bio_begin);
    BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
    if (bio)
        BIO_set_data(bio, wires);
    return bio;
}

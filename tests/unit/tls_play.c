/* SPDX-License-Identifier: MIT */
#include "tests/unit/tls_play.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/tls_rig.h"

enum { CHUNK = 1 << 16 };

struct play {
    struct tls_rig *rig;
    struct script script;
    struct tls_played *played;
    struct tls_bytes under_way; /* sealed by the client, not at the broker */
    uint64_t sealed, opened;    /* bytes of the client's */
    uint64_t written, answered; /* bytes of the broker's */
    bool is_changed;            /* the network was hostile */
    bool is_over;               /* the broker has read the end */
};

/* The octets of both directions say where they belong. */
static uint8_t octet_at(uint64_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

static void octets_fill(uint8_t *bytes, size_t n, uint64_t at)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = octet_at(at + i);
}

static void octets_check(const uint8_t *bytes, size_t n, uint64_t at)
{
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(bytes[i] == octet_at(at + i));
}

/* Small, or large: up to CHUNK. */
static size_t size_next(struct script *s)
{
    uint8_t b = script_byte(s);
    return b < 128 ? b : (size_t)(b - 127) << 9;
}

static void play_seal(struct play *p)
{
    static uint8_t bytes[CHUNK];
    size_t put = 0, n = size_next(&p->script);
    octets_fill(bytes, n, p->sealed);
    if (n > 0 && SSL_write_ex(p->rig->client, bytes, n, &put) == 1)
        p->sealed += put;
    tls_rig_take(p->rig, &p->under_way);
}

static void play_update(struct play *p)
{
    int which = script_byte(&p->script) & 1 ? SSL_KEY_UPDATE_REQUESTED
                                            : SSL_KEY_UPDATE_NOT_REQUESTED;
    if (SSL_key_update(p->rig->client, which) == 1)
        (void)SSL_do_handshake(p->rig->client);
    tls_rig_take(p->rig, &p->under_way);
}

static void play_deliver(struct play *p, size_t most)
{
    size_t n = p->under_way.used < most ? p->under_way.used : most;
    if (n > 0)
        FUZZ_CHECK(tls_bytes_add(&p->rig->to_broker, p->under_way.bytes, n));
    tls_bytes_remove(&p->under_way, n);
}

static void play_read(struct play *p, size_t room)
{
    uint8_t *to = malloc(room + 1); /* of its exact size */
    size_t got = 0;
    FUZZ_CHECK(to);
    enum stream_status status = tls_rig_read(p->rig, to, room + 1, &got);
    FUZZ_CHECK(got <= room + 1 && (status == STREAM_OK || got == 0));
    FUZZ_CHECK(!p->is_over || got == 0);
    octets_check(to, got, p->opened);
    p->opened += got;
    p->played->read_bytes += got;
    free(to);
    FUZZ_CHECK(p->opened <= p->sealed);
    if (status == STREAM_END || status == STREAM_RESET) {
        p->played->refused += status == STREAM_RESET && !p->is_over;
        p->is_over = true;
    }
}

static void play_write(struct play *p, size_t n)
{
    const struct transport *top = p->rig->top;
    size_t put = 0, pledged = transport_pledged(top), all = pledged + n + 1;
    uint8_t *bytes = malloc(all);
    FUZZ_CHECK(bytes);
    octets_fill(bytes, all, p->written);
    memset(bytes, '?', pledged); /* is not looked at again */
    enum stream_status status = tls_rig_write(p->rig, bytes, all, &put);
    FUZZ_CHECK(put <= all && (status == STREAM_OK || put == 0));
    FUZZ_CHECK(put + transport_pledged(top) <= all);
    FUZZ_CHECK(put + transport_pledged(top) >= pledged);
    free(bytes);
    p->written += put;
    p->played->written_bytes += put;
    p->played->full += transport_unconfirmed(top) > 0;
    FUZZ_CHECK(status == STREAM_RESET || transport_pledged(top) == 0 ||
               transport_unconfirmed(top) > 0);
    FUZZ_CHECK(transport_unconfirmed(top) <= 2 * TLS_KEPT_MAX);
}

/* What a push has written is reported now, or with the next write. */
static void play_settle(struct play *p)
{
    size_t put = transport_settle(p->rig->top);
    p->written += put;
    p->played->written_bytes += put;
}

static void play_client_reads(struct play *p)
{
    static uint8_t bytes[CHUNK];
    size_t got;
    tls_rig_answer(p->rig);
    while (SSL_read_ex(p->rig->client, bytes, sizeof bytes, &got) == 1) {
        octets_check(bytes, got, p->answered);
        p->answered += got;
    }
    tls_rig_take(p->rig, &p->under_way);
    if (p->answered & 1)
        play_settle(p);
    FUZZ_CHECK(p->is_changed ||
               p->answered == p->written + tls_rig_link(p->rig)->settled);
}

/* What a client without OpenSSL, or somebody in between, does. */
static void play_hostile(struct play *p)
{
    uint8_t what = script_byte(&p->script) & 3;
    size_t n = size_next(&p->script), got;
    const uint8_t *raw;
    p->is_changed = true;
    switch (what) {
    case 0:
        if (p->under_way.used > 0)
            p->under_way.bytes[n % p->under_way.used] ^=
                (uint8_t)(script_byte(&p->script) | 1);
        break;
    case 1:
        tls_bytes_remove(&p->under_way,
                         n < p->under_way.used ? n : p->under_way.used);
        break;
    case 2:
        raw = script_bytes(&p->script, n & 63, &got);
        FUZZ_CHECK(tls_bytes_add(&p->under_way, raw, got));
        break;
    default:
        (void)SSL_shutdown(p->rig->client);
        tls_rig_take(p->rig, &p->under_way);
        p->rig->has_ended = n & 1;
    }
}

static void play_step(struct play *p, bool is_hostile)
{
    switch (script_byte(&p->script) % 9) {
    case 0:
    case 1:
        play_seal(p);
        break;
    case 2:
        play_deliver(p, size_next(&p->script));
        break;
    case 3:
        play_deliver(p, SIZE_MAX);
        break;
    case 4:
        play_read(p, size_next(&p->script));
        break;
    case 5:
        play_write(p, size_next(&p->script) * 4);
        break;
    case 6: /* now and then without a bound */
        p->rig->room = size_next(&p->script) - 1;
        transport_push(p->rig->top, -1);
        break;
    case 7:
        play_client_reads(p);
        break;
    default:
        if (is_hostile)
            play_hostile(p);
        else if (tls_rig_link(p->rig)->asides < TLS_ASIDES_MAX / 4 &&
                 p->under_way.used + p->rig->to_broker.used == 0)
            play_update(p);
    }
}

/* Both read all that there is; without a hostile network nothing is lost. */
static void play_end(struct play *p)
{
    struct tls_rig *r = p->rig;
    for (int i = 0; i < 3 && !r->has_ended; i++) {
        play_deliver(p, SIZE_MAX);
        while (!p->is_over &&
               (r->to_broker.used > 0 || transport_held(r->top) > 0))
            play_read(p, CHUNK);
        r->room = SIZE_MAX;
        transport_push(r->top, -1);
        play_client_reads(p);
    }
    if (!p->is_changed) {
        play_settle(p);
        FUZZ_CHECK(!p->is_over && p->opened == p->sealed);
        FUZZ_CHECK(p->answered == p->written);
        FUZZ_CHECK(transport_pledged(r->top) == 0);
        FUZZ_CHECK(transport_unconfirmed(r->top) == 0);
    }
}

void tls_play(struct tls_rig *r, const uint8_t *script, size_t n,
              bool is_hostile, struct tls_played *played)
{
    struct play p = {.rig = r, .script = {script, n}, .played = played};
    tls_rig_connect(r, script_byte(&p.script) & 1 ? TLS1_2_VERSION
                                                  : TLS1_3_VERSION);
    while (p.script.left > 0)
        play_step(&p, is_hostile);
    play_end(&p);
    tls_bytes_free(&p.under_way);
    tls_rig_close(r);
}

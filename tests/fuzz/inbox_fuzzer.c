/* SPDX-License-Identifier: MIT
 *
 * The client library's inbox lends the messages that were sent, whole and
 * unmoved, however the bytes arrive.
 *
 *     input   limit (2 bytes), then pieces: length (1 byte), bytes
 */
#include "client/lib/inbox.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/lib/wire.h"
#include "tests/fuzz/fuzz.h"

struct sent {
    uint8_t *bytes; /* all that was sent so far */
    size_t n, taken;
};

/* In place of client/lib/wire.c: in clear. */
ssize_t sluice_wire_read(struct sluice_wire *w, void *bytes, size_t room)
{
    return read(w->fd, bytes, room);
}

/* The message taken must be the next one of what was sent. */
static void check_message(struct sent *sent, const struct sluice_bytes *m)
{
    const uint8_t *next = sent->bytes + sent->taken;
    FUZZ_CHECK(sent->n - sent->taken >= frame_size((uint32_t)m->length));
    FUZZ_CHECK(frame_get_length(next) == m->length);
    FUZZ_CHECK(memcmp(next + FRAME_HEAD_BYTES, m->data, m->length) == 0);
    sent->taken += frame_size((uint32_t)m->length);
}

/* False when the peer broke the protocol. */
static bool take_all(struct sluice_inbox *in, struct sent *sent)
{
    struct sluice_bytes message;
    enum frame_status status;
    while ((status = sluice_inbox_take(in, &message)) == FRAME_OK) {
        check_message(sent, &message);
        sluice_inbox_give_back(in);
    }
    return status == FRAME_MORE;
}

static void send_piece(struct script *script, struct sent *sent, int fd)
{
    size_t n;
    const uint8_t *bytes = script_bytes(script, script_byte(script), &n);
    ssize_t put = send(fd, bytes, n, MSG_NOSIGNAL);
    FUZZ_CHECK(put == (ssize_t)n);
    memcpy(sent->bytes + sent->n, bytes, n);
    sent->n += n;
}

/* A message that is lent stays while more is read in behind it. */
static bool fill_behind_lent(struct script *script, struct sluice_inbox *in,
                             struct sent *sent, const int ends[2])
{
    struct sluice_bytes lent;
    enum frame_status status = sluice_inbox_take(in, &lent);
    if (status == FRAME_OK) {
        uint8_t *copy = fuzz_copy(lent.data, lent.length);
        check_message(sent, &lent);
        send_piece(script, sent, ends[0]);
        (void)sluice_inbox_fill(in, &(struct sluice_wire){.fd = ends[1]});
        FUZZ_CHECK(memcmp(copy, lent.data, lent.length) == 0);
        free(copy);
        sluice_inbox_give_back(in);
    }
    return status != FRAME_TOO_LONG;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct script script = {bytes, n};
    uint32_t limit = script_byte(&script) << 8 | script_byte(&script);
    struct sluice_inbox in;
    struct sent sent = {fuzz_copy(bytes, n), 0, 0};
    int ends[2];
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    sluice_inbox_init(&in, limit);
    bool is_good = true;
    while (script.left > 0 && is_good) {
        send_piece(&script, &sent, ends[0]);
        (void)sluice_inbox_fill(&in, &(struct sluice_wire){.fd = ends[1]});
        is_good =
            fill_behind_lent(&script, &in, &sent, ends) && take_all(&in, &sent);
        FUZZ_CHECK(!is_good ||
                   sluice_inbox_waiting(&in) <= sent.n - sent.taken);
    }
    sluice_inbox_fini(&in);
    close(ends[0]);
    close(ends[1]);
    free(sent.bytes);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "broker/session/writer.h"

#include "broker/session/clients.h"
#include "broker/session/state.h"

/* The rest of what was offered may be pledged, and is then offered again.
 * Without a transport nothing is. */
__attribute__((noinline, cold)) static void writer_pledge(struct session *s)
{
    if (!backlog_is_empty(s->sub.outbox))
        s->sub.outbox->pledged = (uint32_t)stream_pledged(s->stream);
}

/* Flattened: it runs once for each subscriber and turn, and what it calls has a
 * second caller in version 2's writer, so it would not be inlined (2 % of the
 * instructions of 1 to 10). */
__attribute__((flatten)) enum stream_status writer_flush(struct session *s)
{
    struct clients *all = s->all;
    while (!backlog_is_empty(s->sub.outbox)) {
        size_t bytes, put = 0;
        int n = backlog_iov(s->sub.outbox, all->iov, WRITER_IOV_MAX, &bytes);
        enum stream_status status = stream_write(s->stream, all->iov, n, &put);
        if (status == STREAM_END || status == STREAM_RESET)
            return status;
        if (put > 0) {
            counter_add(all->counters, COUNT_bytes_out, put);
            subscriber_sent(&s->sub, put);
        }
        if (put < bytes) {
            writer_pledge(s);
            return STREAM_AGAIN;
        }
    }
    return STREAM_OK;
}

void writer_end(struct session *s)
{
    size_t bytes = stream_settle(s->stream);
    if (bytes > 0) {
        counter_add(s->all->counters, COUNT_bytes_out, bytes);
        subscriber_sent(&s->sub, bytes);
    }
    stream_cut(s->stream);
}

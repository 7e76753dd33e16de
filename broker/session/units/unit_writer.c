/* SPDX-License-Identifier: MIT */
#include "broker/session/units/unit_writer.h"

#include "broker/session/clients.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/keepalive.h"
#include "broker/session/units/units.h"

uint64_t unit_writer_owed_bytes(const struct session *s)
{
    const struct units *u = s->units;
    return u ? u->answers->bytes + (u->end == UNITS_ENDS) : 0;
}

/* Everything else was written. */
static bool unit_writer_say_bye(struct session *s)
{
    struct units *u = s->units;
    u->end = UNITS_SAID_BYE;
    return answer_ok(s, (struct span){u->bye_rid, u->bye_rid_length}) &&
           answer_bye(s);
}

static enum stream_status unit_writer_write(struct session *s)
{
    struct clients *all = s->all;
    struct units *u = s->units;
    size_t bytes, put = 0;
    int n = backlog_iov(u->answers, all->iov, WRITER_IOV_MAX, &bytes);
    enum stream_status status = stream_write(s->stream, all->iov, n, &put);
    if (status == STREAM_END || status == STREAM_RESET)
        return status;
    if (put > 0) {
        counter_add(all->counters, COUNT_bytes_out, put);
        units_answers_sent(s, put);
        if (stream_wants_write(s->stream) && s->waiting.wait == WAIT_PING)
            keepalive_renew(s);
    }
    return put < bytes ? STREAM_AGAIN : STREAM_OK;
}

enum stream_status unit_writer_flush(struct session *s)
{
    enum stream_status status = STREAM_OK;
    while (status == STREAM_OK && unit_writer_owed_bytes(s) > 0) {
        if (backlog_is_empty(s->units->answers) && !unit_writer_say_bye(s))
            return STREAM_RESET;
        status = unit_writer_write(s);
    }
    units_review_rest(s);
    if (status == STREAM_OK)
        units_tidy(s);
    return status;
}

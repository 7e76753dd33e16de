/* SPDX-License-Identifier: MIT */
#include "broker/session/units/answer.h"

#include "broker/core/core.h"
#include "broker/session/clients.h"
#include "broker/session/notice.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"

struct head_writer answer_begin(struct session *s, const char *word)
{
    struct head_writer w;
    head_begin(&w, (char *)units_hub(s)->answer + FRAME_HEAD_BYTES, word);
    return w;
}

bool answer_end(struct session *s, const struct head_writer *w,
                struct span body)
{
    struct unit_hub *hub = units_hub(s);
    uint32_t length = head_end(w);
    if (length == 0)
        return false;
    frame_put_length(hub->answer, length);
    uint8_t *end =
        frame_put(hub->answer + frame_size(length), body.text, body.length);
    return units_add_answer(s, hub->answer, (uint32_t)(end - hub->answer));
}

bool answer_end_frame(struct session *s, const struct head_writer *w,
                      const uint8_t *frame, uint32_t size)
{
    struct unit_hub *hub = units_hub(s);
    uint32_t length = head_end(w);
    if (length == 0)
        return false;
    frame_put_length(hub->answer, length);
    return units_add_answer(s, hub->answer, (uint32_t)frame_size(length)) &&
           units_add_answer(s, frame, size);
}

static const struct span nothing = {NULL, 0};

void answer_add_rid(struct head_writer *w, struct span rid)
{
    if (rid.length > 0)
        head_add_option(w, UNIT_OPTION_rid, rid);
}

static uint32_t period_of(const struct session *s)
{
    const struct units *u = s->units;
    return u && u->ping_ms != UNITS_PING_DEFAULT ? u->ping_ms
                                                 : s->all->config.ping_ms;
}

bool answer_info(struct session *s)
{
    const struct clients_config *config = &s->all->config;
    struct head_writer w = answer_begin(s, "INFO");
    head_add_spelled(&w, span_of("sluice/" SLUICE_VERSION));
    head_add_option_number(&w, UNIT_OPTION_v, HEAD_VERSION);
    head_add_option_number(&w, UNIT_OPTION_conn, s->id);
    head_add_option(&w, UNIT_OPTION_run, span_of(units_hub(s)->run));
    head_add_option_number(&w, UNIT_OPTION_max, config->max_frame_bytes);
    head_add_option_number(&w, UNIT_OPTION_hold, config->hold_bytes);
    head_add_option_number(&w, UNIT_OPTION_subs, config->subscriptions_max);
    head_add_option_number(&w, UNIT_OPTION_reqs, config->requests_max);
    head_add_option_ms(&w, UNIT_OPTION_ping, period_of(s));
    head_add_option(
        &w, UNIT_OPTION_feat,
        span_of(keeper_is_open(&s->all->core->keeper) ? "durable" : "core"));
    if (s->is_draining)
        head_add_option_ms(&w, UNIT_OPTION_drain, config->drain_ms);
    return answer_end(s, &w, nothing);
}

bool answer_bye(struct session *s)
{
    struct head_writer w = answer_begin(s, "BYE");
    return answer_end(s, &w, nothing);
}

static bool answer_channel(struct session *s, const char *word,
                           const uint8_t *name, uint32_t length)
{
    struct head_writer w = answer_begin(s, word);
    head_add_channel(&w, name, length);
    return answer_end(s, &w, nothing);
}

bool answer_hold(struct session *s, const uint8_t *name, uint32_t length)
{
    return answer_channel(s, "HOLD", name, length);
}

bool answer_go(struct session *s, const uint8_t *name, uint32_t length)
{
    return answer_channel(s, "GO", name, length);
}

bool answer_gap(struct session *s, const struct channel *ch, uint64_t first,
                uint64_t last)
{
    struct head_writer w = answer_begin(s, "GAP");
    head_add_channel(&w, channel_name(ch), channel_name_length(ch));
    head_add_number(&w, first);
    head_add_number(&w, last);
    head_add_option(&w, UNIT_OPTION_why, span_of("damaged"));
    return answer_end(s, &w, nothing);
}

bool answer_ping(struct session *s)
{
    struct head_writer w = answer_begin(s, "PING");
    return answer_end(s, &w, nothing);
}

bool answer_pong(struct session *s, struct span token, struct span rid)
{
    struct head_writer w = answer_begin(s, "PONG");
    if (token.length > 0)
        head_add_spelled(&w, token);
    answer_add_rid(&w, rid);
    return answer_end(s, &w, nothing);
}

bool answer_ok(struct session *s, struct span rid)
{
    if (rid.length == 0)
        return true;
    struct head_writer w = answer_begin(s, "OK");
    answer_add_rid(&w, rid);
    return answer_end(s, &w, nothing);
}

bool answer_ok_number(struct session *s, struct span rid, uint64_t number)
{
    if (rid.length == 0)
        return true;
    struct head_writer w = answer_begin(s, "OK");
    answer_add_rid(&w, rid);
    head_add_option_number(&w, UNIT_OPTION_seq, number);
    return answer_end(s, &w, nothing);
}

struct head_writer answer_begin_receipt(struct session *s, struct span rid,
                                        const struct receipt *r)
{
    struct head_writer w = answer_begin(s, "OK");
    answer_add_rid(&w, rid);
    head_add_option_number(&w, UNIT_OPTION_seq, r->number);
    head_add_option_number(&w, UNIT_OPTION_subs, r->readers);
    if (r->is_queue)
        head_add_option_number(&w, UNIT_OPTION_held, r->waits);
    else
        head_add_option_number(&w, UNIT_OPTION_drop, r->slow);
    return w;
}

const uint8_t *answer_octets(struct session *s, const struct head_writer *w,
                             uint32_t *n)
{
    struct unit_hub *hub = units_hub(s);
    uint32_t length = head_end(w);
    if (length == 0)
        return NULL;
    frame_put_length(hub->answer, length);
    uint8_t *end = frame_put(hub->answer + frame_size(length), NULL, 0);
    *n = (uint32_t)(end - hub->answer);
    return hub->answer;
}

bool answer_receipt(struct session *s, struct span rid, const struct receipt *r)
{
    if (rid.length == 0)
        return true;
    struct head_writer w = answer_begin_receipt(s, rid, r);
    return answer_end(s, &w, nothing);
}

/* A request without a reply was no mistake of its client. */
static enum counter_id counter_of(enum unit_error error)
{
    switch (error) {
    case UNIT_NO_RESPONDER:
        return COUNT_requests_no_responder;
    case UNIT_TIMEOUT:
        return COUNT_requests_timed_out;
    default:
        return COUNT_unit_errors;
    }
}

bool answer_error(struct session *s, enum unit_error error, struct span rid,
                  struct span word)
{
    counter_add(s->all->counters, counter_of(error), 1);
    notice_refused(s, unit_error_code(error), word.text, word.length);
    if (error == UNIT_GONE && rid.length == 0)
        return true;
    struct head_writer w = answer_begin(s, "ERR");
    head_add_spelled(&w, span_of(unit_error_code(error)));
    answer_add_rid(&w, rid);
    if (error == UNIT_VERSION)
        head_add_option_number(&w, UNIT_OPTION_max, HEAD_VERSION);
    return answer_end(s, &w, span_of(unit_error_text(error)));
}

/* SPDX-License-Identifier: MIT */
#include "broker/session/clients.h"

#include <stdlib.h>

#include "broker/auth/tries.h"
#include "broker/core/core.h"
#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "broker/session/bypass.h"
#include "broker/session/clients_turn.h"
#include "broker/session/closing.h"
#include "broker/session/identity.h"
#include "broker/session/partial.h"
#include "broker/session/reader.h"
#include "broker/session/review.h"
#include "broker/session/session.h"
#include "broker/session/state.h"
#include "users/users.h"

enum { FINISH_LOOK_MS = 10, LINGER_MS = 1000, RATE_LOOK_MS = 20 };

static void look_at_finishing(void *arg)
{
    struct clients *all = arg;
    LIST_EACH_SAFE (link, &all->waits.lists[WAIT_FINISH]) {
        struct session *s = LIST_OF(link, struct session, waiting.link);
        session_act(s, closing_check(s));
    }
}

static void end_finish(struct waiting *w)
{
    struct session *s = LIST_OF(w, struct session, waiting);
    session_close(s, closing_reason(s));
}

/* While other clients wait for memory, a grant is revoked if its client has
 * sent nothing for a while. Some have nothing here of what they have begun: it
 * is discarded, or lies in the kernel or in a transport. */
static void revoke_idle_grants(void *arg)
{
    struct clients *all = arg;
    clock_ms now = reactor_now_ms(all->reactor);
    LIST_EACH (link, &all->waits.lists[WAIT_FRAME]) {
        struct session *s = LIST_OF(link, struct session, waiting.link);
        if (clock_elapsed_ms(now, s->waiting.since) < ADMISSION_IDLE_GRANT_MS)
            break;
        if (s->partial)
            admission_revoke(&all->admission, s->partial);
    }
}

static void look_at_rates(void *arg)
{
    struct clients *all = arg;
    LIST_EACH_SAFE (link, &all->waits.lists[WAIT_RATE]) {
        struct session *s = LIST_OF(link, struct session, waiting.link);
        if (!identity_is_over(s))
            session_resume(s);
    }
}

static const struct wait_row wait_rows[WAIT_TOTAL] = {
    [WAIT_HELLO] = {.expire = session_on_timeout},
    [WAIT_FRAME] = {.expire = session_on_timeout},
    [WAIT_LEAVE] = {.expire = session_on_timeout},
    [WAIT_FINISH] = {.expire = end_finish,
                     .look = look_at_finishing,
                     .look_ms = FINISH_LOOK_MS},
    [WAIT_LINGER] = {.expire = end_finish},
    [WAIT_PING] = {.expire = session_on_timeout},
    [WAIT_SIP] = {.expire = session_on_sip},
    [WAIT_RATE] = {.look = look_at_rates, .look_ms = RATE_LOOK_MS},
    [WAIT_MEMORY] = {.look = revoke_idle_grants,
                     .look_ms = ADMISSION_IDLE_GRANT_MS},
};

static void on_nothing(void *arg)
{
    (void)arg;
}

bool clients_init(struct clients *all, const struct clients_config *config,
                  struct reactor *reactor, struct core *core,
                  struct counters *counters, struct budget *budget,
                  struct log *log)
{
    *all = (struct clients){.reactor = reactor,
                            .core = core,
                            .counters = counters,
                            .budget = budget,
                            .log = log,
                            .bound = UINT32_MAX,
                            .on_closed = on_nothing};
    list_init(&all->list);
    all->shown_next = &all->list;
    waits_init(&all->waits, wait_rows, all);
    admission_init(&all->admission, budget);
    clients_configure(all, config);
    all->scratch = malloc(PARTIAL_UNREAD_MAX + READER_MAX_BYTES);
    bool is_open = clients_turn_init(all) && all->scratch;
    for (size_t i = 0; i < SESSION_KINDS; i++)
        if (session_kinds[i]->open)
            is_open &= session_kinds[i]->open(all);
    return is_open;
}

void clients_configure(struct clients *all, const struct clients_config *config)
{
    all->config = *config;
    all->waits.limit_ms[WAIT_HELLO] = config->hello_ms;
    all->waits.limit_ms[WAIT_FRAME] = config->frame_ms;
    all->waits.limit_ms[WAIT_LEAVE] = config->leave_ms;
    all->waits.limit_ms[WAIT_FINISH] = config->leave_ms;
    all->waits.limit_ms[WAIT_LINGER] = LINGER_MS;
    all->waits.limit_ms[WAIT_PING] =
        config->ping_ms > 0 ? config->ping_ms : WAITS_FOREVER_MS;
    all->waits.limit_ms[WAIT_SIP] = BYPASS_SIP_MS;
}

void clients_close_all(struct clients *all)
{
    LIST_EACH_SAFE (link, &all->list)
        session_close(LIST_OF(link, struct session, link), REASON_STOPPING);
    clients_turn_deliver(all);
}

void clients_fini(struct clients *all)
{
    clients_close_all(all);
    for (size_t i = 0; i < SESSION_KINDS; i++)
        if (session_kinds[i]->close)
            session_kinds[i]->close(all);
    clients_turn_fini(all);
    review_fini(all);
    identities_fini(all);
    tries_free(all->tries);
    free(all->scratch);
}

struct tries *clients_obtain_tries(struct clients *all)
{
    if (!all->tries)
        all->tries = tries_new();
    return all->tries;
}

void clients_add(struct clients *all, int fd, const struct sockaddr *peer,
                 socklen_t length, struct demands demands)
{
    counter_add(all->counters, COUNT_accepted, 1);
    all->accepted++;
    if (session_new(all, fd, peer, length, demands))
        return;
    counter_add(all->counters, COUNT_closed_no_memory, 1);
    log_event(all->log, LOG_WARNING, "refused",
              LOG_TEXT("reason", "no_memory"));
}

/* Stopping one session may close another, so no position in the list is kept.
 */
void clients_drain(struct clients *all)
{
    struct list stopped, *link;
    list_init(&stopped);
    review_finish(all);
    all->shown_next = &all->list; /* watchers see the rest in the next walk */
    while ((link = list_pop(&all->list)) != NULL) {
        struct session *s = LIST_OF(link, struct session, link);
        size_t left = stream_held(s->stream);
        list_insert(&stopped, link);
        while (session_read_rest(s, &left))
            if (all->turn_bytes >= READER_MAX_BYTES)
                clients_turn_deliver(all);
        session_act(s, closing_stop(s));
    }
    while ((link = list_pop(&stopped)) != NULL)
        list_insert(&all->list, link);
}

bool clients_are_drained(const struct clients *all)
{
    bool is_drained = all->undrained == 0 && core_is_drained(all->core);
    for (size_t i = 0; i < SESSION_KINDS; i++)
        if (session_kinds[i]->is_drained)
            is_drained &= session_kinds[i]->is_drained(all);
    return is_drained;
}

bool clients_dismiss(struct clients *all)
{
    bool is_any = false;
    LIST_EACH_SAFE (link, &all->list) {
        struct session *s = LIST_OF(link, struct session, link);
        is_any |= s->is_draining;
        if (s->is_draining)
            session_act(s, closing_finish(s));
    }
    return is_any;
}

void clients_finish(struct clients *all)
{
    LIST_EACH_SAFE (link, &all->list) {
        struct session *s = LIST_OF(link, struct session, link);
        session_act(s, closing_finish(s));
    }
}

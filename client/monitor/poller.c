/* SPDX-License-Identifier: MIT */
#include "client/monitor/poller.h"

#include "client/http_client.h"
#include "client/lib/deadline.h"
#include "client/monitor/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct poller {
    struct http_client http;
    int64_t next_ms;   /* IDLE: when it asks again */
    int64_t due_ms;    /* when an answer must be there */
    json_t *documents; /* those of the last answer; NULL when none is left */
    enum report_kind kind; /* of the one that comes next */
    char *text;            /* of the one handed out last; NULL: none */
    bool has_failed;       /* http.failure says why */
    bool is_endless;       /* no failure is final */
};

struct poller *poller_open(const char *url, const struct target *t,
                           struct sluice_failure *why)
{
    struct poller *p = calloc(1, sizeof *p);
    if (!p) {
        (void)sluice_failure_set(why, SLUICE_NO_MEMORY, "out of memory");
        return NULL;
    }
    if (http_client_init(&p->http, url, t, POLLER_ANSWER_MAX) == SLUICE_OK)
        return p;
    *why = p->http.failure;
    poller_close(p);
    return NULL;
}

void poller_never_end(struct poller *p)
{
    p->is_endless = true;
}

void poller_close(struct poller *p)
{
    if (!p)
        return;
    http_client_fini(&p->http);
    json_decref(p->documents);
    free(p->text);
    free(p);
}

/* --- asking -------------------------------------------------------------- */

static enum sluice_error poller_read(struct poller *p)
{
    json_t *all = NULL;
    if (report_is_short(p->http.answer, p->http.answer_bytes, 3))
        all = json_loadb(p->http.answer, p->http.answer_bytes, 0, NULL);
    p->documents = json_is_object(all) ? all : NULL;
    p->kind = REPORT_STATS;
    if (p->documents)
        return SLUICE_OK;
    json_decref(all);
    return sluice_failure_set(&p->http.failure, SLUICE_FOREIGN,
                              "the documents of %s cannot be read: is it a "
                              "broker's --http?",
                              p->http.url.address);
}

static void poller_take(struct poller *p, enum sluice_error error)
{
    if (error == SLUICE_AGAIN)
        return;
    if (error == SLUICE_OK)
        error = poller_read(p);
    p->has_failed = error != SLUICE_OK;
    if (p->has_failed && http_client_is_final(error))
        p->next_ms = sluice_deadline_clock() + POLLER_REST_MS;
}

static void poller_go_on(struct poller *p)
{
    int64_t now_ms = sluice_deadline_clock();
    if (p->http.stage == HTTP_CLIENT_IDLE) {
        if (now_ms < p->next_ms)
            return;
        p->next_ms = now_ms + POLLER_PERIOD_MS;
        p->due_ms = now_ms + POLLER_ANSWER_MS;
        poller_take(p, http_client_begin(&p->http, "/stats"));
    } else if (now_ms < p->due_ms) {
        poller_take(p, http_client_continue(&p->http));
    } else {
        http_client_end(&p->http);
        poller_take(p, sluice_failure_set(&p->http.failure, SLUICE_TIMEOUT,
                                          "%s does not answer",
                                          p->http.url.address));
    }
}

/* --- handing out --------------------------------------------------------- */

/* As one that comes once per period, however often the broker makes them for
 * others: what follows would else seem late. NULL when there is none. */
static char *poller_write(json_t *document)
{
    const double period = POLLER_PERIOD_MS / 1000.0;
    if (!json_is_object(document))
        return NULL;
    if (report_number(document, "interval") < period)
        json_object_set_new(document, "interval", json_real(period));
    return json_dumps(document, REPORT_JSON);
}

/* Those of the answer that the broker has; a kind is handed out once. */
static bool poller_take_document(struct poller *p, struct receiver_message *m)
{
    free(p->text);
    p->text = NULL;
    while (p->documents && !p->text && p->kind != REPORT_EVENT) {
        const char *topic = report_topic(p->kind);
        json_t *one = json_object_get(p->documents, report_kind_name(p->kind));
        p->kind++;
        p->text = poller_write(one);
        *m = (struct receiver_message){
            2,
            {{topic, strlen(topic)}, {p->text, p->text ? strlen(p->text) : 0}}};
    }
    if (p->text)
        return true;
    json_decref(p->documents);
    p->documents = NULL;
    return false;
}

bool poller_receive(struct poller *p, struct receiver_message *message)
{
    if (poller_take_document(p, message))
        return true;
    if (!poller_is_over(p))
        poller_go_on(p);
    return poller_take_document(p, message);
}

/* --- waiting ------------------------------------------------------------- */

int poller_fd(const struct poller *p)
{
    return http_client_fd(&p->http);
}

short poller_events(const struct poller *p)
{
    return http_client_events(&p->http);
}

int64_t poller_due_ms(const struct poller *p)
{
    if (p->http.stage == HTTP_CLIENT_IDLE)
        return p->next_ms;
    int left_ms = http_client_left_ms(&p->http);
    int64_t due_ms = left_ms < 0 ? p->due_ms : sluice_deadline_in(left_ms);
    return due_ms < p->due_ms ? due_ms : p->due_ms;
}

const struct sluice_failure *poller_failure(const struct poller *p)
{
    return p->has_failed ? &p->http.failure : NULL;
}

bool poller_is_over(const struct poller *p)
{
    return p->has_failed && !p->is_endless &&
           http_client_is_final(p->http.failure.error);
}

/* SPDX-License-Identifier: MIT */
#include "client/monitor/viewers.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdlib.h>

/* One that takes nothing for so long is gone, or as good as. */
enum { VIEWER_STALLED_S = 60, VIEWER_INPUT_MAX = 4096 };

struct viewer {
    struct viewers *home;
    struct evhttp_request *request;
    uint64_t missed; /* events */
    size_t place;    /* in home->viewer */
};

struct viewers {
    size_t count;
    struct viewer *viewer[VIEWERS_MAX];
};

struct viewers *viewers_new(void)
{
    return calloc(1, sizeof(struct viewers));
}

void viewers_free(struct viewers *v)
{
    if (!v)
        return;
    while (v->count > 0)
        free(v->viewer[--v->count]);
    free(v);
}

/* The connection and the request are freed by libevent. */
static void viewer_on_close(struct evhttp_connection *connection, void *arg)
{
    struct viewer *viewer = arg;
    struct viewers *v = viewer->home;
    (void)connection;
    v->viewer[viewer->place] = v->viewer[--v->count];
    v->viewer[viewer->place]->place = viewer->place;
    free(viewer);
}

/* Nothing more is expected from the browser, however long that takes. */
static void viewer_set_up(struct viewer *viewer)
{
    struct evhttp_connection *connection =
        evhttp_request_get_connection(viewer->request);
    struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);
    struct timeval stalled = {.tv_sec = VIEWER_STALLED_S};
    bufferevent_set_timeouts(stream, NULL, &stalled);
    bufferevent_setwatermark(stream, EV_READ, 0, VIEWER_INPUT_MAX);
    evhttp_connection_set_closecb(connection, viewer_on_close, viewer);
}

void viewers_add(struct viewers *v, struct evhttp_request *request)
{
    struct viewer *viewer =
        v->count < VIEWERS_MAX ? calloc(1, sizeof *viewer) : NULL;
    if (!viewer) {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    *viewer = (struct viewer){v, request, 0, v->count};
    v->viewer[v->count++] = viewer;
    evhttp_send_reply_start(request, HTTP_OK, "OK");
    viewer_set_up(viewer);
}

static size_t viewer_unsent(const struct viewer *viewer)
{
    struct evhttp_connection *connection =
        evhttp_request_get_connection(viewer->request);
    return evbuffer_get_length(
        bufferevent_get_output(evhttp_connection_get_bufferevent(connection)));
}

static void viewer_tell(struct viewer *viewer, struct evbuffer *scratch,
                        const char *event, size_t length)
{
    if (viewer_unsent(viewer) + length > VIEWER_UNSENT_MAX) {
        viewer->missed++;
        return;
    }
    if (viewer->missed > 0)
        evbuffer_add_printf(scratch, "event: missed\ndata: %" PRIu64 "\n\n",
                            viewer->missed);
    viewer->missed = 0;
    evbuffer_add(scratch, event, length);
    evhttp_send_reply_chunk(viewer->request, scratch); /* takes it out */
}

void viewers_tell(struct viewers *v, const char *event, size_t length)
{
    struct evbuffer *scratch = evbuffer_new();
    if (!scratch)
        return;
    for (size_t i = 0; i < v->count; i++)
        viewer_tell(v->viewer[i], scratch, event, length);
    evbuffer_free(scratch);
}

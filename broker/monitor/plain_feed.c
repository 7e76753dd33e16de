/* SPDX-License-Identifier: MIT */
#include "broker/monitor/plain_feed.h"

#include <stdio.h>
#include <stdlib.h>

#include "broker/monitor/broker_view.h"
#include "broker/monitor/document.h"

struct plain_feed {
    const struct broker_view *broker;
    struct pub_socket *socket;
};

struct plain_feed *plain_feed_new(const struct broker_view *broker,
                                  struct pub_socket_shared *shared,
                                  enum pub_socket_kind kind)
{
    struct plain_feed *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->broker = broker;
    f->socket = pub_socket_new(shared, kind, NULL, NULL);
    if (f->socket)
        return f;
    free(f);
    return NULL;
}

void plain_feed_free(struct plain_feed *f)
{
    if (!f)
        return;
    pub_socket_free(f->socket);
    free(f);
}

struct pub_socket *plain_feed_socket(struct plain_feed *f)
{
    return f->socket;
}

/* The topic becomes the first key of the document: so a reader can tell what it
 * is, and a subscriber can ask for it by how the message begins. Takes the
 * document, which is not an empty object; NULL is allowed. */
static void plain_feed_send_document(struct plain_feed *f, const char *topic,
                                     char *document)
{
    char *text;
    int n = document
                ? asprintf(&text, "{\"topic\":\"%s\",%s", topic, document + 1)
                : -1;
    free(document);
    if (n < 0)
        return;
    const struct pub_socket_part part = {text, (size_t)n};
    pub_socket_send(f->socket, &part, 1);
    free(text);
}

bool plain_feed_send(struct plain_feed *f)
{
    if (pub_socket_peers(f->socket) == 0)
        return false;
    plain_feed_send_document(f, "sluice.stats", document_stats(f->broker));
    return true;
}

void plain_feed_send_seen(struct plain_feed *f,
                          const struct survey_result *seen)
{
    if (pub_socket_peers(f->socket) == 0)
        return;
    plain_feed_send_document(f, "sluice.channels",
                             document_channels(f->broker, seen));
    plain_feed_send_document(f, "sluice.clients",
                             document_clients(f->broker, seen));
}

/* SPDX-License-Identifier: MIT */
#include "client/topic_link.h"

#include "client/lib/handle.h"
#include "client/target.h"

enum sluice_error topic_link_join(struct topic_link *l, const struct target *t,
                                  struct sluice_bytes topic, int timeout_ms)
{
    enum sluice_error error = l->has_units
                                  ? target_open(t, l->s, timeout_ms)
                                  : target_connect(t, l->s, timeout_ms);
    if (error != SLUICE_OK)
        return error;
    return l->has_units ? sluice_subscribe_to(l->s, topic, NULL, 0, timeout_ms)
                        : sluice_subscribe(l->s, topic);
}

enum sluice_error topic_link_publish(struct topic_link *l,
                                     struct sluice_bytes topic,
                                     struct sluice_bytes message,
                                     int timeout_ms)
{
    return l->has_units
               ? sluice_publish_to(l->s, topic, message, NULL, 0, timeout_ms)
               : sluice_publish(l->s, topic, message, timeout_ms);
}

static enum sluice_error topic_link_refused(struct topic_link *l,
                                            const struct sluice_event *e)
{
    return sluice_failure_set(&l->s->failure, SLUICE_REFUSED, "%s: %.*s",
                              e->reason, (int)e->body.length,
                              (const char *)e->body.data);
}

enum sluice_error topic_link_receive(struct topic_link *l,
                                     struct sluice_bytes *message)
{
    const struct sluice_event *e;
    enum sluice_error error;
    if (!l->has_units)
        return sluice_receive(l->s, message, SLUICE_NO_WAIT);
    do
        error = sluice_next(l->s, &e, SLUICE_NO_WAIT);
    while (error == SLUICE_OK && e->kind != SLUICE_EVENT_MESSAGE &&
           e->kind != SLUICE_EVENT_FAILED);
    if (error != SLUICE_OK)
        return error;
    if (e->kind == SLUICE_EVENT_FAILED)
        return topic_link_refused(l, e);
    *message = e->body;
    return SLUICE_OK;
}

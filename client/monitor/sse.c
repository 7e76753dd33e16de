/* SPDX-License-Identifier: MIT */
#include "client/monitor/sse.h"

#include "client/monitor/reporter_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Consumes `data`, which may be NULL. The JSON of jansson has no newline, which
 * would end the event. */
static char *sse_event(const char *name, json_t *data)
{
    char *event = NULL, *text = data ? json_dumps(data, REPORT_JSON) : NULL;
    if (text && asprintf(&event, "event: %s\ndata: %s\n\n", name, text) < 0)
        event = NULL;
    free(text);
    json_decref(data);
    return event;
}

char *sse_report(const struct reporter *p, const struct report *r)
{
    json_t *data = reporter_json_head(p);
    bool ok =
        json_object_set_new(data, "kind",
                            json_string(report_kind_name(r->kind))) == 0 &&
        (r->kind != REPORT_STATS ||
         json_object_set_new(data, "sample", reporter_json_sample(p)) == 0) &&
        json_object_set(data, "document", r->document) == 0;
    if (ok)
        return sse_event("report", data);
    json_decref(data);
    return NULL;
}

char *sse_silent(const struct reporter *p)
{
    return sse_event("silent", reporter_json_head(p));
}

char *sse_missed(uint64_t events)
{
    char *event;
    int n = asprintf(&event, "event: missed\ndata: %" PRIu64 "\n\n", events);
    return n < 0 ? NULL : event;
}

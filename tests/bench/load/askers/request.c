/* SPDX-License-Identifier: MIT
 *
 * Request and reply of version 2.
 */
#include "tests/bench/load/asker.h"
#include "tests/bench/load/link.h"

#include <stdio.h>
#include <string.h>

#define SERVICE "/svc/bench"

void asker_open_request(struct asker *a)
{
    a->client.fd = link_connect(a->port);
    a->other.fd = link_connect(a->port);
    unit_text_open(a->client.fd);
    unit_text_open(a->other.fd);
    unit_text_ask(a->other.fd, "SUB " SERVICE " rid=1", "OK rid=1");
}

/* Its head ends with the address. */
static void request_reply(struct asker *a)
{
    static const char before[] = " reply=";
    char head[256];
    struct unit_text request = asker_hear_unit(&a->other, "MSG ");
    const char *address =
        memmem(request.head, request.head_length, before, sizeof before - 1);
    if (!address)
        link_die("a request has no address");
    address += sizeof before - 1;
    snprintf(head, sizeof head, "PUB %.*s",
             (int)(request.head + request.head_length - address), address);
    asker_say_unit(&a->other, head, a->size);
}

void asker_request(struct asker *a)
{
    asker_say_unit(&a->client, "REQ " SERVICE " rid=1", a->size);
    request_reply(a);
    (void)asker_hear_unit(&a->client, "REP ");
}

/* SPDX-License-Identifier: MIT */
#include "client/wait_notice.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "proto/channel_name.h"

#include <string.h>

enum { WAIT_NOTICE_MS = 1000 };

void wait_notice_init(struct wait_notice *n, const char *channel)
{
    *n = (struct wait_notice){.channel = channel, .due_ms = -1};
}

void wait_notice_begin(struct wait_notice *n)
{
    if (n->due_ms < 0 && !n->is_printed)
        n->due_ms = sluice_deadline_clock() + WAIT_NOTICE_MS;
}

void wait_notice_end(struct wait_notice *n)
{
    n->due_ms = -1;
}

void wait_notice_print(struct wait_notice *n, const char *what)
{
    if (n->due_ms < 0 || sluice_deadline_left(n->due_ms) > 0)
        return;
    bool is_queue = strncmp(n->channel, CHANNEL_NAME_QUEUE,
                            strlen(CHANNEL_NAME_QUEUE)) == 0;
    complain(EXIT_DONE, "waiting: %s (%s?)", what,
             is_queue ? "queue full" : "slow subscriber");
    n->is_printed = true;
    n->due_ms = -1;
}

/* SPDX-License-Identifier: MIT
 *
 * send_plan - what `sluice send` is to send, and where. sender.h does it in
 * version 1 of the protocol, confirmed.h in version 2.
 */
#ifndef SLUICE_CLIENT_SEND_PLAN_H
#define SLUICE_CLIENT_SEND_PLAN_H

#include "client/source.h"
#include "client/target.h"

struct confirmed_options;

struct send_plan {
    const struct target *target;             /* borrowed */
    const char *channel;                     /* borrowed */
    struct source *source;                   /* borrowed */
    const struct confirmed_options *options; /* borrowed */
    int timeout_ms; /* of one attempt to connect; and to finish, once all is
                       handed to the kernel */
    size_t longest; /* bytes of a message */
    bool reconnects;
    bool is_verbose;
};

#endif

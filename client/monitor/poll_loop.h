/* SPDX-License-Identifier: MIT
 *
 * poll_loop - a poller in the loop of the collector: hands on what a broker's
 * documents say, and reports on standard error when they cannot be had.
 */
#ifndef SLUICE_CLIENT_MONITOR_POLL_LOOP_H
#define SLUICE_CLIENT_MONITOR_POLL_LOOP_H

struct event_base;
struct poll_loop;
struct receiver_message;
struct sluice_failure;
struct target;

/* Called from the loop with each document. */
typedef void poll_loop_fn(void *arg, const struct receiver_message *message);

/* `url` and `t` are as for http_client_init; `url` is borrowed. NULL, with a
 * sentence in *why, when they cannot be used. */
struct poll_loop *poll_loop_open(struct event_base *base, const char *url,
                                 const struct target *t, poll_loop_fn *take,
                                 void *arg, struct sluice_failure *why);
void poll_loop_close(struct poll_loop *l); /* may be NULL */

/* As it was opened with. */
const char *poll_loop_url(const struct poll_loop *l);

#endif

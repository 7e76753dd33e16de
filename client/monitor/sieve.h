/* SPDX-License-Identifier: MIT
 *
 * sieve - keeps from the HTTP parser what two parsers could understand in two
 * ways: lines that do not end with CR LF, that go on in the next, or that hold
 * control characters; and what comes too late, however steadily it trickles.
 * It is put in front of a connection's input.
 */
#ifndef SLUICE_CLIENT_MONITOR_SIEVE_H
#define SLUICE_CLIENT_MONITOR_SIEVE_H

#include <stdbool.h>

struct bufferevent;
/* From now on input that is refused, or that comes after `patience_s`, is
 * replaced by what the parser answers with 400. False when there is no
 * memory. */
bool sieve_attach(struct bufferevent *connection, int patience_s);

#endif

/* SPDX-License-Identifier: MIT
 *
 * ear - what a client of version 2 hears: units that are well formed, numbers
 * of a topic that rise, HOLD and GO in turn, nothing after BYE. It remembers
 * what the client can answer.
 */
#ifndef SLUICE_TESTS_FUZZ_EAR_H
#define SLUICE_TESTS_FUZZ_EAR_H

#include <stddef.h>
#include <stdint.h>

/* The client has just connected, and will hear units from now on. */
void ear_open(int client);

/* What it hears is not listened to; harmless when it is not open. */
void ear_close(int client);

/* So many octets came. Aborts when they are wrong. */
void ear_hear(int client, const uint8_t *bytes, size_t n);

/* Channel and number of a message of a queue, "CHANNEL NUMBER", that it was
 * given: the latest, or one of those before. "" when there is none. */
const char *ear_work(int client, unsigned before);

/* The latest address that a reply could go to, of all clients; "@" when there
 * is none. */
const char *ear_address(void);

#endif

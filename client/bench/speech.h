/* SPDX-License-Identifier: MIT
 *
 * speech - what the connections of a benchmark say besides messages, in the
 * version of the protocol that is measured. Texts that are sent as they are;
 * the opening of version 2 is the library's.
 */
#ifndef SLUICE_CLIENT_BENCH_SPEECH_H
#define SLUICE_CLIENT_BENCH_SPEECH_H

#include "client/sluice.h"
#include "proto/channel_name.h"
#include "proto/frame.h"

/* Messages of a queue that a consumer with acknowledgements may hold. */
enum { SPEECH_CREDIT = 1000 };

enum {
    SPEECH_HEAD_BYTES = SLUICE_PATTERN_MAX + 64,
    SPEECH_HELLO_BYTES = 256 + 2 * FRAME_HEAD_BYTES + SPEECH_HEAD_BYTES,
};

struct speech {
    bool has_units; /* version 2 */
    bool confirms;  /* a receipt for each message that is published, */
    bool syncs;     /* which comes when it is on disk */
    bool acks;      /* an acknowledgement for each that a queue delivers */
    char head[SPEECH_HEAD_BYTES]; /* before each message: a name or a head */
    uint8_t subscribe[SPEECH_HELLO_BYTES]; /* the first bytes of a subscriber */
    uint8_t publish[SPEECH_HELLO_BYTES];   /* those of a publisher, if any */
    uint8_t goodbye[16];                   /* the last bytes of a publisher */
    size_t subscribe_bytes, publish_bytes, goodbye_bytes;
};

/* Fills the texts from the fields before it. `channel` has 1 to 255 bytes. */
void speech_init(struct speech *s, const char *channel);

/* Whether a head of the broker has this verb. */
bool speech_is_verb(const uint8_t *head, size_t length, const char *verb);

/* Copies a head as text, as much as there is room for. */
void speech_copy_head(char *out, size_t room, const uint8_t *head,
                      size_t length);

#endif

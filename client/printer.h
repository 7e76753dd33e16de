/* SPDX-License-Identifier: MIT
 *
 * printer - writes messages to standard output, as lines of text, as JSON, or
 * raw. On a terminal, which a message must never control, control characters
 * are escaped; a file or a pipe gets the bytes unchanged.
 */
#ifndef SLUICE_CLIENT_PRINTER_H
#define SLUICE_CLIENT_PRINTER_H

#include "client/sluice.h"

#include <stdbool.h>
#include <stdint.h>

enum printer_format {
    PRINTER_TEXT, /* a line of text per message */
    PRINTER_JSON, /* an object per line, with time and channel */
    PRINTER_RAW,  /* the bytes alone */
};

struct printer {
    int fd;
    bool is_terminal;
    enum printer_format format;
    bool has_time;               /* PRINTER_TEXT: the time before the message */
    bool has_channel;            /* PRINTER_TEXT: the channel, ... */
    bool has_headers;            /* ... and the headers before it */
    bool is_document;            /* PRINTER_TEXT: lines of a message stay lines,
                                    and only a last one without its end gets
                                    one */
    struct sluice_bytes channel; /* of the message; always in PRINTER_JSON */
    const struct sluice_header *headers; /* of the message, as libsluice has
                                            them; NULL: none */
    uint64_t age_ms;                     /* how long ago the message came */
    size_t used;                         /* bytes of buffer */
    uint8_t buffer[64 << 10];
};

/* As text, without times, channels and headers; set other fields afterwards. */
void printer_init(struct printer *p, int fd);

/* Both return false, with errno, when the output cannot be written. A message
 * may be buffered until printer_flush(). */
bool printer_put(struct printer *p, struct sluice_bytes message);
bool printer_flush(struct printer *p);

#endif

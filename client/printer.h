/* SPDX-License-Identifier: MIT
 *
 * printer - writes messages to standard output: as they are into a file or a
 * pipe, with control characters escaped on a terminal, which a message must
 * never control.
 */
#ifndef SLUICE_CLIENT_PRINTER_H
#define SLUICE_CLIENT_PRINTER_H

#include "client/sluice.h"

#include <stdbool.h>
#include <stdint.h>

struct printer {
    int fd;
    bool is_terminal;
    bool is_raw; /* no newline after each message */
    size_t used; /* bytes of buffer */
    uint8_t buffer[64 << 10];
};

void printer_init(struct printer *p, int fd, bool is_raw);

/* Both return false, with errno, when the output cannot be written. A message
 * is not on its way before printer_flush(). */
bool printer_put(struct printer *p, struct sluice_bytes message);
bool printer_flush(struct printer *p);

#endif

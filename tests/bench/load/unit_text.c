/* SPDX-License-Identifier: MIT */
#include "tests/bench/load/unit_text.h"

#include "proto/frame.h"
#include "tests/bench/load/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { UNIT_TEXT_BYTES = 4096, UNIT_TEXT_OPENING_BYTES = 9 };

bool unit_text_read(struct unit_text *out, const uint8_t *bytes, size_t n)
{
    if (n < 2 * FRAME_HEAD_BYTES)
        return false;
    size_t head = frame_size(frame_get_length(bytes));
    if (n < head + FRAME_HEAD_BYTES)
        return false;
    out->head = (const char *)bytes + FRAME_HEAD_BYTES;
    out->head_length = (uint32_t)head - FRAME_HEAD_BYTES;
    out->body_length = frame_get_length(bytes + head);
    out->bytes = head + frame_size(out->body_length);
    return n >= out->bytes;
}

uint8_t *unit_text_put(uint8_t *out, const char *head, uint32_t size)
{
    out = frame_put(out, head, (uint32_t)strlen(head));
    frame_put_length(out, size);
    memset(out + FRAME_HEAD_BYTES, 'x', size);
    return out + frame_size(size);
}

static void unit_text_expect(int fd, const char *expected)
{
    uint8_t heard[UNIT_TEXT_BYTES];
    struct unit_text unit;
    size_t n = 0;
    do {
        ssize_t got = recv(fd, heard + n, sizeof heard - n, 0);
        if (got <= 0)
            link_die("version 2 is not spoken");
        n += (size_t)got;
    } while (!unit_text_read(&unit, heard, n));
    errno = EPROTO;
    if (unit.head_length < strlen(expected) ||
        memcmp(unit.head, expected, strlen(expected)) != 0)
        link_die(expected);
}

void unit_text_open(int fd)
{
    uint8_t opening[2 * FRAME_HEAD_BYTES + UNIT_TEXT_OPENING_BYTES];
    uint8_t *end = frame_put(opening, "\0SLUICE/2", UNIT_TEXT_OPENING_BYTES);
    end = frame_put(end, NULL, 0);
    link_say(fd, opening, (size_t)(end - opening));
    unit_text_expect(fd, "INFO ");
}

void unit_text_ask(int fd, const char *head, const char *expected)
{
    uint8_t bytes[UNIT_TEXT_BYTES];
    link_say(fd, bytes, (size_t)(unit_text_put(bytes, head, 0) - bytes));
    unit_text_expect(fd, expected);
}

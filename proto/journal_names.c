/* SPDX-License-Identifier: MIT */
#include "proto/journal_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ID_DIGITS = 16, UUID_DIGITS = 2 * JOURNAL_UUID };

static const char suffix[] = ".seg";
static const char spare[] = "spare-";
static const char title[] = "sluice journal ";
static const char uuid_word[] = "uuid ";

/* The value of a lower-case digit, -1 if it is not one. */
static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

void journal_name_segment(char out[JOURNAL_FILE_NAME], uint64_t id)
{
    snprintf(out, JOURNAL_FILE_NAME, "%016" PRIx64 "%s", id, suffix);
}

uint64_t journal_name_segment_id(const char *name)
{
    uint64_t id = 0;
    for (int i = 0; i < ID_DIGITS; i++) {
        int digit = hex_value(name[i]);
        if (digit < 0)
            return 0;
        id = id << 4 | (uint64_t)digit;
    }
    return strcmp(name + ID_DIGITS, suffix) == 0 ? id : 0;
}

void journal_name_spare(char out[JOURNAL_FILE_NAME], unsigned i)
{
    snprintf(out, JOURNAL_FILE_NAME, "%s%u%s", spare, i, suffix);
}

int journal_name_spare_number(const char *name)
{
    size_t n = strlen(spare);
    if (strncmp(name, spare, n) != 0 || name[n] < '0' ||
        name[n] >= '0' + JOURNAL_SPARES || strcmp(name + n + 1, suffix) != 0)
        return -1;
    return name[n] - '0';
}

void journal_put_format(char out[JOURNAL_FORMAT_TEXT],
                        const uint8_t uuid[JOURNAL_UUID])
{
    static const char digits[] = "0123456789abcdef";
    char head[32];
    int n = snprintf(head, sizeof head, "%s%d\n%s", title, JOURNAL_VERSION,
                     uuid_word);
    memcpy(out, head, (size_t)n);
    char *p = out + n;
    for (size_t i = 0; i < JOURNAL_UUID; i++) {
        *p++ = digits[uuid[i] >> 4];
        *p++ = digits[uuid[i] & 15];
    }
    *p = '\n';
}

/* The number that ends with the line, 0 if there is none. */
static unsigned read_version(const char *text, size_t length)
{
    unsigned version = 0;
    size_t i = 0;
    while (i < length && i < 6 && text[i] >= '0' && text[i] <= '9')
        version = version * 10 + (unsigned)(text[i++] - '0');
    return i < length && text[i] == '\n' ? version : 0;
}

static bool read_uuid(uint8_t uuid[JOURNAL_UUID], const char *digits)
{
    for (size_t i = 0; i < JOURNAL_UUID; i++) {
        int high = hex_value(digits[2 * i]), low = hex_value(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        uuid[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

enum journal_fault journal_get_format(uint8_t uuid[JOURNAL_UUID],
                                      unsigned *version, const char *text,
                                      size_t length)
{
    char expected[JOURNAL_FORMAT_TEXT];
    size_t n = strlen(title);
    if (length < n || memcmp(text, title, n) != 0)
        return JOURNAL_FOREIGN;
    *version = read_version(text + n, length - n);
    if (*version > JOURNAL_VERSION)
        return JOURNAL_NEWER;
    if (*version == 0 || length < JOURNAL_FORMAT_TEXT)
        return JOURNAL_SHORT;
    if (!read_uuid(uuid, text + JOURNAL_FORMAT_TEXT - UUID_DIGITS - 1))
        return JOURNAL_MALFORMED;
    journal_put_format(expected, uuid);
    bool is_same = length == JOURNAL_FORMAT_TEXT &&
                   memcmp(text, expected, JOURNAL_FORMAT_TEXT) == 0;
    return is_same ? JOURNAL_SOUND : JOURNAL_MALFORMED;
}

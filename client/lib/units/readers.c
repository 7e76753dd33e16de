/* SPDX-License-Identifier: MIT */
#include "client/lib/units/readers.h"

#include <stdlib.h>

void sluice_readers_fini(struct sluice_readers *readers)
{
    while (readers->first) {
        struct sluice_reader *gone = readers->first;
        readers->first = gone->next;
        free(gone);
    }
}

struct sluice_reader *sluice_readers_add(struct sluice_readers *readers,
                                         const struct pattern *pattern)
{
    struct sluice_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->pattern = *pattern;
    struct sluice_reader **at = &readers->first;
    while (*at)
        at = &(*at)->next;
    *at = reader;
    return reader;
}

static bool readers_is_equal(const struct pattern *a, const struct pattern *b)
{
    return a->is_exact == b->is_exact && a->world == b->world &&
           a->length == b->length &&
           memcmp(a->octets, b->octets, a->length) == 0;
}

struct sluice_reader *sluice_readers_find(const struct sluice_readers *readers,
                                          const struct pattern *pattern)
{
    struct sluice_reader *reader = readers->first;
    while (reader && (reader->state == SLUICE_READER_NEW ||
                      reader->state == SLUICE_READER_ENDED ||
                      !readers_is_equal(&reader->pattern, pattern)))
        reader = reader->next;
    return reader;
}

void sluice_readers_remove(struct sluice_readers *readers,
                           struct sluice_reader *reader)
{
    reader->state = SLUICE_READER_ENDED;
    if (reader->is_asked)
        return;
    struct sluice_reader **at = &readers->first;
    while (*at != reader)
        at = &(*at)->next;
    *at = reader->next;
    free(reader);
}

struct sluice_reader *sluice_readers_match(struct sluice_reader *reader,
                                           const struct pattern_name *name)
{
    while (reader && (reader->state != SLUICE_READER_LIVE ||
                      !pattern_matches_name(&reader->pattern, name)))
        reader = reader->next;
    return reader;
}

bool sluice_reader_is_numbered(const struct sluice_reader *reader)
{
    return reader->pattern.is_exact && reader->pattern.world != PATTERN_QUEUES;
}

void sluice_reader_write(const struct sluice_reader *reader,
                         struct head_writer *w, char room[HEAD_MAX])
{
    char text[PATTERN_TEXT_MAX];
    uint32_t length = (uint32_t)pattern_write(&reader->pattern, text);
    head_begin(w, room, "SUB");
    head_add_spelled(w, (struct span){text, length});
    if (!reader->acks)
        return;
    head_add_option(w, UNIT_OPTION_ack, span_of("yes"));
    head_add_option_number(w, UNIT_OPTION_credit,
                           reader->credit > 0 ? reader->credit : 1);
    if (reader->wait_ms > 0)
        head_add_option_ms(w, UNIT_OPTION_wait, reader->wait_ms);
}

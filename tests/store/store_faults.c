/* SPDX-License-Identifier: MIT */
#include "tests/store/store_faults.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "proto/crc32c.h"
#include "proto/journal.h"

enum store_fault store_fault;

enum store_fault store_fault_named(const char *name)
{
    static const char *const names[] = {"",
#define X(fault) #fault,
                                        STORE_FAULTS(X)
#undef X
    };
    for (size_t i = 1; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return (enum store_fault)i;
    return FAULT_NONE;
}

/* Whether each record of the batch is sound by itself. */
static bool records_are_sound(const struct journal_batch *batch, uint32_t seed,
                              const uint8_t *bytes, size_t length)
{
    size_t at = JOURNAL_BATCH_HEADER;
    for (uint32_t i = 0; i < batch->records; i++) {
        struct journal_record record;
        if (at >= length || journal_get_record(&record, seed, bytes + at,
                                               length - at) != JOURNAL_SOUND)
            return false;
        at += JOURNAL_RECORD_HEADER;
        if (record.bytes > length - at ||
            crc32c(seed, bytes + at, record.bytes) != record.checksum)
            return false;
        at += journal_padded(record.bytes);
    }
    return at <= length;
}

enum journal_fault __real_journal_verify(struct journal_batch *batch,
                                         uint32_t seed, const void *bytes,
                                         size_t length);
enum journal_fault __wrap_journal_verify(struct journal_batch *batch,
                                         uint32_t seed, const void *bytes,
                                         size_t length);

enum journal_fault __wrap_journal_verify(struct journal_batch *batch,
                                         uint32_t seed, const void *bytes,
                                         size_t length)
{
    enum journal_fault fault =
        __real_journal_verify(batch, seed, bytes, length);
    struct journal_batch head;
    if (fault != JOURNAL_SOUND && store_fault == FAULT_NO_TRAILER &&
        journal_get_batch(&head, seed, bytes, length) == JOURNAL_SOUND &&
        records_are_sound(&head, seed, bytes, length)) {
        *batch = head;
        return JOURNAL_SOUND;
    }
    return fault;
}

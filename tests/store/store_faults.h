/* SPDX-License-Identifier: MIT
 *
 * store_faults - the mistakes that a test build of the store can make. Its
 * files are compiled with `-include tests/store/store_faults.h`; the test sets
 * the variable. That the trailer of a batch is not looked at is planted by
 * wrapping journal_verify().
 */
#ifndef SLUICE_TESTS_STORE_STORE_FAULTS_H
#define SLUICE_TESTS_STORE_STORE_FAULTS_H

enum store_fault {
    FAULT_NONE,
    FAULT_NO_DATA_FLUSH,       /* a batch is not flushed */
    FAULT_NO_FOLDER_FLUSH,     /* nor is the folder after a rename */
    FAULT_RENAME_BEFORE_FLUSH, /* a segment gets its name before its STATE is
                                  on disk */
    FAULT_REUSE_BEFORE_FREE,   /* a file is a spare before FREE is on disk */
    FAULT_NO_SEED,             /* checksums begin with 0 in every segment */
    FAULT_RETRY_FLUSH,         /* a flush that failed is tried again */
    FAULT_NOT_AGAIN,           /* opening does not write the last batch again */
    FAULT_AGAIN_LATE,          /* but after the new segment has its name */
};

extern enum store_fault store_fault;

#define STORE_FAULT(name) (store_fault == FAULT_##name)

#endif

/* SPDX-License-Identifier: MIT
 *
 * store_faults - the mistakes that a test build of the store can make, to see
 * whether the simulation finds them. Its files are compiled with `-include
 * tests/store/store_faults.h`.
 */
#ifndef SLUICE_TESTS_STORE_STORE_FAULTS_H
#define SLUICE_TESTS_STORE_STORE_FAULTS_H

#define STORE_FAULTS(X)                                                        \
    X(NO_DATA_FLUSH)       /* a batch is not flushed */                        \
    X(NO_FOLDER_FLUSH)     /* nor is the folder after a rename */              \
    X(RENAME_BEFORE_FLUSH) /* a segment has a name before a durable STATE */   \
    X(REUSE_BEFORE_FREE)   /* a file is a spare before FREE is on disk */      \
    X(NO_SEED)             /* checksums begin with 0 in every segment */       \
    X(NO_TRAILER)          /* nobody looks at the trailer of a batch */        \
    X(RETRY_FLUSH)         /* a flush that failed is tried again */            \
    X(NOT_AGAIN)           /* opening does not write the last batch again */   \
    X(AGAIN_LATE)          /* but after the new segment has its name */        \
    X(FORGET_ACKS)         /* a STATE has floors without ranges beyond them */

enum store_fault {
    FAULT_NONE,
#define X(name) FAULT_##name,
    STORE_FAULTS(X)
#undef X
};

/* The one that is made. */
extern enum store_fault store_fault;

/* The fault of a name, "NO_SEED"; FAULT_NONE for NULL and other names. */
enum store_fault store_fault_named(const char *name);

#define STORE_FAULT(name) (store_fault == FAULT_##name)

#endif

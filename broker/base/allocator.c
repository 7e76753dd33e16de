/* SPDX-License-Identifier: MIT */
#include "broker/base/allocator.h"

#include <malloc.h>

#ifdef __has_feature /* clang has this where gcc has macros */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define IS_SANITISED true
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITISED true
#endif
#ifndef IS_SANITISED
#define IS_SANITISED false
#endif

enum { OWN_MAPPING_BYTES = 64 << 10 };

/* glibc raises the size from which a buffer gets a mapping of its own each
 * time one is freed, up to 32 MiB (mallopt(3)); from then on large buffers
 * leave holes in the heap that the system never gets back. Setting it keeps
 * it: what blocks took is returned when they go. */
void allocator_init(void)
{
#ifdef M_MMAP_THRESHOLD
    (void)mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, 2 * OWN_MAPPING_BYTES);
#endif
}

void allocator_trim(void)
{
#ifdef M_MMAP_THRESHOLD
    (void)malloc_trim(0);
#endif
}

bool allocator_is_plain(void)
{
    return !IS_SANITISED;
}

/* SPDX-License-Identifier: MIT */
#include "broker/base/allocator.h"

#include <malloc.h>

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

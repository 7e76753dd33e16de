/* SPDX-License-Identifier: MIT
 *
 * Any sequence of commands to a store, on a disk that loses power and fails, in
 * any sequence of lives, leaves what the model of it allows.
 *
 *     input   a seed (u8), which decides the bounds; then a byte, or two, for
 *             each choice that tests/store/storm.c makes
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#include "tests/store/storm.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct storm storm;
    struct storm_counts counts = {0};
    if (n < 2)
        return 0;
    const struct storm_script script = {bytes + 1, bytes + n};
    bool is_well = storm_run(&storm, bytes[0], &script, &counts);
    if (!is_well)
        (void)fprintf(stderr, "%s\n", storm.complaint);
    FUZZ_CHECK(is_well);
    return 0;
}

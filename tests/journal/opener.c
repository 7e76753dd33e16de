/* SPDX-License-Identifier: MIT
 *
 * opener DIR - opens a journal with the broker's store, and says what that
 * finds in it: a line "MESSAGES BYTES NAME" for each channel. What the store
 * says about a journal that it does not open is an error.
 */
#include <inttypes.h>
#include <stdio.h>

#include "broker/store/disk_posix.h"
#include "broker/store/engine.h"

static bool print(void *arg, const struct store_channel *channel)
{
    (void)arg;
    printf("%" PRIu64 " %" PRIu64 " ", channel->messages, channel->bytes);
    fwrite(channel->name, 1, channel->name_length, stdout);
    putchar('\n');
    return true;
}

int main(int argc, char **argv)
{
    struct engine_setup setup = {.segment_bytes = 1 << 20,
                                 .limit_bytes = 1 << 30};
    struct engine_report report;
    struct disk_posix folder;
    if (argc != 2 || disk_posix_open(&folder, argv[1]) != 0)
        return 2;
    setup.disk = disk_posix_calls(&folder);
    struct engine *engine = engine_open(&setup, 1, &report);
    if (engine) {
        engine_visit_channels(engine, print, NULL);
        engine_abandon(engine);
    } else {
        fprintf(stderr, "%s\n", report.why.text);
    }
    disk_posix_close(&folder);
    return engine ? 0 : 1;
}

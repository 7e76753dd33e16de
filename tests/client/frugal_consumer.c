/* SPDX-License-Identifier: MIT
 *
 * frugal_consumer ADDR QUEUE - a consumer of version 1 that reads one message
 * at a time: takes one, says so, and works on it until it is killed.
 */
#include "client/sluice.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sluice *s = sluice_new();
    struct sluice_bytes message;
    if (argc != 3 || !s)
        return 2;
    sluice_set_read_ahead(s, false);
    if (sluice_connect(s, argv[1], SLUICE_FOREVER) != SLUICE_OK ||
        sluice_subscribe(s, sluice_text(argv[2])) != SLUICE_OK ||
        sluice_receive(s, &message, SLUICE_FOREVER) != SLUICE_OK)
        return 1;
    puts("begun");
    fflush(stdout);
    for (;;)
        pause();
}

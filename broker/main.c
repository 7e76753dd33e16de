/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "broker/broker.h"
#include "broker/options.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int main(int argc, char **argv)
{
    struct options options;
    switch (options_parse(&options, argc, argv)) {
    case OPTIONS_DONE:
        return EXIT_OK;
    case OPTIONS_WRONG:
        return EXIT_USAGE;
    case OPTIONS_RUN:
        break;
    }
    struct broker *broker;
    char error[BROKER_ERROR_BYTES];
    enum broker_start how = broker_new(&broker, &options, error);
    if (how != BROKER_STARTED) {
        fprintf(stderr, "sluiced: %s\n", error);
        return how == BROKER_MISUSED ? EXIT_USAGE : EXIT_FAILED;
    }
    broker_run(broker);
    broker_free(broker);
    return EXIT_OK;
}

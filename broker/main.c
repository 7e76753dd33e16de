/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "broker/base/allocator.h"
#include "broker/broker.h"
#include "broker/options.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int run(const struct options *options)
{
    struct broker *broker;
    char error[BROKER_ERROR_BYTES];
    enum broker_start how = broker_new(&broker, options, error);
    if (how != BROKER_STARTED) {
        fprintf(stderr, "sluiced: %s\n", error);
        return how == BROKER_MISUSED ? EXIT_USAGE : EXIT_FAILED;
    }
    broker_run(broker);
    broker_free(broker);
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    static const int exits[] = {
        [OPTIONS_DONE] = EXIT_OK, [OPTIONS_WRONG] = EXIT_USAGE};
    struct options options;
    allocator_init();
    enum options_result result = options_parse(&options, argc, argv);
    int status = result == OPTIONS_RUN ? run(&options) : exits[result];
    options_fini(&options);
    return status;
}

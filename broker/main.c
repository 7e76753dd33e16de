/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "broker/base/allocator.h"
#include "broker/broker.h"
#include "broker/complaints.h"
#include "broker/manual.h"
#include "broker/net/cells.h"
#include "broker/sources.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What to do about each wish. Options that are passed on are freed there. */
typedef int wish_fn(struct arguments *a, struct options *o);

static int wish_run(struct arguments *a, struct options *o)
{
    char error[BROKER_ERROR_BYTES];
    struct broker *broker = broker_new(a, o, error);
    if (!broker) {
        fprintf(stderr, "sluiced: %s\n", error);
        return EXIT_FAILED;
    }
    broker_run(broker);
    broker_free(broker);
    return EXIT_OK;
}

static int wish_help(struct arguments *a, struct options *o)
{
    (void)a;
    sources_free(o);
    manual_help(stdout);
    return EXIT_OK;
}

static int wish_manual(struct arguments *a, struct options *o)
{
    (void)a;
    sources_free(o);
    manual_reference(stdout);
    return EXIT_OK;
}

static int wish_version(struct arguments *a, struct options *o)
{
    (void)a;
    sources_free(o);
    puts("sluiced " SLUICE_VERSION);
    return EXIT_OK;
}

static int wish_check(struct arguments *a, struct options *o)
{
    manual_values(o, a->config, stdout);
    sources_free(o);
    return EXIT_OK;
}

static wish_fn *const wishes[WISH_TOTAL] = {
    [WISH_RUN] = wish_run,         [WISH_HELP] = wish_help,
    [WISH_VERSION] = wish_version, [WISH_MANUAL] = wish_manual,
    [WISH_CHECK] = wish_check,
};

/* What a file holds must not reach the terminal as it is; bytes that nobody
 * sees, like a space that is none, are shown as the log shows them. */
static void tell(void *arg, const char *sentence)
{
    (void)arg;
    fputs("sluiced: ", stderr);
    for (const char *p = sentence; *p; p++)
        fprintf(stderr, *p >= ' ' && *p <= '~' ? "%c" : "\\x%02x",
                (unsigned char)*p);
    fputc('\n', stderr);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.argc = argc, .argv = argv};
    struct complaints complaints = {.tell = tell};
    allocator_init();
    cells_init();
    struct options *options = sources_read(&arguments, &complaints);
    if (!options)
        return EXIT_USAGE;
    int status = wishes[arguments.wish](&arguments, options);
    if (fflush(stdout) != 0)
        return EXIT_FAILED;
    return status;
}

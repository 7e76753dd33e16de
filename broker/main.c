/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "broker/base/allocator.h"
#include "broker/broker.h"
#include "broker/journal_folder.h"
#include "broker/options/help.h"
#include "broker/options/journal_options.h"
#include "broker/options/load.h"
#include "broker/options/options.h"
#include "broker/tls_setup.h"
#include "common/mistakes.h"
#include "common/sentence.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What to do about each action. Options that are passed on are freed there. */
typedef int action_fn(struct arguments *a, struct options *o);

static int action_run(struct arguments *a, struct options *o)
{
    struct sentence why;
    struct broker *broker = broker_new(a, o, &why);
    if (!broker) {
        fprintf(stderr, "sluiced: %s\n", why.text);
        return EXIT_FAILED;
    }
    bool ok = broker_run(broker);
    broker_free(broker);
    return ok ? EXIT_OK : EXIT_FAILED;
}

static int action_help(struct arguments *a, struct options *o)
{
    (void)a;
    options_free(o);
    help_print(stdout);
    return EXIT_OK;
}

static int action_manual(struct arguments *a, struct options *o)
{
    (void)a;
    options_free(o);
    help_reference(stdout);
    return EXIT_OK;
}

static int action_version(struct arguments *a, struct options *o)
{
    (void)a;
    options_free(o);
    puts("sluiced " SLUICE_VERSION);
    return EXIT_OK;
}

static int action_check(struct arguments *a, struct options *o)
{
    help_values(o, a->config, stdout);
    options_free(o);
    return EXIT_OK;
}

static action_fn *const actions[ACTION_TOTAL] = {
    [ACTION_RUN] = action_run,         [ACTION_HELP] = action_help,
    [ACTION_VERSION] = action_version, [ACTION_MANUAL] = action_manual,
    [ACTION_CHECK] = action_check,
};

/* Text from a file is printed escaped: it may hold control bytes, or
 * look-alikes such as a no-break space. */
static void report(void *arg, const char *sentence)
{
    (void)arg;
    fputs("sluiced: ", stderr);
    for (const char *p = sentence; *p; p++)
        fprintf(stderr, *p >= ' ' && *p <= '~' ? "%c" : "\\x%02x",
                (unsigned char)*p);
    fputc('\n', stderr);
}

/* Not when options are read again: the journal stays as it is. */
static bool can_use_journal(const struct arguments *a, const struct options *o,
                            struct mistakes *m)
{
    struct sentence why;
    bool is_check = a->action == ACTION_CHECK;
    bool is_wanted = a->action == ACTION_RUN || is_check;
    return !is_wanted || !o->journal.text ||
           journal_folder_check(o->journal.text, is_check ? a->argv : NULL,
                                &why) ||
           journal_options_reject(o, a->config, why.text, m);
}

/* The files are read twice at a start, so that a mistake in one of them is like
 * any other of the options. */
static bool can_use_files(const struct arguments *a, const struct options *o,
                          struct mistakes *m)
{
    struct sentence why;
    bool is_wanted = a->action == ACTION_RUN || a->action == ACTION_CHECK;
    bool ok = !is_wanted || tls_setup_check(o, &why) ||
              mistakes_add(m, "%s", why.text);
    return can_use_journal(a, o, m) && ok;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.argc = argc, .argv = argv};
    struct mistakes mistakes = {.report = report};
    allocator_init();
    struct options *options = options_load(&arguments, &mistakes);
    if (!options)
        return EXIT_USAGE;
    if (!can_use_files(&arguments, options, &mistakes)) {
        options_free(options);
        return EXIT_USAGE;
    }
    int status = actions[arguments.action](&arguments, options);
    if (fflush(stdout) != 0)
        return EXIT_FAILED;
    return status;
}

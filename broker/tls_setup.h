/* SPDX-License-Identifier: MIT
 *
 * tls_setup - TLS as the options want it: reads the files, looks every few
 * seconds whether they have changed, and says in the log what is in use and for
 * how long.
 */
#ifndef SLUICE_BROKER_TLS_SETUP_H
#define SLUICE_BROKER_TLS_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/sentence.h"

struct budget;
struct counters;
struct log;
struct options;
struct reactor;
struct reactor_timer;
struct tls;
struct tls_warning;

/* What the system says of the files: a change of any is another number. */
typedef uint64_t tls_stamp;

struct tls_setup {
    struct tls *tls; /* NULL when there are no certificates */
    const struct options *options;
    struct counters *counters;
    struct log *log;
    struct reactor_timer *timer;
    tls_stamp loaded; /* of the files in use, or that were refused */
    tls_stamp seen;   /* when they were last looked at */
    /* That the certificates in use end, NULL while they last long enough; */
    const struct tls_warning *warned;
    int64_t warned_s; /* and when it was last logged */
    /* When it was last logged that a list of revocations has ended, 0 while
     * none has; seconds since 1970, as above. */
    int64_t warned_crls_s;
};

/* Does nothing without certificates. All pointers are borrowed. False, with one
 * sentence, when a file is not good. */
bool tls_setup_open(struct tls_setup *s, const struct options *o,
                    struct reactor *reactor, struct budget *budget,
                    struct counters *counters, struct log *log,
                    struct sentence *why);

/* Reads the files that `fresh` names. False, with one sentence and nothing
 * changed, when one of them is not good. */
bool tls_setup_reload(struct tls_setup *s, const struct options *fresh,
                      struct sentence *why);

/* The files of these options are looked at from now on. */
void tls_setup_use(struct tls_setup *s, const struct options *o);

/* Sets the gauges of handshakes. Harmless when zeroed. */
void tls_setup_measure(const struct tls_setup *s);

/* Call this when all streams are closed. Harmless when zeroed. */
void tls_setup_close(struct tls_setup *s);

/* Reads the files as tls_setup_open() does, and forgets them. */
bool tls_setup_check(const struct options *o, struct sentence *why);

#endif

/* SPDX-License-Identifier: MIT
 *
 * mistakes - errors in what operators write, one sentence each. Readers carry
 * on after a mistake so that all are reported together; the caller decides
 * where the sentences go.
 */
#ifndef SLUICE_COMMON_MISTAKES_H
#define SLUICE_COMMON_MISTAKES_H

#include <stdbool.h>
#include <stddef.h>

enum { MISTAKE_BYTES = 1024 }; /* of a sentence, with its end */

struct mistakes {
    void (*report)(void *arg, const char *sentence);
    void *arg;
    size_t count;
    /* Where the reader is; each sentence begins with it. */
    const char *place; /* a file, or the option that a rule is given with;
                          NULL: the sentence says it */
    unsigned line;     /* of the file; 0: the file as a whole */
};

/* Reports a sentence; one that is too long loses its middle. Always false, to
 * be returned. */
__attribute__((format(printf, 2, 3))) bool
mistakes_add(struct mistakes *m, const char *format, ...);

#endif

/* SPDX-License-Identifier: MIT */
#include "broker/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "common/sentence.h"

/* Not for clients: standard streams, the loop's own, listeners, the files that
 * a reload reads, and a few so that an operator can inspect a broker in
 * trouble. */
enum { RESERVED = 16 };

/* The soft limit is a default of shells, not a decision about this program: so
 * the limit is raised to the hard limit. */
bool descriptors_for_clients(uint64_t watchers, uint64_t *count,
                             struct sentence *why)
{
    struct rlimit rl;
    if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
        return sentence_fail(why, "cannot read the limit of open files: %s",
                             strerror(errno));
    if (rl.rlim_cur < rl.rlim_max) {
        rl.rlim_cur = rl.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &rl);
        (void)getrlimit(RLIMIT_NOFILE, &rl);
    }
    if (rl.rlim_cur <= RESERVED)
        return sentence_fail(why,
                             "the limit of open files is %llu, at least %d are "
                             "needed; raise it with ulimit -n",
                             (unsigned long long)rl.rlim_cur, RESERVED + 1);
    *count = rl.rlim_cur - RESERVED;
    if (*count > watchers)
        *count -= watchers;
    return true;
}

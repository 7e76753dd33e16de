# SPDX-License-Identifier: MIT
"""A disk that is not as it should be: for programs with what `faults` answers in
their environment, flushes fail, take long, or do nothing."""
import os
import shutil
import subprocess
import unittest

LIBRARY = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static atomic_long flushes; /* of the whole process */

static long setting(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int flush(long call, int file)
{
    long number = atomic_fetch_add(&flushes, 1) + 1;
    bool is_opening = getpid() == gettid();
    if (number == setting("FLUSH_KILLS_AT"))
        kill(getpid(), SIGKILL);
    if (setting("FLUSH_NOTHING"))
        return 0;
    int result = (int)syscall(call, file);
    usleep((useconds_t)setting(is_opening ? "OPENING_DELAY_US"
                                          : "FLUSH_DELAY_US"));
    if (number != setting("FLUSH_FAILS_AT"))
        return result;
    errno = EIO;
    return -1;
}

int fsync(int file)
{
    return flush(SYS_fsync, file);
}

int fdatasync(int file)
{
    return flush(SYS_fdatasync, file);
}

int fstatfs(int file, struct statfs *out)
{
    int result = (int)syscall(SYS_fstatfs, file, out);
    if (setting("DISK_IS_REMOTE"))
        out->f_type = 0x6969; /* NFS */
    return result;
}
"""


def faults(folder, fails_at=0, delay_ms=0, does_nothing=False,
           is_remote=False, kills_at=0, opening_ms=0):
    """The n-th flush alone fails, or kills the program instead; each one of a
    thread takes so much longer, and each one of opening; what a network file
    system is, the library says of any.
    `folder` is for the library; skips the test where there is no compiler."""
    compiler = shutil.which("cc")
    if not compiler:
        raise unittest.SkipTest("there is no compiler")
    library = os.path.join(folder, "flushes.so")
    if not os.path.exists(library):
        subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-o",
                        library, "-"], input=LIBRARY.encode(), check=True)
    return {"LD_PRELOAD": library,
            "FLUSH_FAILS_AT": str(fails_at),
            "FLUSH_DELAY_US": str(delay_ms * 1000),
            "OPENING_DELAY_US": str(opening_ms * 1000),
            "FLUSH_KILLS_AT": str(kills_at),
            "FLUSH_NOTHING": "1" if does_nothing else "0",
            "DISK_IS_REMOTE": "1" if is_remote else "0",
            # The library comes before that of a sanitizer.
            "ASAN_OPTIONS": "verify_asan_link_order=0"}

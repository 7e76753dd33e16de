/* SPDX-License-Identifier: MIT */
#include "common/secrecy.h"

#include <sys/prctl.h>

void secrecy_hide_memory(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0);
}

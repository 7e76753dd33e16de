/* SPDX-License-Identifier: MIT */
#include "client/sluice.h"

const char *sluice_version(void)
{
    return SLUICE_VERSION;
}

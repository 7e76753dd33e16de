/* SPDX-License-Identifier: MIT
 *
 * units_kind - version 2 of the protocol: both directions carry units of two
 * frames, the text of a head and a body of any octets. The row of
 * session_kind.h that puts the files of this folder together.
 */
#ifndef SLUICE_SESSION_UNITS_UNITS_KIND_H
#define SLUICE_SESSION_UNITS_UNITS_KIND_H

#include "broker/session/session_kind.h"

extern const struct session_kind units_kind;

#endif

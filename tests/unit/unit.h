/* SPDX-License-Identifier: MIT
 *
 * unit - cmocka, with the headers that it wants to find before it.
 */
#ifndef SLUICE_TESTS_UNIT_UNIT_H
#define SLUICE_TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNIT_COUNT(array) (sizeof(array) / sizeof *(array))

#endif

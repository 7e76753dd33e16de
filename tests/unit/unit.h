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

/* For tests that do less where everything is slower. */
#if defined(__SANITIZE_ADDRESS__)
#define UNIT_HAS_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNIT_HAS_ASAN
#endif
#endif

#define UNIT_COUNT(array) (sizeof(array) / sizeof *(array))

#endif

/* SPDX-License-Identifier: MIT
 *
 * faults - the system refuses one call of the broker, as without memory. The
 * linker wraps malloc, calloc, realloc and event_add (CMakeLists.txt).
 */
#ifndef SLUICE_TESTS_FUZZ_FAULTS_H
#define SLUICE_TESTS_FUZZ_FAULTS_H

#include <stddef.h>
#include <stdint.h>

/* The `nth` wrapped call from now on fails, once. 0: none fails. */
void faults_fail_nth(uint32_t nth);

/* A malloc that is neither counted nor refused. */
void *faults_real_malloc(size_t n);

#endif

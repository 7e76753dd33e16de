/* SPDX-License-Identifier: MIT
 *
 * fault - mistakes that a test build plants in the store, to see whether the
 * simulation finds them. tests/store/store_faults.h names them and is put
 * before each file there; everywhere else there are none.
 */
#ifndef SLUICE_STORE_FAULT_H
#define SLUICE_STORE_FAULT_H

#include <stdbool.h>

#ifndef STORE_FAULT
#define STORE_FAULT(name) false
#endif

#endif

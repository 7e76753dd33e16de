# SPDX-License-Identifier: MIT
# Whether the tests are built. Who only wants the programs needs nothing that
# the tests need: AUTO, the default, leaves them out then, and says so.
set(SLUICE_TESTS AUTO CACHE STRING
    "Build the tests: ON, OFF, or AUTO, which is where their needs are met")
set_property(CACHE SLUICE_TESTS PROPERTY STRINGS AUTO ON OFF)
if(NOT SLUICE_TESTS)
    return()
endif()

set(missing)
pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
if(NOT CMOCKA_FOUND)
    list(APPEND missing cmocka)
endif()
find_package(Python3 3.10 QUIET COMPONENTS Interpreter)
if(NOT Python3_Interpreter_FOUND)
    list(APPEND missing "Python 3.10")
endif()
list(JOIN missing " and " missing)

if(NOT missing)
    enable_testing()
    add_subdirectory(tests)
elseif(SLUICE_TESTS STREQUAL AUTO)
    message(STATUS "tests: not built, missing: ${missing}")
else()
    message(FATAL_ERROR "The tests need ${missing}. `scripts/setup test` "
        "installs that; -DSLUICE_TESTS=OFF leaves the tests out.")
endif()

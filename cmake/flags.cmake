# SPDX-License-Identifier: MIT
# Compiler flags of every target, as one interface library.
include(CheckIPOSupported)

add_library(sluice_flags INTERFACE)
target_include_directories(sluice_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(sluice_flags INTERFACE
    _GNU_SOURCE SLUICE_VERSION="${PROJECT_VERSION}")
target_compile_options(sluice_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wformat=2 -Wundef -Wpointer-arith
    -fno-common -fstack-protector-strong)
if(SLUICE_WERROR)
    target_compile_options(sluice_flags INTERFACE -Werror)
endif()

if(SLUICE_SANITIZE)
    target_compile_options(sluice_flags INTERFACE
        -fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer -g)
    target_link_options(sluice_flags INTERFACE -fsanitize=${SLUICE_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_definitions(sluice_flags INTERFACE _FORTIFY_SOURCE=2)
    check_ipo_supported(RESULT SLUICE_LTO OUTPUT SLUICE_LTO_WHY LANGUAGES C)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${SLUICE_LTO})
endif()
target_link_options(sluice_flags INTERFACE
    -Wl,-z,relro -Wl,-z,now $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)

# sluice_layer(NAME SOURCES... DEPENDS LIBS...): one static library per layer.
function(sluice_layer name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC sluice_flags ${arg_DEPENDS})
endfunction()

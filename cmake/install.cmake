# SPDX-License-Identifier: MIT
# What `cmake --install` puts beside the programs and the library, which are
# installed where they are built. Three components: programs, the default; lib,
# the shared library; and dev, what is needed to build clients.
include(CMakePackageConfigHelpers)

set(SLUICE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/sluice)
set(SLUICE_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(SLUICE_STATIC_NAME libsluice.a)
set(SLUICE_SHARED_NAME libsluice.so.${SLUICE_SOVERSION})
file(RELATIVE_PATH SLUICE_PREFIX_FROM_PC /${SLUICE_PC_DIR} /)
string(REGEX REPLACE "/$" "" SLUICE_PREFIX_FROM_PC ${SLUICE_PREFIX_FROM_PC})

configure_file(packaging/libsluice.pc.in libsluice.pc @ONLY)
configure_package_config_file(packaging/sluice-config.cmake.in
    sluice-config.cmake
    INSTALL_DESTINATION ${SLUICE_CMAKE_DIR}
    PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(sluice-config-version.cmake
    COMPATIBILITY SameMinorVersion)

install(FILES ${CMAKE_BINARY_DIR}/libsluice.pc
    DESTINATION ${SLUICE_PC_DIR} COMPONENT dev)
install(FILES ${CMAKE_BINARY_DIR}/sluice-config.cmake
        ${CMAKE_BINARY_DIR}/sluice-config-version.cmake
    DESTINATION ${SLUICE_CMAKE_DIR} COMPONENT dev)

if(SLUICE_MANUAL)
    install(FILES ${SLUICE_MAN_DIR}/libsluice.3.gz
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT dev)
    foreach(page sluice.1 sluice.conf.5 sluiced.8)
        string(REGEX REPLACE ".*[.]" "" section ${page})
        install(FILES ${SLUICE_MAN_DIR}/${page}.gz
            DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endforeach()
endif()

# As they lie in the tree, so that their links hold.
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Each is a single file, to be copied into a program of its language.
install(DIRECTORY client/python client/js client/go client/rust
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/client
    PATTERN __pycache__ EXCLUDE PATTERN target EXCLUDE)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR}
    FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "*.png"
    PATTERN man EXCLUDE)
if(NOT CMAKE_INSTALL_PREFIX STREQUAL /usr) # a package has its own names for them
    install(FILES CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()

set(completions ${CMAKE_SOURCE_DIR}/packaging/completions)
foreach(program sluice sluiced)
    install(FILES ${completions}/sluice.bash RENAME ${program}
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endforeach()
# Where zsh looks: what a distribution installs, and what a person does.
if(CMAKE_INSTALL_PREFIX STREQUAL /usr)
    set(zsh_folder vendor-completions)
else()
    set(zsh_folder site-functions)
endif()
install(FILES ${completions}/_sluice
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${zsh_folder})

# SPDX-License-Identifier: MIT
# The service's files, and Debian packages by CPack: sluice; libsluice0, the
# shared library; libsluice-dev with what clients are built with.
# scripts/package is how they are made.
set(systemd ${CMAKE_SOURCE_DIR}/packaging/systemd)
if(CMAKE_INSTALL_PREFIX STREQUAL /usr)
    set(SLUICE_CONFIG_DIR /etc/sluice)
    set(SLUICE_UNIT_DIR /lib/systemd/system)
else()
    set(SLUICE_CONFIG_DIR ${CMAKE_INSTALL_SYSCONFDIR}/sluice)
    set(SLUICE_UNIT_DIR lib/systemd/system)
endif()
set(made ${CMAKE_BINARY_DIR}/installed)
install(CODE "
    set(SLUICE_PLACE_FROM \"${systemd}\")
    set(SLUICE_PLACE_TO \"${made}\")
    set(SLUICE_PLACE_SBIN \"${CMAKE_INSTALL_SBINDIR}\")
    set(SLUICE_PLACE_CONFIG \"${SLUICE_CONFIG_DIR}\")")
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/place.cmake)
install(FILES ${made}/sluice.conf DESTINATION ${SLUICE_CONFIG_DIR})
install(FILES ${made}/sluiced.service ${systemd}/sluiced.socket
    DESTINATION ${SLUICE_UNIT_DIR})
install(FILES ${systemd}/sluice.sysusers RENAME sluice.conf
    DESTINATION lib/sysusers.d)

# Everything below is for packages alone.
if(NOT CMAKE_INSTALL_PREFIX STREQUAL /usr)
    return()
endif()

# What Debian wants in a package's own folder of documents.
set(debian ${CMAKE_SOURCE_DIR}/packaging/debian)
find_program(SLUICE_GZIP gzip REQUIRED)
execute_process(
    COMMAND ${SLUICE_GZIP} -9nc ${debian}/changelog
    OUTPUT_FILE ${CMAKE_BINARY_DIR}/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)
execute_process(
    COMMAND ${SLUICE_GZIP} -9nc ${CMAKE_SOURCE_DIR}/CHANGELOG.md
    OUTPUT_FILE ${CMAKE_BINARY_DIR}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
install(FILES ${CMAKE_BINARY_DIR}/changelog.gz
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
set(library libsluice${SLUICE_SOVERSION})
foreach(row "programs|sluice" "lib|${library}" "dev|libsluice-dev")
    string(REGEX MATCH "^(.*)[|](.*)$" row ${row})
    set(folder ${CMAKE_INSTALL_DATADIR}/doc/${CMAKE_MATCH_2})
    set(component COMPONENT ${CMAKE_MATCH_1})
    install(FILES ${debian}/copyright DESTINATION ${folder} ${component})
    install(FILES ${CMAKE_BINARY_DIR}/changelog.Debian.gz DESTINATION ${folder}
        ${component})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VENDOR sluice)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "tiny, bounded publish/subscribe and queue broker")
set(CPACK_PACKAGE_CONTACT "The sluice authors <maintainers@sluice.example>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL programs lib dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME sluice)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_DEPENDS
    "systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION
"Topics that fan out, queues that share work, and a wire protocol that anybody
can implement in ten lines. Everything that the broker holds in memory has a
bound, a policy at that bound, and a counter.
.
This package has the daemon, its service, and the command line.")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_CONTROL_EXTRA
    ${debian}/postinst ${debian}/prerm ${debian}/postrm ${debian}/conffiles)

set(CPACK_DEBIAN_LIB_PACKAGE_NAME ${library})
set(CPACK_DEBIAN_LIB_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIB_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIB_PACKAGE_CONTROL_EXTRA ${debian}/shlibs ${debian}/triggers)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/trigger.cmake)
set(CPACK_COMPONENT_LIB_DESCRIPTION
"This package has the client library as programs load it that publish and
subscribe, in C or in a language that can call C.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libsluice-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
    "${library} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), libc6-dev, libssl-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION
"This package has the header of the client library, the library as programs are
linked with it, shared or static, and what pkg-config and CMake need to find
them.")
include(CPack)

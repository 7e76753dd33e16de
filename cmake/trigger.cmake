# SPDX-License-Identifier: MIT
# Run by CPack when the packages are made. It gives a package with a shared
# library scripts that call ldconfig; Debian's have the trigger alone, which
# runs once for all packages that are installed together.
foreach(package ${CPACK_PACKAGE_FILES})
    if(NOT package MATCHES "/libsluice[0-9]+_")
        continue()
    endif()
    set(tree ${CPACK_TEMPORARY_DIRECTORY}/trigger)
    file(REMOVE_RECURSE ${tree})
    execute_process(COMMAND dpkg-deb -R ${package} ${tree}
        COMMAND_ERROR_IS_FATAL ANY)
    file(REMOVE ${tree}/DEBIAN/postinst ${tree}/DEBIAN/postrm)
    execute_process(COMMAND dpkg-deb --root-owner-group -b ${tree} ${package}
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endforeach()

# SPDX-License-Identifier: MIT
# Run by `cmake --install`, because only then it is known where the program and
# its configuration will be: `--prefix` may name another place than the one that
# was configured. Writes the files that tell of it from SLUICE_PLACE_FROM into
# SLUICE_PLACE_TO; the paths of a Debian package are replaced.
cmake_path(APPEND program
    "${CMAKE_INSTALL_PREFIX}" "${SLUICE_PLACE_SBIN}" sluiced)
# An absolute one stays as it is.
cmake_path(APPEND config
    "${CMAKE_INSTALL_PREFIX}" "${SLUICE_PLACE_CONFIG}" sluice.conf)
foreach(path program config)
    if(${path} MATCHES " ")
        set(${path} "\"${${path}}\"")
    endif()
endforeach()
foreach(name sluice.conf sluiced.service)
    file(READ "${SLUICE_PLACE_FROM}/${name}" text)
    string(REPLACE /usr/sbin/sluiced "${program}" text "${text}")
    string(REPLACE /etc/sluice/sluice.conf "${config}" text "${text}")
    file(WRITE "${SLUICE_PLACE_TO}/${name}" "${text}")
endforeach()

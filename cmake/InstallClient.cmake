# The client library for other programs: find_package(valetkey CONFIG) gives the target valetkey::client, pkg-config
# the module valetkey-client. Static, with the modules that it stands on; component "development", so that
# `cmake --install build/release --component development` installs nothing else.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(valetkey::client ALIAS valetkey_client)
set(modules base http sigv4 client)
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/valetkey)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/valetkey)
foreach(module ${modules})
  set_target_properties(valetkey_${module} PROPERTIES EXPORT_NAME ${module})
  target_include_directories(valetkey_${module} INTERFACE $<INSTALL_INTERFACE:${headers}>)
  target_compile_features(valetkey_${module} INTERFACE $<INSTALL_INTERFACE:cxx_std_23>)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/${module} DESTINATION ${headers} COMPONENT development
          FILES_MATCHING PATTERN "*.h" PATTERN "internal" EXCLUDE PATTERN "testing" EXCLUDE
          PATTERN "testdata" EXCLUDE PATTERN "*_corpus" EXCLUDE)
  list(APPEND targets valetkey_${module})
endforeach()
# Asio's headers must be read as the library was built with them.
target_compile_definitions(valetkey_http INTERFACE
  $<INSTALL_INTERFACE:BOOST_ASIO_NO_DEPRECATED> $<INSTALL_INTERFACE:BOOST_ASIO_DISABLE_CONCEPTS=>)

install(TARGETS ${targets} EXPORT valetkey COMPONENT development
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT valetkey NAMESPACE valetkey:: FILE valetkey-targets.cmake DESTINATION ${package}
        COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/valetkey-config.cmake.in
                              ${CMAKE_BINARY_DIR}/valetkey-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/valetkey-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
# ${pcfiledir} finds the prefix wherever the tree is moved to.
file(RELATIVE_PATH VALETKEY_PREFIX_OF_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/valetkey-client.pc.in ${CMAKE_BINARY_DIR}/valetkey-client.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/valetkey-config.cmake ${CMAKE_BINARY_DIR}/valetkey-config-version.cmake
        DESTINATION ${package} COMPONENT development)
install(FILES ${CMAKE_BINARY_DIR}/valetkey-client.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)

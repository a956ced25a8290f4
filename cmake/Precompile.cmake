# Precompiled headers: the standard library, fmt, Asio and GoogleTest are parsed once for each set of flags instead of
# once for each source. Nothing of src/ is among them, so a change there never makes them again.
#
# add_precompiled(name LINKS libraries... HEADERS headers... OPTIONS flags...) makes the target precompiled_<name>;
# use_precompiled(target name) lets a target read it. clang refuses code that is position-independent in another way
# than the header is, so programs are compiled as libraries are.
#
# ccache: a precompiled header names the files that it was made of, so one from another checkout is of no use; it is
# made anew in each, and its users are looked up by the checksum beside it (that of the preprocessed text) instead.
function(add_precompiled name)
  cmake_parse_arguments(ARG "" "" "LINKS;HEADERS;OPTIONS" ${ARGN})
  set(target precompiled_${name})
  set(source ${CMAKE_BINARY_DIR}/${target}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "")
  add_library(${target} STATIC ${source})
  target_link_libraries(${target} PRIVATE ${ARG_LINKS})
  target_compile_options(${target} PRIVATE ${ARG_OPTIONS})
  list(TRANSFORM ARG_HEADERS REPLACE "(.+)" "<\\1>" OUTPUT_VARIABLE headers)
  target_precompile_headers(${target} PRIVATE ${headers})
  set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER "" EXPORT_COMPILE_COMMANDS OFF)

  list(TRANSFORM ARG_HEADERS REPLACE "(.+)" "#include <\\1>\n" OUTPUT_VARIABLE lines)
  string(JOIN "" text ${lines})
  file(WRITE ${CMAKE_BINARY_DIR}/${target}.h "${text}")
  string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}")
  get_directory_property(options COMPILE_OPTIONS)
  list(APPEND options ${ARG_OPTIONS})
  list(FILTER options EXCLUDE REGEX "prefix-map")
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -std=c++${CMAKE_CXX_STANDARD} ${flags} ${options} -E -P -x c++
            ${CMAKE_BINARY_DIR}/${target}.h
    OUTPUT_VARIABLE preprocessed COMMAND_ERROR_IS_FATAL ANY)
  string(SHA256 checksum "${preprocessed}${flags}${options}${CMAKE_CXX_COMPILER_VERSION}")
  file(WRITE ${CMAKE_BINARY_DIR}/CMakeFiles/${target}.dir/cmake_pch.hxx.pch.sum ${checksum})
endfunction()

function(use_precompiled target name)
  # Not REUSE_FROM: it passes a path that ccache does not make relative, so no other checkout would find the object.
  set(header ${CMAKE_BINARY_DIR}/CMakeFiles/precompiled_${name}.dir/cmake_pch.hxx.pch)
  target_compile_options(${target} PRIVATE "SHELL:-include-pch ${header}" -Winvalid-pch)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  add_dependencies(${target} precompiled_${name})
  # When all sources of the folder's targets are known, those that are made by the build included.
  cmake_language(EVAL CODE "cmake_language(DEFER CALL depend_on_precompiled [[${target}]] [[${header}]])")
endfunction()

function(depend_on_precompiled target header)
  get_target_property(sources ${target} SOURCES)
  set_property(SOURCE ${sources} APPEND PROPERTY OBJECT_DEPENDS ${header})
endfunction()

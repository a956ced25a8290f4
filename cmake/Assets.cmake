# The web console's files, within the program.
#
# add_pages(name FOLDER folder OUTPUT folder): builds a folder of web pages with npm, as its package-lock.json says, into
# OUTPUT. Sets <name>_STAMP to the file that is new when the pages are; empty where Node.js 18 or npm is missing. Packages
# are installed when the lock file has changed, and only then: otherwise the build needs no network.
function(add_pages name)
  cmake_parse_arguments(ARG "" "FOLDER;OUTPUT" "" ${ARGN})
  set(${name}_STAMP "" PARENT_SCOPE)
  find_program(VALETKEY_NODE node)
  find_program(VALETKEY_NPM npm)
  file(GLOB lock CONFIGURE_DEPENDS ${ARG_FOLDER}/package-lock.json)
  if(NOT VALETKEY_NODE OR NOT VALETKEY_NPM OR NOT lock)
    message(WARNING "No web console is built: it needs Node.js 18 or newer, and npm")
    return()
  endif()
  execute_process(COMMAND ${VALETKEY_NODE} --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
  string(REGEX REPLACE "^v" "" version "${version}")
  if(version VERSION_LESS 18)
    message(WARNING "No web console is built: Node.js is ${version}, and the console needs 18 or newer")
    return()
  endif()

  set(installed ${ARG_FOLDER}/node_modules/.installed-from)
  set(stamp ${CMAKE_BINARY_DIR}/${name}.stamp)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARG_FOLDER}/src/* ${ARG_FOLDER}/public/* ${ARG_FOLDER}/*.html
       ${ARG_FOLDER}/*.json ${ARG_FOLDER}/*.ts)
  list(FILTER sources EXCLUDE REGEX "/node_modules/|/dist/")
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${ARG_FOLDER} -DNPM=${VALETKEY_NPM} -DSTAMP=${installed} -DOUTPUT=${ARG_OUTPUT}
            -P ${CMAKE_SOURCE_DIR}/cmake/BuildPages.cmake
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${sources} ${CMAKE_SOURCE_DIR}/cmake/BuildPages.cmake
    COMMENT "Building the web console" VERBATIM)
  set(${name}_STAMP ${stamp} PARENT_SCOPE)
endfunction()

# add_assets(target DIRECTORY folder STAMP file): a library that holds every file of the folder, each also packed with
# brotli and gzip, and gives them as console::embedded_assets(). Without a stamp it holds none.
function(add_assets target)
  cmake_parse_arguments(ARG "" "DIRECTORY;STAMP" "" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/${target})
  if(ARG_STAMP)
    add_custom_command(OUTPUT ${out}/assets.cc
      COMMAND ${VALETKEY_NODE} ${CMAKE_SOURCE_DIR}/cmake/assets.mjs ${ARG_DIRECTORY} ${out}
      DEPENDS ${ARG_STAMP} ${CMAKE_SOURCE_DIR}/cmake/assets.mjs
      COMMENT "Packing the web console" VERBATIM)
  else()
    file(CONFIGURE OUTPUT ${out}/assets.cc CONTENT [[
#include "console/asset.h"
namespace valetkey::console {
std::span<const Asset> embedded_assets() { return {}; }
}  // namespace valetkey::console
]])
  endif()
  add_library(${target} STATIC ${out}/assets.cc)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  # The compiler's cache does not know what .incbin reads.
  set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER "")
endfunction()

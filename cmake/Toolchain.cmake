# One compiler, one set of flags. docs/decisions/0001-compiler.md says why clang.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wimplicit-fallthrough -Werror -fno-omit-frame-pointer -fstack-protector-strong
                    -fcolor-diagnostics -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
add_link_options(-fuse-ld=lld-19 -Wl,-z,relro,-z,now)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG -D_FORTIFY_SOURCE=2 -g1")
# Under ASan, code is too slow for its tests unless it is optimized a little. The unit tests that TSan is for are quick
# anyway, and the preset dev is for quick compiling.
if(VALETKEY_SANITIZE MATCHES address)
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
else()
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
endif()
# The tests themselves need no speed: optimizing them was two thirds of what the build of the tests cost.
set(VALETKEY_TEST_OPTIONS -O0)

if(VALETKEY_SANITIZE)
  add_compile_options(-fsanitize=${VALETKEY_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VALETKEY_SANITIZE})
endif()
if(VALETKEY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

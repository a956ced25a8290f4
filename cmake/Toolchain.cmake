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
# Optimizing what ASan and UBSan have put in costs two thirds of a build; the tests take hardly longer without.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")  # the preset fuzz

if(VALETKEY_SANITIZE)
  add_compile_options(-fsanitize=${VALETKEY_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VALETKEY_SANITIZE})
endif()
# What lets the fuzzers see which branches of a module a text has reached: no use in the tests themselves.
if(VALETKEY_FUZZ)
  set(VALETKEY_FUZZ_OPTIONS -fsanitize=fuzzer-no-link)
endif()

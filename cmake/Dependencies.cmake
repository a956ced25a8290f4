# Debian 12's packages; script/bootstrap installs them.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(PostgreSQL 15 REQUIRED)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS headers json)
find_package(fmt 9 REQUIRED)  # its headers: base/fmt.cc compiles the rest
find_package(pugixml REQUIRED)
find_path(SODIUM_INCLUDE_DIR sodium.h REQUIRED)
find_library(SODIUM_LIBRARY sodium REQUIRED)
find_path(LIBDEFLATE_INCLUDE_DIR libdeflate.h REQUIRED)
find_library(LIBDEFLATE_LIBRARY deflate REQUIRED)
find_package(simdjson REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_CONCEPTS=)
if(VALETKEY_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
if(VALETKEY_BENCH)
  find_package(benchmark REQUIRED)
endif()

set(standard algorithm array atomic chrono condition_variable cstdint expected filesystem functional map memory mutex
    optional set span string string_view thread unordered_map unordered_set variant vector fmt/format.h)
set(network ${standard} boost/asio/awaitable.hpp boost/asio/co_spawn.hpp boost/asio/io_context.hpp
    boost/asio/ip/tcp.hpp boost/asio/steady_timer.hpp boost/asio/thread_pool.hpp boost/asio/use_awaitable.hpp
    boost/json/value.hpp)
add_precompiled(standard HEADERS ${standard} OPTIONS ${VALETKEY_FUZZ_OPTIONS})
add_precompiled(network HEADERS ${network} LINKS Boost::headers OPTIONS ${VALETKEY_FUZZ_OPTIONS})
if(VALETKEY_TESTS)
  add_precompiled(standard_tests HEADERS ${standard} gtest/gtest.h gmock/gmock.h LINKS GTest::gmock)
  add_precompiled(network_tests HEADERS ${network} gtest/gtest.h gmock/gmock.h
                  LINKS Boost::headers GTest::gmock)
endif()

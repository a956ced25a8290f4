// SPDX-License-Identifier: Apache-2.0
// The configuration parser on any bytes: an answer or an error that names the file, never more.
#include <cstdint>
#include <cstdlib>

#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config =
      parse_config(text, "fuzz.toml", [](const char*) -> const char* { return nullptr; });
  if (config)
    (void)check_config(*config);
  else if (!config.error().detail.starts_with("fuzz.toml line "))
    std::abort();
  (void)parse_host_port(text);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A keyring that is accepted is written back byte for byte.
#include <fmt/format.h>

#include <cstdlib>

#include "base/crypto.h"
#include "base/keyring.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string text(reinterpret_cast<const char*>(data), size);
  // With a checksum that holds, so that the lines are reached.
  std::string sealed = text.substr(0, text.rfind("crc32 "));
  sealed += fmt::format("crc32 {:08x}\n", crc32(0, sealed));
  for (const std::string& candidate : {text, sealed}) {
    const auto keyring = Keyring::parse(candidate);
    if (keyring && keyring->serialize().reveal() != candidate) std::abort();
  }
  return 0;
}

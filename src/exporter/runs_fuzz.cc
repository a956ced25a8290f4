// SPDX-License-Identifier: Apache-2.0
// A run lies in a bucket: its head may say anything.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "exporter/runs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::exporter;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto head = run_head_bytes(input.substr(0, kRunStart));
  if (!head || *head > size) return 0;
  const auto accounts = parse_run(input.substr(0, *head), size);
  if (!accounts) return 0;
  for (const auto& of : *accounts)
    if (of.offset > size || of.bytes > size - of.offset) std::abort();
  return 0;
}

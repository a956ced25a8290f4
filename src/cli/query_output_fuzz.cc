// SPDX-License-Identifier: Apache-2.0
// What a visitor sent, as a table, CSV and JSON.
#include <algorithm>
#include <cstdlib>

#include "cli/query_output.h"

namespace {

using valetkey::Result;

// One column, one row.
template <class Make>
std::string written(Make make, std::string_view cell) {
  std::string text;
  const auto format = make([&text](std::string_view bytes) -> Result<void> {
    text += bytes;
    return {};
  });
  const std::optional<std::string_view> row[] = {cell};
  if (!format->begin() || !format->row(row) || !format->end()) std::abort();
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::cli;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string table =
      written([](Writer w) { return make_table({{"a"}}, std::move(w)); }, text);
  const auto control = [](char c) { return c != '\n' && static_cast<unsigned char>(c) < 0x20; };
  if (std::ranges::any_of(table, control) || std::ranges::count(table, '\n') != 4) std::abort();
  if (table.find("\xc2\x9b") != std::string::npos) std::abort();
  const std::string csv = written([](Writer w) { return make_csv({{"a"}}, std::move(w)); }, text);
  if (std::ranges::count(csv, '"') % 2 != 0) std::abort();
  if (strict_json(text).size() > size + size / 3) std::abort();  // NaN is shorter than null
  return 0;
}

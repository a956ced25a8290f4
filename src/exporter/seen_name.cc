// SPDX-License-Identifier: Apache-2.0
#include "exporter/seen_name.h"

#include <fmt/format.h>

#include <charconv>
#include <tuple>

namespace valetkey::exporter {
namespace {
constexpr std::size_t kDigits = 20;  // of any offset
}

std::string seen_folder(unsigned partition) {
  return partition == 0 ? "internal/seen/" : fmt::format("internal/seen/{}/", partition);
}

std::string seen_key(unsigned partition, std::uint64_t end, std::string_view name) {
  return fmt::format("{}{:0{}}-{}", seen_folder(partition), end, kDigits, name);
}

std::uint64_t end_of(const SeenFile& file) {
  const auto name = std::string_view(file.key).substr(file.key.rfind('/') + 1);
  std::uint64_t end = 0;
  if (name.size() <= kDigits || name[kDigits] != '-') return 0;
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its end is given
  const auto read = std::from_chars(name.data(), name.data() + kDigits, end);
  return read.ec == std::errc() && read.ptr == name.data() + kDigits ? end : 0;
}

bool is_older(const SeenFile& a, const SeenFile& b) {
  return std::tuple(a.day, end_of(a)) < std::tuple(b.day, end_of(b));
}

}  // namespace valetkey::exporter

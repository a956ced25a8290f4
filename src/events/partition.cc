// SPDX-License-Identifier: Apache-2.0
#include "events/partition.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::events {
namespace {

constexpr std::size_t kMaxEscapedBytes = 240;
constexpr std::size_t kKeptBytes = 200;

bool is_escaped(unsigned char c) {
  return c < 0x20 || c == 0x7f ||
         std::string_view("\"#%'*/:=?\\{[]^").contains(static_cast<char>(c));
}

std::string escape(std::string_view value) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(value.size());
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_escaped(byte))
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    else
      out.push_back(c);
  }
  return out;
}

// The longest prefix that, escaped, has at most kKeptBytes and cuts no character.
std::string_view kept_prefix(std::string_view value) {
  std::size_t bytes = 0, end = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto byte = static_cast<unsigned char>(value[i]);
    if ((byte & 0xc0) != 0x80) end = i;  // a character starts here
    bytes += is_escaped(byte) ? 3 : 1;
    if (bytes > kKeptBytes) return value.substr(0, end);
  }
  return value;
}

}  // namespace

std::string_view name_of(RowType type) {
  return type == RowType::decisions ? "decisions" : "events";
}
std::string_view partition_name(RowType type) {
  return type == RowType::decisions ? "experiment" : "event";
}

std::string partition_value(std::string_view value) {
  if (value.empty()) return std::string(kDefaultPartition);
  if (value == kDefaultPartition) return "%5F" + std::string(value.substr(1));
  auto escaped = escape(value);
  // "." and ".." cannot stand alone: the path has "experiment=" before them.
  if (escaped.size() <= kMaxEscapedBytes) return escaped;
  return escape(kept_prefix(value)) + "~" + sha256_hex(value).substr(0, 16);
}

std::string day_prefix(const AccountId& account, RowType type, Date day) {
  return fmt::format("v1/account_id={}/type={}/date={}/", account.str(), name_of(type),
                     format_date(day));
}
std::string partition_prefix(const AccountId& account, RowType type, Date day,
                             std::string_view value) {
  return fmt::format("{}{}={}/", day_prefix(account, type, day), partition_name(type),
                     partition_value(value));
}
std::string part_name(unsigned number, std::string_view uuid) {
  return fmt::format("part-{:05}-{}.c000.snappy.parquet", number, uuid);
}

}  // namespace valetkey::events

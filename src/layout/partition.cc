// SPDX-License-Identifier: Apache-2.0
#include "layout/partition.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/xml_text.h"
#include "layout/part_key.h"

namespace valetkey::layout {
namespace {

constexpr std::size_t kMaxEscapedBytes = 240;
constexpr std::size_t kKeptBytes = 200;

bool is_escaped_byte(unsigned char c) {
  return c < 0x20 || c == 0x7f ||
         std::string_view("\"#%'*/:=?\\{[]^").contains(static_cast<char>(c));
}
// What Hive escapes, and what no XML listing could hold.
bool is_escaped(std::string_view character) {
  return is_escaped_byte(static_cast<unsigned char>(character.front())) ||
         !is_xml_character(character);
}
// What was escaped before.
bool was_escaped(std::string_view character) {
  return is_escaped_byte(static_cast<unsigned char>(character.front()));
}
using Rule = bool (*)(std::string_view character);

std::string_view first_character(std::string_view text) {
  return text.substr(0, std::max<std::size_t>(utf8_sequence(text), 1));
}

std::string escape(std::string_view value, Rule rule) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(value.size());
  while (!value.empty()) {
    const std::string_view character = first_character(value);
    value.remove_prefix(character.size());
    if (!rule(character)) {
      out += character;
      continue;
    }
    for (const char c : character) {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

// The longest prefix that, escaped, has at most kKeptBytes and cuts no character.
std::string_view kept_prefix(std::string_view value, Rule rule) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < value.size();) {
    const std::string_view character = first_character(value.substr(i));
    bytes += character.size() * (rule(character) ? 3 : 1);
    if (bytes > kKeptBytes) return value.substr(0, i);
    i += character.size();
  }
  return value;
}

std::string value_under(Rule rule, std::string_view value) {
  if (value.empty()) return std::string(kDefaultPartition);
  if (value == kDefaultPartition) return "%5F" + std::string(value.substr(1));
  auto escaped = escape(value, rule);
  // "." and ".." cannot stand alone: the path has "experiment=" before them.
  if (escaped.size() <= kMaxEscapedBytes) return escaped;
  return escape(kept_prefix(value, rule), rule) + "~" + sha256_hex(value).substr(0, 16);
}

}  // namespace

std::string_view name_of(RowType type) {
  return type == RowType::decisions ? "decisions" : "events";
}
std::string_view partition_name(RowType type) {
  return type == RowType::decisions ? "experiment" : "event";
}

std::string partition_value(std::string_view value) { return value_under(is_escaped, value); }
std::string former_partition_value(std::string_view value) {
  return value_under(was_escaped, value);
}

std::string day_prefix(const AccountId& account, RowType type, Date day) {
  return DayKey{account, {type, day}}.str();
}
std::string partition_prefix(const AccountId& account, RowType type, Date day,
                             std::string_view value) {
  return fmt::format("{}{}={}/", day_prefix(account, type, day), partition_name(type),
                     partition_value(value));
}
std::string uuid_of(std::string_view name) {
  Digest256 digest = sha256(name);
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0f) | 0x80);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3f) | 0x80);
  const auto text = hex(as_text(digest).substr(0, 16));
  return fmt::format("{}-{}-{}-{}-{}", text.substr(0, 8), text.substr(8, 4), text.substr(12, 4),
                     text.substr(16, 4), text.substr(20));
}
std::string part_name(unsigned number, std::string_view uuid) {
  return fmt::format("part-{:05}-{}.c000.snappy.parquet", number, uuid);
}

}  // namespace valetkey::layout

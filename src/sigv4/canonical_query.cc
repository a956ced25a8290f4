// SPDX-License-Identifier: Apache-2.0
#include "sigv4/internal/canonical_query.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace valetkey::sigv4 {
namespace {

constexpr auto kUnreserved = [] {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = table[c + ('a' - 'A')] = true;
  for (const unsigned char c : {'-', '.', '_', '~'}) table[c] = true;
  return table;
}();

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte that the encoding at the front of `text` stands for, or -1.
int decoded_byte(std::string_view text) {
  if (text.size() < 3) return -1;
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_byte(std::string& out, unsigned char byte, bool keep_slash) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  if (kUnreserved[byte] || (byte == '/' && keep_slash)) {
    out.push_back(static_cast<char>(byte));
    return;
  }
  const char encoded[3] = {'%', kHex[byte >> 4], kHex[byte & 15]};
  out.append(encoded, sizeof encoded);
}

}  // namespace

void append_encoded(std::string& out, std::string_view text, EncodeRule rule) {
  while (!text.empty()) {
    const auto plain = std::ranges::find_if_not(
        text, [&](unsigned char c) { return kUnreserved[c] || (c == '/' && rule.keep_slash); });
    const auto run = static_cast<std::size_t>(plain - text.begin());
    out.append(text.substr(0, run));
    text.remove_prefix(run);
    if (text.empty()) return;
    const char c = text.front();
    const int decoded = rule.decode && c == '%' ? decoded_byte(text) : -1;
    if (decoded >= 0)
      append_byte(out, static_cast<unsigned char>(decoded), rule.keep_slash);
    else
      append_byte(out, c == '+' && rule.plus_is_space ? ' ' : static_cast<unsigned char>(c), false);
    text.remove_prefix(decoded >= 0 ? 3 : 1);
  }
}

CanonicalQuery::CanonicalQuery(std::string_view query) {
  text_.reserve(query.size() * 3);  // the longest it can become: the views into it stay valid
  while (!query.empty()) {
    const std::string_view piece = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), piece.size() + 1));
    if (piece.empty()) continue;
    const std::size_t equals = std::min(piece.find('='), piece.size());
    const std::string_view name = append(piece.substr(0, equals));
    const std::string_view value = append(piece.substr(std::min(piece.size(), equals + 1)));
    items_.push_back({name, value});
  }
  std::ranges::sort(items_, [](const Item& a, const Item& b) {
    return std::tie(a.name, a.value) < std::tie(b.name, b.value);
  });
}

std::string_view CanonicalQuery::append(std::string_view text) {
  const std::size_t start = text_.size();
  append_encoded(text_, text, {.decode = true, .plus_is_space = true});
  return std::string_view(text_).substr(start);
}

const CanonicalQuery::Item* CanonicalQuery::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(items_, name, {}, &Item::name);
  return found != items_.end() && found->name == name ? &*found : nullptr;
}

bool CanonicalQuery::has_repeated_name() const {
  return std::ranges::adjacent_find(items_, {}, &Item::name) != items_.end();
}

std::string CanonicalQuery::str(std::string_view leave_out) const {
  std::string out;
  out.reserve(text_.size() + 2 * items_.size());
  for (const Item& item : items_) {
    if (!leave_out.empty() && item.name == leave_out) continue;
    if (!out.empty()) out.push_back('&');
    out.append(item.name).push_back('=');
    out.append(item.value);
  }
  return out;
}

}  // namespace valetkey::sigv4

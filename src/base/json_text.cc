// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.h"

#include <algorithm>

namespace valetkey {
namespace {

bool must_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kNamed = "\"\\\b\f\n\r\t", kNames = "\"\\bfnrt";
  if (const auto i = kNamed.find(c); i != std::string_view::npos) {
    out.append({'\\', kNames[i]});
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  out.append({'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]});
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto stop = std::ranges::find_if(text, must_escape);
    out.append(text.begin(), stop);
    if (stop == text.end()) break;
    append_escaped(out, *stop);
    text = {stop + 1, text.end()};
  }
  out += '"';
}

std::string quote_json(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

}  // namespace valetkey

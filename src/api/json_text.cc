// SPDX-License-Identifier: Apache-2.0
#include "api/json_text.h"

#include <algorithm>
#include <array>

namespace valetkey::api {
namespace {

bool must_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
    return;
  }
  out += "\\u00";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
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

}  // namespace valetkey::api

// SPDX-License-Identifier: Apache-2.0
#include "events/json_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace valetkey::events {
namespace {

using simdjson::dom::element_type;
constexpr std::string_view kNotAString = "\xEE\x80\x80";  // U+E000

// Length of the valid UTF-8 character at the front of `s`, or 0.
std::size_t utf8_length(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
  const bool surrogate = first == 0xed && at(1) > 0x9f;
  const bool beyond = first == 0xf4 && at(1) > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

// The code unit of a \uXXXX at the front of `s`, or -1.
int escape_unit(std::string_view s) {
  if (s.size() < 6 || s[0] != '\\' || s[1] != 'u') return -1;
  unsigned unit = 0;
  const auto parsed = std::from_chars(s.data() + 2, s.data() + 6, unit, 16);
  return parsed.ptr == s.data() + 6 ? static_cast<int>(unit) : -1;
}
bool is_high(int unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low(int unit) { return unit >= 0xdc00 && unit < 0xe000; }

// Copies one step of a string's inside to `out`; returns how many bytes of `s` it used.
std::size_t mend_in_string(std::string_view s, std::string& out) {
  if (s[0] == '\\' && s.size() > 1) {
    const int unit = escape_unit(s);
    if (is_high(unit) && is_low(escape_unit(s.substr(6)))) {
      out.append(s.substr(0, 12));
      return 12;
    }
    if (is_high(unit) || is_low(unit)) {
      out.append(kBrokenText);
      return 6;
    }
    out.append(s.substr(0, 2));
    return 2;
  }
  const auto length = utf8_length(s);
  out.append(length == 0 ? kBrokenText : s.substr(0, length));
  return std::max<std::size_t>(length, 1);
}

// The length of a whole integer literal of 19 digits or more at the front of `s`, or 0.
std::size_t long_integer(std::string_view s) {
  const std::size_t sign = s[0] == '-' ? 1 : 0;
  const auto end = std::min(s.find_first_not_of("0123456789", sign), s.size());
  const bool whole = end == s.size() || !std::string_view(".eE").contains(s[end]);
  return whole && end - sign >= 19 ? end : 0;
}

// Copies one step of what stands outside strings.
std::size_t mend_outside(std::string_view s, std::string& out) {
  const bool numeric = s[0] == '-' || (s[0] >= '0' && s[0] <= '9');
  if (const auto length = numeric ? long_integer(s) : 0; length > 0) {
    out.append("\"").append(kNotAString).append(s.substr(0, length)).append("\"");
    return length;
  }
  if (!numeric) {
    out.push_back(s[0]);
    return 1;
  }
  const auto end = std::min(s.find_first_not_of("+-.eE0123456789"), s.size());
  out.append(s.substr(0, end));
  return end;
}

template <class Number>
bool parse_whole(std::string_view text, Number& out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && !text.empty();
}

// The text behind U+E000, if `value` is such a string.
std::optional<std::string_view> not_a_string(const simdjson::dom::element& value) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS || !text.starts_with(kNotAString))
    return std::nullopt;
  return text.substr(kNotAString.size());
}

}  // namespace

std::string mend_json(std::string_view json) {
  std::string out;
  out.reserve(json.size() + 64);
  bool in_string = false;
  while (!json.empty()) {
    if (json[0] == '"') {
      in_string = !in_string;
      out.push_back('"');
      json.remove_prefix(1);
    } else {
      json.remove_prefix(in_string ? mend_in_string(json, out) : mend_outside(json, out));
    }
  }
  return out;
}

JsonText::Fault JsonText::text(const simdjson::dom::element& value, Text& out) {
  switch (value.type()) {
    case element_type::STRING: {
      auto text = value.get_string().value_unsafe();
      if (mended_ && text.contains(kBrokenText)) return Fault::broken;
      if (text.starts_with(kNotAString)) text.remove_prefix(kNotAString.size());
      out = text;
      return Fault::none;
    }
    case element_type::INT64:
      out = keep(fmt::to_string(value.get_int64().value_unsafe()));
      return Fault::none;
    case element_type::UINT64:
      out = keep(fmt::to_string(value.get_uint64().value_unsafe()));
      return Fault::none;
    case element_type::DOUBLE:
      out = keep(fmt::format("{}", value.get_double().value_unsafe()));
      return Fault::none;
    case element_type::BOOL:
      out = value.get_bool().value_unsafe() ? std::string_view("true") : "false";
      return Fault::none;
    case element_type::NULL_VALUE:
      out.reset();
      return Fault::none;
    default:
      return Fault::type;
  }
}

JsonText::Fault JsonText::integer(const simdjson::dom::element& value,
                                  std::optional<std::int64_t>& out) {
  if (value.is_null()) {
    out.reset();
    return Fault::none;
  }
  std::int64_t n = 0;
  double real = 0;
  if (value.get_int64().get(n) != simdjson::SUCCESS) {
    if (value.is_double() && value.get_double().get(real) == simdjson::SUCCESS &&
        real == std::floor(real) && std::abs(real) < 9e15) {
      n = static_cast<std::int64_t>(real);
    } else if (const auto text = not_a_string(value); !text || !parse_whole(*text, n)) {
      return Fault::type;
    }
  }
  out = n;
  return Fault::none;
}

JsonText::Fault JsonText::number(const simdjson::dom::element& value, std::optional<double>& out) {
  if (value.is_null()) {
    out.reset();
    return Fault::none;
  }
  double n = 0;
  if (value.get_double().get(n) != simdjson::SUCCESS) {
    const auto text = not_a_string(value);
    if (!text || !parse_whole(*text, n) || !std::isfinite(n)) return Fault::type;
  }
  out = n;
  return Fault::none;
}

JsonText::Fault JsonText::boolean(const simdjson::dom::element& value, std::optional<bool>& out) {
  if (value.is_null()) {
    out.reset();
    return Fault::none;
  }
  bool truth = false;
  if (value.get_bool().get(truth) == simdjson::SUCCESS) {
    out = truth;
  } else if (const auto text = not_a_string(value); text && (*text == "true" || *text == "false")) {
    out = *text == "true";
  } else {
    return Fault::type;
  }
  return Fault::none;
}

}  // namespace valetkey::events

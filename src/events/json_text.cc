// SPDX-License-Identifier: Apache-2.0
#include "events/internal/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/json_text.h"
#include "base/text.h"

namespace valetkey::events {
namespace {

namespace dom = simdjson::dom;
using dom::element_type;
constexpr std::string_view kNotAString = "\xEE\x80\x80";  // U+E000
constexpr double kExact = 9e15;                           // doubles below count every integer

// The character at the front of some text: its bytes, or those that no character begins with.
struct Character {
  std::size_t bytes = 1;
  bool valid = false;
};
Character first_character(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto first = at(0);
  if (first < 0x80) return {1, true};
  if (first < 0xc2 || first > 0xf4) return {1, false};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  for (std::size_t i = 1; i < length; ++i)
    if (i == s.size() || at(i) < (i == 1 ? low : 0x80) || at(i) > (i == 1 ? high : 0xbf))
      return {i, false};
  return {length, true};
}

// Copies the character at the front of `s`; returns how many bytes of `s` it used.
std::size_t mend_character(std::string_view s, std::string& out) {
  const auto character = first_character(s);
  out.append(character.valid ? s.substr(0, character.bytes) : kReplacement);
  return character.bytes;
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
  if (s[0] != '\\' || s.size() == 1) {
    const auto stop = std::ranges::find_if(
        s, [](char c) { return c == '"' || c == '\\' || static_cast<signed char>(c) < 0; });
    if (stop == s.begin()) return mend_character(s, out);
    out.append(s.begin(), stop);
    return static_cast<std::size_t>(stop - s.begin());
  }
  const int unit = escape_unit(s);
  if (is_high(unit) && is_low(escape_unit(s.substr(6)))) {
    out.append(s.substr(0, 12));
    return 12;
  }
  if (is_high(unit) || is_low(unit)) {
    out.append(kReplacement);
    return 6;
  }
  out.append(s.substr(0, 2));
  return 2;
}

std::size_t digits(std::string_view s, std::size_t from) {
  return std::min(s.find_first_not_of("0123456789", from), s.size()) - from;
}

// A number of RFC 8259 at the front of `s`.
struct Literal {
  std::size_t bytes = 0;  // 0: there is none
  bool integer = true;
};
Literal number_literal(std::string_view s) {
  const std::size_t sign = s.starts_with('-') ? 1 : 0;
  const auto whole = digits(s, sign);
  if (whole == 0 || (whole > 1 && s[sign] == '0')) return {};
  Literal found{sign + whole, true};
  if (found.bytes < s.size() && s[found.bytes] == '.') {
    const auto fraction = digits(s, found.bytes + 1);
    if (fraction == 0) return {};
    found = {found.bytes + 1 + fraction, false};
  }
  if (found.bytes < s.size() && (s[found.bytes] == 'e' || s[found.bytes] == 'E')) {
    auto at = found.bytes + 1;
    if (at < s.size() && (s[at] == '+' || s[at] == '-')) ++at;
    const auto exponent = digits(s, at);
    if (exponent == 0) return {};
    found = {at + exponent, false};
  }
  return found;
}

template <class Number>
bool parse_whole(std::string_view text, Number& out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && !text.empty();
}

// Whether 64 bits hold the number.
bool fits(std::string_view literal, bool integer) {
  constexpr std::size_t kDigits = 19;
  if (integer) return literal.size() - (literal[0] == '-' ? 1 : 0) < kDigits;
  double n = 0;
  return parse_whole(literal, n) && std::isfinite(n);
}

// Copies one step of what stands outside strings.
std::size_t mend_outside(std::string_view s, std::string& out) {
  constexpr std::string_view kInNumber = "+-.eE0123456789";
  if (s[0] != '-' && (s[0] < '0' || s[0] > '9')) {
    out.push_back(s[0]);
    return 1;
  }
  const auto end = std::min(s.find_first_not_of(kInNumber), s.size());
  const auto text = s.substr(0, end);
  const auto literal = number_literal(text);
  if (literal.bytes == end && !fits(text, literal.integer))
    out.append("\"").append(kNotAString).append(text).append("\"");
  else
    out.append(text);
  return end;
}

// The text behind U+E000, if `value` is such a string.
std::optional<std::string_view> not_a_string(const dom::element& value) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS || !text.starts_with(kNotAString))
    return std::nullopt;
  return text.substr(kNotAString.size());
}

// The text of a number that was written as a string; what is not one reads as no number.
std::string_view number_text(const dom::element& value) {
  std::string_view text = value.get_string().value_unsafe();
  if (text.starts_with(kNotAString)) text.remove_prefix(kNotAString.size());
  return trimmed(text, " \t\r\n");
}

// --- compact JSON ---

void append_double(std::string& out, double n) {
  const auto text = fmt::format("{}", n);
  out += text;
  if (text.find_first_not_of("-0123456789") == std::string::npos) out += ".0";
}

// A string, or the number that was made one.
void append_text(std::string& out, const dom::element& value) {
  const auto number = not_a_string(value);
  if (number && number_literal(*number).bytes == number->size() && !number->empty())
    out += *number;
  else
    append_json(out, value.get_string().value_unsafe());
}

// These three: as deep as the parser lets a body be.
void append_compact(std::string& out, const dom::element& value);

void append_array(std::string& out, const dom::array& items) {  // NOLINT(misc-no-recursion)
  out.push_back('[');
  bool first = true;
  for (const auto item : items) {
    if (!std::exchange(first, false)) out.push_back(',');
    append_compact(out, item);
  }
  out.push_back(']');
}

void append_object(std::string& out, const dom::object& fields) {  // NOLINT(misc-no-recursion)
  out.push_back('{');
  bool first = true;
  for (const auto [key, field] : fields) {
    if (!std::exchange(first, false)) out.push_back(',');
    append_json(out, key);
    out.push_back(':');
    append_compact(out, field);
  }
  out.push_back('}');
}

void append_compact(std::string& out, const dom::element& value) {  // NOLINT(misc-no-recursion)
  switch (value.type()) {
    case element_type::ARRAY:
      return append_array(out, value.get_array().value_unsafe());
    case element_type::OBJECT:
      return append_object(out, value.get_object().value_unsafe());
    case element_type::STRING:
      return append_text(out, value);
    case element_type::INT64:
      out += fmt::to_string(value.get_int64().value_unsafe());
      return;
    case element_type::UINT64:
      out += fmt::to_string(value.get_uint64().value_unsafe());
      return;
    case element_type::DOUBLE:
      append_double(out, value.get_double().value_unsafe());
      return;
    case element_type::BOOL:
      out += value.get_bool().value_unsafe() ? "true" : "false";
      return;
    case element_type::NULL_VALUE:
      out += "null";
      return;
  }
}

}  // namespace

std::string mend_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) text.remove_prefix(mend_character(text, out));
  return out;
}

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

Reading JsonText::text(const dom::element& value, Text& out) {
  out.reset();
  switch (value.type()) {
    case element_type::STRING: {
      auto text = value.get_string().value_unsafe();
      if (text.starts_with(kNotAString)) text.remove_prefix(kNotAString.size());
      out = text;
      return check(text);
    }
    case element_type::INT64:
      out = keep(fmt::to_string(value.get_int64().value_unsafe()));
      return Reading::plain;
    case element_type::UINT64:
      out = keep(fmt::to_string(value.get_uint64().value_unsafe()));
      return Reading::plain;
    case element_type::DOUBLE:
      out = keep(fmt::format("{}", value.get_double().value_unsafe()));
      return Reading::plain;
    case element_type::BOOL:
      out = value.get_bool().value_unsafe() ? std::string_view("true") : "false";
      return Reading::plain;
    case element_type::NULL_VALUE:
      return Reading::plain;
    default:
      return Reading::unusable;
  }
}

Reading JsonText::any(const dom::element& value, Text& out) {
  if (!value.is_object() && !value.is_array()) return text(value, out);
  std::string compact;
  append_compact(compact, value);
  out = keep(std::move(compact));
  return check(*out) == Reading::mended ? Reading::mended : Reading::converted;
}

Reading JsonText::integer(const dom::element& value, std::optional<std::int64_t>& out) {
  std::optional<std::int64_t> whole;
  std::optional<double> number;
  const auto reading = whole_part(value, whole);
  if (reading == Reading::converted && this->number(value, number) != Reading::unusable && number &&
      *number != std::floor(*number)) {
    out.reset();
    return Reading::unusable;
  }
  out = whole;
  return reading;
}

Reading JsonText::whole_part(const dom::element& value, std::optional<std::int64_t>& out) {
  out.reset();
  if (value.is_null()) return Reading::plain;
  std::int64_t n = 0;
  if (value.get_int64().get(n) == simdjson::SUCCESS) {
    out = n;
    return Reading::plain;
  }
  if (value.is_string() && parse_whole(number_text(value), n)) {
    out = n;
    return not_a_string(value) ? Reading::plain : Reading::converted;
  }
  std::optional<double> real;
  const auto reading = number(value, real);
  if (reading == Reading::unusable || std::abs(*real) >= kExact) return Reading::unusable;
  out = static_cast<std::int64_t>(std::floor(*real));
  return *real == std::floor(*real) ? reading : Reading::converted;
}

Reading JsonText::number(const dom::element& value, std::optional<double>& out) {
  out.reset();
  if (value.is_null()) return Reading::plain;
  double n = 0;
  if (value.get_double().get(n) == simdjson::SUCCESS) {
    out = n;
    return Reading::plain;
  }
  if (!value.is_string() || !parse_whole(number_text(value), n) || !std::isfinite(n))
    return Reading::unusable;
  out = n;
  return not_a_string(value) ? Reading::plain : Reading::converted;
}

Reading JsonText::boolean(const dom::element& value, std::optional<bool>& out) {
  out.reset();
  if (value.is_null()) return Reading::plain;
  bool truth = false;
  if (value.get_bool().get(truth) == simdjson::SUCCESS) {
    out = truth;
    return Reading::plain;
  }
  const auto text = not_a_string(value);
  if (!text || (*text != "true" && *text != "false")) return Reading::unusable;
  out = *text == "true";
  return Reading::plain;
}

}  // namespace valetkey::events

// SPDX-License-Identifier: Apache-2.0
// What the intake needs beyond a JSON parser: values of any scalar type as text, and a second
// chance for bodies that a strict parser refuses whole for one bad string. Pure; one instance a
// thread.
#pragma once

#include <simdjson.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "events/event.h"

namespace valetkey::events {

// Stands for what could not be text (a lone surrogate, invalid UTF-8). A noncharacter.
inline constexpr std::string_view kBrokenText = "\xEF\xB7\x90";  // U+FDD0

// A copy of `json` in which each invalid UTF-8 byte and each lone surrogate escape inside a string
// is kBrokenText, and each integer of 19 digits or more outside strings is a string (U+E000 before
// it).
std::string mend_json(std::string_view json);

class JsonText {
 public:
  enum class Fault { none, type, broken };

  // `mended`: strings may hold kBrokenText; the fault is then `broken`.
  void start(bool mended) {
    mended_ = mended;
    kept_.clear();
  }
  // A string (a leading U+E000 stripped), number or boolean as text; null is nothing.
  Fault text(const simdjson::dom::element& value, Text& out);
  // An integer: a JSON integer, a double without fraction, or a string "\uE000<integer>".
  Fault integer(const simdjson::dom::element& value, std::optional<std::int64_t>& out);
  Fault number(const simdjson::dom::element& value, std::optional<double>& out);
  Fault boolean(const simdjson::dom::element& value, std::optional<bool>& out);

 private:
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }
  std::deque<std::string> kept_;
  bool mended_ = false;
};

}  // namespace valetkey::events

// SPDX-License-Identifier: Apache-2.0
// What the intake needs beyond a JSON parser: values of any type as text or as numbers, and a
// second chance for bodies that a strict parser refuses whole for one bad string or number. Pure;
// one instance a thread.
#pragma once

#include <simdjson.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "events/event.h"

namespace valetkey::events {

// Stands for what could not be text: a lone surrogate, invalid UTF-8.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// `text` with U+FFFD in place of what is not UTF-8, as Unicode recommends: one for each maximal part
// of a character.
std::string mend_utf8(std::string_view text);

// A copy of `json` with U+FFFD in place of invalid UTF-8 and lone surrogate escapes inside strings,
// and each number outside them that no 64 bits hold (an integer of 19 digits or more, 1e400) as a
// string, with U+E000 before it.
std::string mend_json(std::string_view json);

// How a value could be read.
enum class Reading {
  plain,      // as the field is documented; null is nothing
  converted,  // of another type, but what it says is kept: a number written as text
  mended,     // with U+FFFD
  unusable,   // and nothing was read
};

class JsonText {
 public:
  // `mended`: by mend_json().
  void start(bool mended) {
    mended_ = mended;
    kept_.clear();
  }
  // A string (a leading U+E000 stripped), number or boolean as text.
  Reading text(const simdjson::dom::element& value, Text& out);
  // Objects and lists, too, as compact JSON.
  Reading any(const simdjson::dom::element& value, Text& out);
  // A number without fraction, of 64 bits.
  Reading integer(const simdjson::dom::element& value, std::optional<std::int64_t>& out);
  // A number of that size; what follows the point is cut.
  Reading whole_part(const simdjson::dom::element& value, std::optional<std::int64_t>& out);
  Reading number(const simdjson::dom::element& value, std::optional<double>& out);
  Reading boolean(const simdjson::dom::element& value, std::optional<bool>& out);
  // plain, or mended if `text`, of the body, is not what was sent.
  Reading check(std::string_view text) const {
    return mended_ && text.contains(kReplacement) ? Reading::mended : Reading::plain;
  }

 private:
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }
  std::deque<std::string> kept_;
  bool mended_ = false;
};

}  // namespace valetkey::events

// SPDX-License-Identifier: Apache-2.0
// Structured logs: one line an event, `text` (key=value) or JSON, on stderr. Thread-safe.
// Values are redacted by type: a Secret prints as [secret]; never pass a token, a header or a query
// string.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/timestamp.h"

namespace valetkey::log {

enum class Level : std::uint8_t { debug, info, warn, error, off };
enum class Format : std::uint8_t { text, json };

Result<Level> parse_level(std::string_view text);
// Called once by a main; the default is text at info. Lines are written whole, from the calling
// thread.
void configure(Level level, Format format);
bool enabled(Level level);

// Numbers and booleans, which JSON writes without quotes; an infinity is neither.
template <class T>
bool is_bare(const T& value) {
  if constexpr (std::floating_point<T>)
    return std::isfinite(value);
  else
    return std::integral<T> && !std::same_as<T, char>;
}

struct Field {
  std::string_view key;
  std::string value;
  bool bare = false;
  bool present = true;  // false: an optional that holds nothing, of which the line says nothing
  template <class T>
  Field(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)), bare(is_bare(v)) {}
  template <class T>
  Field(std::string_view k, const std::optional<T>& v) : key(k), present(v.has_value()) {
    if (v) *this = Field(k, *v);
  }
};
using Fields = std::initializer_list<Field>;

// The line, without its end, that write() puts on stderr. Pure.
std::string format_line(Format format, Timestamp at, Level level, std::string_view tag,
                        std::string_view message, Fields fields);

// `tag` is the module's name, `message` a fixed sentence; what varies goes into fields.
// Control characters and non-UTF-8 in values are escaped: a line is a line.
void write(Level level, std::string_view tag, std::string_view message, Fields fields = {});
inline void info(std::string_view tag, std::string_view message, Fields fields = {}) {
  write(Level::info, tag, message, fields);
}
inline void warn(std::string_view tag, std::string_view message, Fields fields = {}) {
  write(Level::warn, tag, message, fields);
}
inline void error(std::string_view tag, std::string_view message, Fields fields = {}) {
  write(Level::error, tag, message, fields);
}

}  // namespace valetkey::log

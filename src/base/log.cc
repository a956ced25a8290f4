// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>

#include "base/clock.h"
#include "base/encoding.h"

namespace valetkey::log {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warn", "error", "off"};

// Set once by a main, read by every thread.
std::atomic<Level> chosen_level = Level::info;
std::atomic<Format> chosen_format = Format::text;

bool is_control(std::string_view character) {
  const auto first = static_cast<std::uint8_t>(character[0]);
  const auto second = static_cast<std::uint8_t>(character.size() > 1 ? character[1] : '\0');
  // U+0080 to U+009F move cursors on some terminals; U+2028 and U+2029 end lines in some viewers.
  return first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0) ||
         character == "\u2028" || character == "\u2029";
}

// One character as JSON or the text format has it inside quotes. What is not UTF-8 cannot be said
// in JSON and becomes U+FFFD there. append_json() of base/json_text.h escapes less, on purpose: its
// text is UTF-8 already, and no terminal shows it.
void append_escaped(std::string& out, std::string_view character, Format format) {
  const bool json = format == Format::json;
  const bool valid = utf8_sequence(character) != 0;
  if (character == "\"" || character == "\\") {
    out.append("\\").append(character);
  } else if (character == "\n") {
    out += "\\n";
  } else if (json && !valid) {
    out += "\\ufffd";
  } else if (json && is_control(character) && character.size() == 1) {
    out += fmt::format("\\u{:04x}", static_cast<std::uint8_t>(character[0]));
  } else if (!valid || (!json && is_control(character))) {
    for (const char byte : character)
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(byte));
  } else if (is_control(character)) {
    out += character.size() == 2 ? fmt::format("\\u{:04x}", static_cast<std::uint8_t>(character[1]))
                                 : (character == "\u2028" ? "\\u2028" : "\\u2029");
  } else {
    out += character;
  }
}

bool is_plain(std::string_view value) {
  const auto plain = [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  };
  return !value.empty() && std::ranges::all_of(value, plain);
}

void append_quoted(std::string& out, std::string_view value, Format format) {
  out += '"';
  while (!value.empty()) {
    const std::size_t length = std::max<std::size_t>(utf8_sequence(value), 1);
    append_escaped(out, value.substr(0, length), format);
    value.remove_prefix(length);
  }
  out += '"';
}

void append_field(std::string& out, const Field& field, Format format) {
  if (!field.present) return;
  if (format == Format::json) {
    out += out.size() == 1 ? "" : ",";
    append_quoted(out, field.key, format);
    out += ':';
  } else {
    out.append(out.empty() ? "" : " ").append(field.key).append("=");
  }
  if (format == Format::json ? field.bare : is_plain(field.value)) {
    out += field.value;
  } else {
    append_quoted(out, field.value, format);
  }
}

}  // namespace

Result<Level> parse_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevels.size(); ++i)
    if (text == kLevels[i]) return static_cast<Level>(i);
  return fail(ErrorCode::invalid, "a log level must be debug, info, warn, error or off");
}

void configure(Level level, Format format) {
  chosen_level = level;
  chosen_format = format;
}

bool enabled(Level level) {
  return level != Level::off && level >= chosen_level.load(std::memory_order_relaxed);
}

std::string format_line(Format format, Timestamp at, Level level, std::string_view tag,
                        std::string_view message, Fields fields) {
  std::string out(format == Format::json ? "{" : "");
  append_field(out, {"time", format_iso8601_ms(at)}, format);
  append_field(out, {"level", kLevels[static_cast<std::size_t>(level)]}, format);
  append_field(out, {"tag", tag}, format);
  append_field(out, {"message", message}, format);
  for (const Field& field : fields) append_field(out, field, format);
  if (format == Format::json) out += '}';
  return out;
}

void write(Level level, std::string_view tag, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  const std::string line = format_line(chosen_format.load(std::memory_order_relaxed),
                                       SystemClock().now(), level, tag, message, fields) +
                           '\n';
  // One system call: stderr has no buffer, and stdio keeps the lines of other threads apart.
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace valetkey::log

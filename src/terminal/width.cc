// SPDX-License-Identifier: Apache-2.0
#include "terminal/width.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <clocale>
#include <cwchar>
#include <utility>

namespace valetkey::terminal {
namespace {

constexpr std::string_view kEllipsis = "…";

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// The first character of a text that is not empty.
Character first_of(std::string_view text) {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t bytes = at(0) < 0x80   ? 1
                            : at(0) < 0xC2 ? 0
                            : at(0) < 0xE0 ? 2
                            : at(0) < 0xF0 ? 3
                            : at(0) < 0xF5 ? 4
                                           : 0;
  if (bytes == 0 || bytes > text.size()) return {};
  char32_t code = bytes == 1 ? at(0) : at(0) & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xC0) != 0x80) return {};
    code = (code << 6) | (at(i) & 0x3FU);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[bytes] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {};
  return {code, bytes, true};
}

// C0, C1, and what orders bidirectional text.
bool is_harmful(char32_t code) {
  const auto within = [code](char32_t first, char32_t last) {
    return code >= first && code <= last;
  };
  return code < 0x20 || within(0x7F, 0x9F) || code == 0x61C || within(0x200E, 0x200F) ||
         within(0x2028, 0x202E) || within(0x2066, 0x2069);
}

// The C library knows the widths of Unicode, in a locale that is UTF-8, whatever the user's is.
class Utf8Locale {
 public:
  Utf8Locale() : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {}
  ~Utf8Locale() {
    if (utf8_ != nullptr) ::freelocale(utf8_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

  std::size_t width_of(char32_t code) const {
    if (code < 0x300 || utf8_ == nullptr) return 1;
    const ::locale_t former = ::uselocale(utf8_);
    const int width = ::wcwidth(static_cast<wchar_t>(code));
    ::uselocale(former);
    return width < 0 ? 1 : static_cast<std::size_t>(width);
  }

 private:
  ::locale_t utf8_;
};

std::size_t width_of(const Character& character) {
  static const Utf8Locale locale;
  return character.valid ? locale.width_of(character.code) : 1;
}

// The longest beginning that is at most `columns` wide, with the marks that combine with its end.
std::string_view front_of(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0, width = 0;
  while (bytes < text.size()) {
    const Character next = first_of(text.substr(bytes));
    width += width_of(next);
    if (width > columns) break;
    bytes += next.bytes;
  }
  return text.substr(0, bytes);
}

// The end of the text behind its first `skipped` columns; never begins with a combining mark.
std::string_view back_of(std::string_view text, std::size_t skipped) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character next = first_of(text);
    if (width >= skipped && width_of(next) > 0) break;
    width += width_of(next);
    text.remove_prefix(next.bytes);
  }
  return text;
}

}  // namespace

std::optional<std::size_t> columns_of(int descriptor) {
  ::winsize window{};
  if (::ioctl(descriptor, TIOCGWINSZ, &window) != 0) return std::nullopt;
  return window.ws_col == 0 ? 80 : window.ws_col;  // a serial line does not know
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character next = first_of(text);
    if (!next.valid || is_harmful(next.code))
      out += '?';
    else
      out += text.substr(0, next.bytes);
    text.remove_prefix(next.bytes);
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character next = first_of(text);
    width += width_of(next);
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (width_of(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  return std::string(front_of(text, columns - 1)).append(kEllipsis);
}

std::string cut_middle(std::string_view text, std::size_t columns) {
  const std::size_t width = width_of(text);
  if (width <= columns) return std::string(text);
  if (columns == 0) return "";
  const std::size_t front = (columns - 1) / 2;
  std::string out(front_of(text, front));
  return out.append(kEllipsis).append(back_of(text, width - (columns - 1 - front)));
}

std::string pad(std::string_view text, std::size_t columns) {
  return std::string(text).append(columns - std::min(columns, width_of(text)), ' ');
}

std::string pad_left(std::string_view text, std::size_t columns) {
  return std::string(columns - std::min(columns, width_of(text)), ' ').append(text);
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(std::min(space + 1, text.size()));
    if (word.empty()) continue;
    if (!line.empty() && width_of(line) + 1 + width_of(word) > columns)
      lines.push_back(std::exchange(line, ""));
    line.append(line.empty() ? "" : " ").append(word);
  }
  lines.push_back(std::move(line));
  return lines;
}

std::vector<std::string> wrap_command(std::string_view command, std::size_t columns) {
  // An option and its value stay together.
  std::vector<std::string> words(1);
  char quote = 0;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    const bool value = words.back().starts_with("--") && command.substr(i + 1, 1) != "-" &&
                       words.back().find(' ') == std::string::npos;
    if (quote == 0 && c == ' ' && !value) {
      words.emplace_back();
      continue;
    }
    if (quote == 0 && (c == '"' || c == '\''))
      quote = c;
    else if (c == quote)
      quote = 0;
    words.back() += c;
  }
  std::vector<std::string> lines{std::move(words.front())};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t continued = i + 1 < words.size() ? 2 : 0;
    if (width_of(lines.back()) + 1 + width_of(words[i]) + continued <= columns) {
      lines.back() += ' ' + words[i];
    } else {
      lines.back() += " \\";
      lines.push_back("  " + words[i]);
    }
  }
  return lines;
}

}  // namespace valetkey::terminal

// SPDX-License-Identifier: Apache-2.0
#include "aws/internal/profile_file.h"

#include <algorithm>

#include "base/text.h"

namespace valetkey::aws {
namespace {

constexpr std::string_view kBlank = " \t\r";

// A comment within a line begins with white space.
std::string_view without_comment(std::string_view value) {
  for (std::size_t at = 1; at < value.size(); ++at)
    if ((value[at] == '#' || value[at] == ';') && kBlank.contains(value[at - 1]))
      return trimmed(value.substr(0, at), kBlank);
  return value;
}

// The profile that a section's name means; empty: none.
std::string_view profile_of(std::string_view section, ProfileFile kind) {
  if (kind == ProfileFile::credentials || section == "default") return section;
  constexpr std::string_view kWord = "profile";
  if (!section.starts_with(kWord)) return {};
  section.remove_prefix(kWord.size());
  if (section.empty() || !kBlank.contains(section.front())) return {};
  section = trimmed(section, kBlank);
  if (section.size() >= 2 && (section.front() == '"' || section.front() == '\'') &&
      section.front() == section.back())
    section = section.substr(1, section.size() - 2);
  return section;
}

}  // namespace

Result<void> parse_profiles(std::string_view text, ProfileFile kind, Profiles& profiles) {
  Profile* current = nullptr;
  bool in_section = false;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view line = trimmed(whole, kBlank);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const auto broken = [number](std::string_view why) {
      return fail(ErrorCode::invalid, "line " + std::to_string(number) + " " + std::string(why));
    };
    if (line.front() == '[') {
      const auto close = line.find(']');
      if (close == std::string_view::npos) return broken("begins a section and does not close it");
      const std::string_view name = profile_of(trimmed(line.substr(1, close - 1), kBlank), kind);
      current = name.empty() ? nullptr : &profiles[std::string(name)];
      in_section = true;
      continue;
    }
    if (kBlank.contains(whole.front()) && in_section) continue;  // goes on with settings of others
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) return broken("is not NAME = VALUE");
    if (!in_section) return broken("stands before the first section");
    if (current != nullptr)
      (*current)[lowered(trimmed(line.substr(0, equals), kBlank))] =
          without_comment(trimmed(line.substr(equals + 1), kBlank));
  }
  return {};
}

}  // namespace valetkey::aws

// SPDX-License-Identifier: Apache-2.0
#include "control/narrowing.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "layout/part_key.h"

namespace valetkey::control {
namespace {

// In front of each line of the text form.
constexpr std::string_view kPrefix = "prefix ";
constexpr std::string_view kSource = "source ";

std::unexpected<Error> bad(std::string text) { return fail(ErrorCode::invalid, std::move(text)); }

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text.substr(0, Narrowing::kMaxBytes)) + "\"";
}

bool has_odd_part(std::string_view prefix) {
  while (!prefix.empty()) {
    const auto slash = prefix.find('/');
    const std::string_view part = prefix.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return true;
    prefix.remove_prefix(std::min(part.size() + 1, prefix.size()));
  }
  return false;
}

Result<void> check_prefix(std::string_view prefix) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (!is_utf8(prefix) || std::ranges::any_of(prefix, is_control))
    return bad("a prefix of a token is UTF-8 text without control characters");
  if (prefix.starts_with("s3:") || prefix.starts_with(layout::kAccountFolder))
    return bad("the prefix " + in_quotes(prefix) +
               " of a token begins below the account's own: such as type=decisions/");
  if (!prefix.ends_with('/'))
    return bad("the prefix " + in_quotes(prefix) +
               " of a token must end in '/': without it, it would also open names that go on");
  if (has_odd_part(prefix))
    return bad("the prefix " + in_quotes(prefix) +
               " of a token has a part that is empty, '.' or '..': write it as keys are written");
  return {};
}

Result<std::string> prefix_of_type(std::string_view name) {
  for (const auto type : {layout::RowType::decisions, layout::RowType::events})
    if (name == layout::name_of(type)) return layout::type_folder(type);
  return bad(in_quotes(name) + " is no type: the types are decisions and events");
}

bool starts_with_any(std::string_view name, const std::vector<std::string>& prefixes) {
  return std::ranges::any_of(
      prefixes, [name](const std::string& prefix) { return name.starts_with(prefix); });
}

// Sorted, and without what lies within another.
void tidy(std::vector<std::string>& prefixes) {
  std::ranges::sort(prefixes);
  std::vector<std::string> kept;
  for (std::string& prefix : prefixes)
    if (kept.empty() || !prefix.starts_with(kept.back())) kept.push_back(std::move(prefix));
  prefixes = std::move(kept);
}

void tidy(std::vector<AddressBlock>& sources) {
  std::ranges::sort(sources);  // of two with one beginning the wider comes first
  std::vector<AddressBlock> kept;
  for (const AddressBlock& block : sources)
    if (kept.empty() || !block.within(kept.back())) kept.push_back(block);
  sources = std::move(kept);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

Result<void> check_size(const Narrowing& narrowing) {
  if (narrowing.str().size() <= Narrowing::kMaxBytes) return {};
  return bad(
      "the prefixes and sources of a token have at most 512 characters together, each counted "
      "with eight more than its own: give fewer, or shorter ones");
}

}  // namespace

Result<Narrowing> Narrowing::make(const WantedNarrowing& wanted) {
  std::vector<std::string> types;
  for (const std::string& name : wanted.types) {
    VALETKEY_TRY(std::string prefix, prefix_of_type(name));
    types.push_back(std::move(prefix));
  }
  Narrowing made;
  for (const std::string& prefix : wanted.prefixes) {
    VALETKEY_CHECK(check_prefix(prefix));
    if (!types.empty() && !starts_with_any(prefix, types))
      return bad("the prefix " + in_quotes(prefix) + " lies outside of " + joined(types));
    made.prefixes_.push_back(prefix);
  }
  if (made.prefixes_.empty()) made.prefixes_ = std::move(types);
  for (const std::string& text : wanted.sources) {
    VALETKEY_TRY(const AddressBlock block, AddressBlock::parse(text));
    made.sources_.push_back(block);
  }
  tidy(made.prefixes_);
  tidy(made.sources_);
  VALETKEY_CHECK(check_size(made));
  return made;
}

Result<Narrowing> Narrowing::parse(std::string_view text) {
  const auto corrupt = [] {
    return fail(ErrorCode::corrupt, "the limits of a token are unreadable");
  };
  if (text.size() > kMaxBytes) return corrupt();
  WantedNarrowing wanted;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return corrupt();
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.starts_with(kPrefix))
      wanted.prefixes.emplace_back(line.substr(kPrefix.size()));
    else if (line.starts_with(kSource))
      wanted.sources.emplace_back(line.substr(kSource.size()));
    else
      return corrupt();
  }
  auto read = make(wanted);
  if (!read || read->str() != text) return corrupt();
  return read;
}

std::string Narrowing::str() const {
  std::string text;
  for (const std::string& prefix : prefixes_) text.append(kPrefix).append(prefix).append("\n");
  for (const AddressBlock& block : sources_) text.append(kSource).append(block.str()).append("\n");
  return text;
}

std::vector<std::string> Narrowing::source_texts() const {
  std::vector<std::string> texts;
  for (const AddressBlock& source : sources_) texts.push_back(source.str());
  return texts;
}

std::string Narrowing::words() const {
  std::string text = joined(prefixes_);
  if (!sources_.empty())
    text.append(text.empty() ? "from " : " from ").append(joined(source_texts()));
  return text;
}

bool Narrowing::opens(std::string_view name) const {
  return prefixes_.empty() || starts_with_any(name, prefixes_);
}

bool Narrowing::admits(const Address& client) const {
  return sources_.empty() || std::ranges::any_of(sources_, [&](const AddressBlock& block) {
           return block.contains(client);
         });
}

bool Narrowing::within(const Narrowing& outer) const {
  const bool open_prefixes = prefixes_.empty() && !outer.prefixes_.empty();
  const bool open_sources = sources_.empty() && !outer.sources_.empty();
  if (open_prefixes || open_sources) return false;
  return std::ranges::all_of(prefixes_, [&](const auto& each) { return outer.opens(each); }) &&
         std::ranges::all_of(sources_, [&](const AddressBlock& block) {
           return outer.sources_.empty() ||
                  std::ranges::any_of(outer.sources_, [&](const AddressBlock& other) {
                    return block.within(other);
                  });
         });
}

Result<Narrowing> Narrowing::inheriting(const Narrowing& outer) const {
  Narrowing child = *this;
  if (child.prefixes_.empty()) child.prefixes_ = outer.prefixes_;
  if (child.sources_.empty()) child.sources_ = outer.sources_;
  VALETKEY_CHECK(check_size(child));
  return child;
}

}  // namespace valetkey::control

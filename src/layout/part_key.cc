// SPDX-License-Identifier: Apache-2.0
#include "layout/part_key.h"

#include <fmt/format.h>

namespace valetkey::layout {
namespace {

constexpr std::string_view kPart = ".parquet";
constexpr std::size_t kDayBytes = 10;  // YYYY-MM-DD

// Takes what `text` begins with off it.
bool take(std::string_view& text, std::string_view beginning) {
  if (!text.starts_with(beginning)) return false;
  text.remove_prefix(beginning.size());
  return true;
}

// Takes the text up to the next slash, and the slash.
std::optional<std::string_view> take_folder(std::string_view& text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto folder = text.substr(0, slash);
  text.remove_prefix(slash + 1);
  return folder;
}

std::optional<AccountId> take_account(std::string_view& key) {
  if (!take(key, kAccountFolder)) return std::nullopt;
  const auto digits = take_folder(key);
  if (!digits) return std::nullopt;
  auto account = AccountId::parse(*digits);
  return account ? std::optional(std::move(*account)) : std::nullopt;
}

std::optional<DayFolder> take_day(std::string_view& name) {
  if (!take(name, kTypeFolder)) return std::nullopt;
  const auto typed = take_folder(name);
  const auto type = typed ? parse_row_type(*typed) : std::nullopt;
  if (!type || !take(name, kDateFolder)) return std::nullopt;
  const auto dated = take_folder(name);
  if (!dated || dated->size() != kDayBytes) return std::nullopt;
  const auto day = parse_date(*dated);
  return day ? std::optional(DayFolder{*type, *day}) : std::nullopt;
}

}  // namespace

std::optional<RowType> parse_row_type(std::string_view name) {
  for (const auto type : {RowType::decisions, RowType::events})
    if (name == name_of(type)) return type;
  return std::nullopt;
}

std::string account_prefix(const AccountId& account) {
  return fmt::format("{}{}/", kAccountFolder, account.str());
}
std::string type_folder(RowType type) { return fmt::format("{}{}/", kTypeFolder, name_of(type)); }
std::string type_prefix(const AccountId& account, RowType type) {
  return account_prefix(account) + type_folder(type);
}
std::optional<AccountId> account_in(std::string_view key) { return take_account(key); }

std::string DayFolder::str() const {
  return fmt::format("{}{}{}/", type_folder(type), kDateFolder, format_date(day));
}
std::optional<DayFolder> DayFolder::containing(std::string_view name) { return take_day(name); }

std::string PartName::str() const {
  return fmt::format("{}{}={}/{}", folder.str(), partition_name(folder.type), partition, file);
}

std::optional<PartName> PartName::parse(std::string_view name) {
  const auto folder = take_day(name);
  if (!folder || !take(name, partition_name(folder->type)) || !take(name, "=")) return std::nullopt;
  const auto partition = take_folder(name);
  const bool is_file = name.size() > kPart.size() && name.ends_with(kPart) &&
                       name.find('/') == std::string_view::npos;
  if (!partition || partition->empty() || !is_file) return std::nullopt;
  return PartName{*folder, std::string(*partition), std::string(name)};
}

std::optional<DayKey> DayKey::containing(std::string_view key) {
  auto account = take_account(key);
  const auto folder = account ? take_day(key) : std::nullopt;
  if (!folder) return std::nullopt;
  return DayKey{std::move(*account), *folder};
}

std::string PartKey::folder() const {
  const auto key = str();
  return key.substr(0, key.size() - name.file.size());
}

std::optional<PartKey> PartKey::parse(std::string_view key) {
  auto account = take_account(key);
  auto name = account ? PartName::parse(key) : std::nullopt;
  if (!name) return std::nullopt;
  return PartKey{std::move(*account), std::move(*name)};
}

}  // namespace valetkey::layout

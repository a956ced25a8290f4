// SPDX-License-Identifier: Apache-2.0
// The keys of an export, made and parsed: v1/account_id=<id>/type=<type>/date=<day>/<experiment or event>=<value>/<part>.
// All code that needs the account, the day or the partition of a key finds it here. Pure.
// Grammar: docs/formats.md, "Keys of an export".
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/timestamp.h"
#include "layout/partition.h"

namespace valetkey::layout {

// What a key's folders begin with, before the value. Only SQL spells them out, in
// storage/index_sums.cc and layout/views.cc, as it can call nothing of this.
inline constexpr std::string_view kAccountFolder = "v1/account_id=";
inline constexpr std::string_view kTypeFolder = "type=";
inline constexpr std::string_view kDateFolder = "date=";
inline constexpr std::string_view kSuccess = "_SUCCESS";  // in a day's folder: the day is complete

std::optional<RowType> parse_row_type(std::string_view name);  // "decisions", "events"

std::string type_folder(RowType type);                            // type=<type>/
std::string account_prefix(const AccountId& account);             // v1/account_id=<id>/
std::string type_prefix(const AccountId& account, RowType type);  // account_prefix + type_folder
// Of a key that begins with an account's prefix.
std::optional<AccountId> account_in(std::string_view key);

// The folder of a day, below the account's prefix: type=<type>/date=<YYYY-MM-DD>/
struct DayFolder {
  RowType type = RowType::decisions;
  Date day;

  std::string str() const;
  // Of a name below the account's prefix that lies in a day's folder, or is one.
  static std::optional<DayFolder> containing(std::string_view name);
  friend auto operator<=>(const DayFolder&, const DayFolder&) = default;
};

// A part below the account's prefix, as a client of that account names it:
// type=<type>/date=<YYYY-MM-DD>/experiment=<value>/<file>
struct PartName {
  DayFolder folder;
  std::string partition;  // as it stands in the key: escaped, never empty
  std::string file;       // ends in .parquet

  std::string str() const;
  bool is_other() const { return partition == kOtherPartition; }
  // Nothing: another object, such as _SUCCESS, or one that no exporter writes so.
  static std::optional<PartName> parse(std::string_view name);
  friend bool operator==(const PartName&, const PartName&) = default;
};

struct DayKey {
  AccountId account;
  DayFolder folder;

  std::string str() const { return account_prefix(account) + folder.str(); }
  static std::optional<DayKey> containing(std::string_view key);
};

struct PartKey {
  AccountId account;
  PartName name;

  std::string str() const { return account_prefix(account) + name.str(); }
  // Up to the slash before the file's name.
  std::string folder() const;
  static std::optional<PartKey> parse(std::string_view key);
  friend bool operator==(const PartKey&, const PartKey&) = default;
};

}  // namespace valetkey::layout

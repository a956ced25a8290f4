// SPDX-License-Identifier: Apache-2.0
// Where a row lies: partition values escaped as Hive does, and the keys made of them. Pure.
// Source: Hive's FileUtils.escapePathName; the rules and our one addition are in docs/formats.md,
// "Keys".
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/timestamp.h"

namespace valetkey::layout {

enum class RowType : std::uint8_t { decisions, events };
std::string_view name_of(RowType type);         // "decisions", "events"
std::string_view partition_name(RowType type);  // "experiment", "event"

inline constexpr std::string_view kDefaultPartition = "__HIVE_DEFAULT_PARTITION__";
inline constexpr std::string_view kOtherPartition =
    "__other__";  // beyond the daily limit of an account

// The escaped partition value: empty is the default partition, a value of that literal name has its
// first '_' escaped, and one longer than 240 bytes after escaping is its first 200 bytes, '~' and 16 hex
// digits of its SHA-256. Every result makes a legal file name. Two values share one only if
// somebody names an event like the shortened form of another; the rows carry the whole names.
std::string partition_value(std::string_view value);
// The same as it was before U+FFFE and U+FFFF were escaped: a folder may hold such parts.
std::string former_partition_value(std::string_view value);

std::string day_prefix(const AccountId& account, RowType type, Date day);  // v1/…/date=2020-09-14/
// day_prefix + experiment=<value>/ or event=<value>/
std::string partition_prefix(const AccountId&, RowType, Date, std::string_view value);
// A UUID (version 8) that depends on nothing but the name.
std::string uuid_of(std::string_view name);
// part-00000-<uuid>.c000.snappy.parquet
std::string part_name(unsigned number, std::string_view uuid);

}  // namespace valetkey::layout

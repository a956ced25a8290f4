// SPDX-License-Identifier: Apache-2.0
// What the ledger's parts share: values as their columns hold them, and statements that several of them run.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "exporter/ledger.h"
#include "sql/database.h"

namespace valetkey::exporter {

inline std::int64_t number_of(Date day) { return day.time_since_epoch().count(); }
inline Date day_of(std::int64_t number) { return Date(std::chrono::days(number)); }
inline std::int64_t as_signed(std::uint64_t n) { return static_cast<std::int64_t>(n); }
inline std::uint64_t as_unsigned(std::int64_t n) { return static_cast<std::uint64_t>(n); }

// Calls `each` for each row.
template <class Each>
Result<void> for_each_row(sql::Statement& query, Each each) {
  while (true) {
    VALETKEY_TRY(const bool row, query.step());
    if (!row) return {};
    each(query);
  }
}

// What was noted of events that came again on a day becomes part of the totals.
Result<void> count_repeats(sql::Database& database);

Result<void> add_counts(sql::Database& database, const std::map<std::string, ExportCounts>& counts);
// Of a batch that is done, with what its accounts have in it.
Result<void> add_run(sql::Database& database, const Run& run,
                     const std::map<std::string, std::uint64_t>& events);
Result<void> add_dropped(sql::Database& database, const LossCounts& counts);

}  // namespace valetkey::exporter

// SPDX-License-Identifier: Apache-2.0
// The format of parts, and the rewriting of those that have another one.
#include "exporter/sqlite_ledger.h"

namespace valetkey::exporter {

using sqlite::Statement;
using sqlite::Transaction;

Result<std::optional<layout::TimestampUnit>> SqliteLedger::timestamps() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT timestamps FROM export_format"));
  VALETKEY_TRY(const bool there, query.step());
  if (!there || query.is_null(0)) return std::optional<layout::TimestampUnit>();
  return query.integer(0) == 1 ? layout::TimestampUnit::milliseconds
                               : layout::TimestampUnit::microseconds;
}

Result<void> SqliteLedger::set_timestamps(layout::TimestampUnit unit) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT INTO export_format VALUES (1, ?, 0) ON CONFLICT (only) "
                                  "DO UPDATE SET timestamps = excluded.timestamps"));
  return query.bind(unit == layout::TimestampUnit::milliseconds ? 1 : 2).run();
}

Result<void> SqliteLedger::request_rewrite() {
  const std::lock_guard guard(mutex_);
  return database_->execute(
      "INSERT INTO export_format VALUES (1, NULL, 1) ON CONFLICT (only) DO UPDATE SET rewriting = "
      "1");
}

Result<bool> SqliteLedger::rewriting() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(const auto count,
               database_->read_integer("SELECT count(*) FROM export_format WHERE rewriting = 1"));
  return count > 0;
}

Result<void> SqliteLedger::finish_rewrite(const Lease& lease) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction writing, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  VALETKEY_CHECK(database_->execute("UPDATE export_format SET rewriting = 0"));
  return writing.commit();
}

}  // namespace valetkey::exporter

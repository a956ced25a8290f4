// SPDX-License-Identifier: Apache-2.0
#include "sql/database.h"

namespace valetkey::sql {

Result<void> Cursor::run_later() {
  while (true) {
    VALETKEY_TRY(const bool row, step());
    if (!row) return {};
  }
}

Result<void> Statement::run() {
  while (true) {
    VALETKEY_TRY(const bool row, step());
    if (!row) return {};
  }
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return std::string(text(column));
}

Result<std::int64_t> Database::read_integer(std::string_view sql) {
  VALETKEY_TRY(Statement statement, prepare(sql));
  VALETKEY_TRY(const bool row, statement.step());
  if (!row)
    return fail(ErrorCode::corrupt, std::string(name()) + ": a row that must exist is missing");
  return statement.integer(0);
}

Result<Transaction> Transaction::begin(Database& database, Kind kind) {
  VALETKEY_CHECK(database.begin(kind));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr && database_->in_transaction()) database_->roll_back();
}

Result<void> Transaction::commit() {
  VALETKEY_CHECK(database_->commit());
  database_ = nullptr;
  return {};
}

}  // namespace valetkey::sql

// SPDX-License-Identifier: Apache-2.0
// SQLite as the index needs it: a connection with its prepared statements kept, transactions, and
// errors as one sentence. A Database and what hangs on it are for one thread at a time. Source:
// https://www.sqlite.org/c3ref/intro.html
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace valetkey::storage {

class Database;

// A prepared statement in use; reset when it goes, for the next use.
class Query {
 public:
  Query(Query&& other) noexcept : database_(other.database_), statement_(other.statement_) {
    other.statement_ = nullptr;
  }
  Query& operator=(Query&&) = delete;
  ~Query();
  // Parameters in order of their appearance. Texts must outlive the Query.
  Query& bind(std::int64_t value);
  Query& bind_text(std::string_view text);
  Query& bind_blob(std::string_view blob);
  Query& bind_null();
  // True: a row is there.
  Result<bool> step();
  // For what yields no rows.
  Result<void> run();
  // Back to the start, parameters forgotten.
  void restart();

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  std::string_view text(int column) const;  // text or blob; valid until the next step
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  friend class Database;
  Query(Database& database, sqlite3_stmt* statement)
      : database_(&database), statement_(statement) {}
  Database* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

class Database {
 public:
  // `flags` as of sqlite3_open_v2. Waits up to 10 s for a lock, then `busy`.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path, int flags);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  Result<void> execute(const char* sql);
  // `sql` must be a literal: its statement is prepared once and kept. Not for two uses at a time.
  Result<Query> query(std::string_view sql);
  Result<std::int64_t> read_integer(std::string_view sql);
  std::unexpected<Error> failure() const;  // of the last call
  std::int64_t changes() const { return sqlite3_changes64(handle_); }
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

 private:
  Database(sqlite3* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
  sqlite3* handle_;
  std::string name_;
  std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
};

// Rolled back when it goes, unless committed.
class Transaction {
 public:
  enum class Kind : std::uint8_t { read, write };  // write takes the writer lock at once
  static Result<Transaction> begin(Database& database, Kind kind);
  Transaction(Transaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace valetkey::storage

// SPDX-License-Identifier: Apache-2.0
// A thin ownership layer over SQLite's C interface: connections with their prepared statements, and
// transactions. Everything here is for one thread at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey::control {

// A prepared statement borrowed from its connection; reset when this goes. Bound texts must live
// until then. A bind that fails is reported by the next step().
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::int64_t value);
  Statement& bind_optional(int index, std::optional<std::int64_t> value);
  Statement& bind_optional(int index, const std::optional<std::string>& text);
  Statement& bind_blob(int index, std::string_view bytes);
  Statement& bind_null(int index);

  Result<bool> step();  // true: there is a row
  Result<void> run();   // steps to the end
  void reset();         // to run again with other values

  std::string_view text(int column) const;  // until the next step
  std::int64_t integer(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;
  std::optional<std::string> optional_text(int column) const;

 private:
  void note(int code);
  sqlite3_stmt* statement_;
  int failed_ = SQLITE_OK;
};

class Connection {
 public:
  // Opens with foreign keys, synchronous=FULL, a busy time-out of 5 s and SQLite's own defences on.
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& file, int flags);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<Statement> prepare(std::string_view sql);  // cached by text
  Result<void> execute(const std::string& script);  // several statements, no rows
  Result<std::int64_t> read_integer(std::string_view sql);
  std::int64_t changed_rows() const;

 private:
  explicit Connection(sqlite3* database) : database_(database) {}
  sqlite3* database_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

// BEGIN IMMEDIATE: the write lock is held, or `busy` after the time-out. Rolls back unless
// committed.
class Transaction {
 public:
  static Result<Transaction> begin(Connection& connection);
  Transaction(Transaction&& other) noexcept;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

inline constexpr int kBusyTimeoutMs = 5000;

}  // namespace valetkey::control

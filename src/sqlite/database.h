// SPDX-License-Identifier: Apache-2.0
// SQLite as this project uses it: a connection with its prepared statements kept, transactions, and errors as one
// sentence with their remedy. A Database and what hangs on it are for one thread at a time; pool.h shares them.
// Source: https://www.sqlite.org/c3ref/intro.html
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace valetkey::sqlite {

class Database;

// How long a call waits for a lock that another connection holds, before it fails with `busy`.
inline constexpr std::chrono::milliseconds kLockWait{10'000};

// Bytes that are bound as a BLOB; a plain std::string_view is bound as TEXT.
struct Blob {
  std::string_view bytes;
};

// A prepared statement in use; reset when it goes, for the next use.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // All parameters, in order: integers, texts, Blob, std::optional of these, std::nullopt. Starts the statement over.
  // Texts and blobs must live until the last step. A bind that fails is reported by the next step().
  template <class... Values>
  Statement& bind(const Values&... values) {
    restart();
    [[maybe_unused]] int index = 0;
    (bind_at(++index, values), ...);
    return *this;
  }
  Result<bool> step();  // true: there is a row
  Result<void> run();   // steps to the end

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // of a text or blob; until the next step
  bool is_null(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;
  std::optional<std::string> optional_text(int column) const;

 private:
  friend class Database;
  Statement(const Database& database, sqlite3_stmt* statement)
      : database_(&database), statement_(statement) {}
  void restart();
  void note(int code);
  void bind_at(int index, std::int64_t value);
  void bind_at(int index, std::string_view text);
  void bind_at(int index, Blob blob);
  void bind_at(int index, std::nullopt_t null);
  template <class T>
  void bind_at(int index, const std::optional<T>& value) {
    value ? bind_at(index, *value) : bind_at(index, std::nullopt);
  }

  const Database* database_;
  sqlite3_stmt* statement_;
  int failed_ = 0;
};

class Database {
 public:
  enum class Mode : std::uint8_t {
    read_only,
    read_write,
    create,  // where there is none: private to its owner
  };

  // Durable (synchronous = FULL), foreign keys and SQLite's own defences on.
  // `lock_wait`: another than the usual one, for tests of it.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, Mode mode,
                                                std::chrono::milliseconds lock_wait = kLockWait);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  Result<Statement> prepare(std::string_view sql);  // kept by its text; not for two uses at a time
  Result<void> execute(const std::string& script);  // several statements, no rows
  Result<std::int64_t> read_integer(std::string_view sql);  // `corrupt`: no row
  std::int64_t changes() const;                             // rows of the last statement
  bool in_transaction() const;

  // WAL is a property of the file, so that its next connections have it, too.
  Result<void> use_write_ahead_log();
  // A consistent copy at `to`, which must not exist; durable when it returns.
  Result<void> copy_to(const std::filesystem::path& to);
  // SQLite's own look at the file's structure: a sentence for each table that is damaged.
  Result<std::vector<std::string>> check_structure();

 private:
  friend class Statement;
  struct HashText {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  Database(sqlite3* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
  std::unexpected<Error> failure(int code) const;
  std::unexpected<Error> failure() const;  // of the last call
  Result<void> harden();

  sqlite3* handle_;
  std::string name_;
  std::unordered_map<std::string, sqlite3_stmt*, HashText, std::equal_to<>> statements_;
};

// Rolled back when it goes, unless committed.
class Transaction {
 public:
  enum class Kind : std::uint8_t { read, write };  // write takes the writer lock at once
  static Result<Transaction> begin(Database& database, Kind kind = Kind::write);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace valetkey::sqlite

// SPDX-License-Identifier: Apache-2.0
// A relational database as this project uses one: a connection with its prepared statements kept, and transactions.
// SQLite (sqlite/) and PostgreSQL (postgres/) are behind it, so that a store has one text of its statements: what both
// take. A Database and what hangs on it are for one thread at a time; pool.h shares them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace valetkey::sql {

// Bytes that are bound as a BLOB; a plain std::string_view is bound as TEXT.
struct Blob {
  std::string_view bytes;
};

// A prepared statement as its engine runs it; kept by the connection.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual void restart() = 0;  // forgets rows and values
  virtual void bind_integer(int index, std::int64_t value) = 0;
  virtual void bind_text(int index, std::string_view text) = 0;
  virtual void bind_blob(int index, std::string_view bytes) = 0;
  virtual void bind_null(int index) = 0;
  virtual Result<bool> step() = 0;
  virtual Result<void> run_later();  // see Statement
  virtual std::int64_t integer(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual bool is_null(int column) const = 0;
};

// A prepared statement in use; reset when it goes, for the next use.
class Statement {
 public:
  explicit Statement(Cursor& cursor) : cursor_(&cursor) {}
  Statement(Statement&& other) noexcept : cursor_(std::exchange(other.cursor_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement() {
    if (cursor_ != nullptr) cursor_->restart();
  }

  // All parameters, in order: integers, texts, Blob, std::optional of these, std::nullopt. Starts the statement over.
  // Texts and blobs must live until the last step. A bind that fails is reported by the next step().
  template <class... Values>
  Statement& bind(const Values&... values) {
    cursor_->restart();
    [[maybe_unused]] int index = 0;
    (bind_at(++index, values), ...);
    return *this;
  }
  Result<bool> step() { return cursor_->step(); }  // true: there is a row
  Result<void> run();                              // steps to the end
  // For one of many whose outcome nobody waits for: a server gets them in one go. Within a transaction; what fails is
  // reported here, by the next step of any statement, or by the commit.
  Result<void> run_later() { return cursor_->run_later(); }

  std::int64_t integer(int column) const { return cursor_->integer(column); }
  // Of a text or blob; until the next step.
  std::string_view text(int column) const { return cursor_->text(column); }
  bool is_null(int column) const { return cursor_->is_null(column); }
  std::optional<std::int64_t> optional_integer(int column) const;
  std::optional<std::string> optional_text(int column) const;

 private:
  void bind_at(int index, std::int64_t value) { cursor_->bind_integer(index, value); }
  void bind_at(int index, std::string_view text) { cursor_->bind_text(index, text); }
  void bind_at(int index, Blob blob) { cursor_->bind_blob(index, blob.bytes); }
  void bind_at(int index, std::nullopt_t) { cursor_->bind_null(index); }
  template <class T>
  void bind_at(int index, const std::optional<T>& value) {
    value ? bind_at(index, *value) : bind_at(index, std::nullopt);
  }

  Cursor* cursor_;
};

enum class TransactionKind : std::uint8_t {
  read,   // one state of the database
  write,  // in SQLite the only writer; in PostgreSQL the first to lock a row goes first
};

class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  virtual ~Database() = default;

  // Kept by its text; not for two uses at a time. Parameters are ?1, ?2, … or ?, each kind for itself.
  virtual Result<Statement> prepare(std::string_view sql) = 0;
  virtual Result<void> execute(const std::string& script) = 0;  // several statements, no rows
  Result<std::int64_t> read_integer(std::string_view sql);      // `corrupt`: no row
  virtual std::int64_t changes() const = 0;                     // rows of the last statement
  virtual bool in_transaction() const = 0;
  virtual bool usable() const = 0;  // false: the connection is lost, and another one is to be made
  // The last failure rolled a transaction back that would have done well alone: it may be repeated.
  virtual bool may_repeat() const = 0;
  virtual std::string_view name() const = 0;  // for errors

 private:
  friend class Transaction;
  virtual Result<void> begin(TransactionKind kind) = 0;
  virtual Result<void> commit() = 0;
  virtual void roll_back() = 0;
};

// Rolled back when it goes, unless committed.
class Transaction {
 public:
  using Kind = TransactionKind;
  static Result<Transaction> begin(Database& database, Kind kind = Kind::write);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

inline constexpr int kMostAttempts = 10;

// `work` in a transaction, which is committed if it succeeds, and repeated if another one got in its way.
template <class Work>
auto write(Database& database, Work&& work) -> decltype(work()) {
  for (int attempt = 1;; ++attempt) {
    auto result = [&]() -> decltype(work()) {
      VALETKEY_TRY(Transaction transaction, Transaction::begin(database));
      auto done = work();
      if (!done) return done;
      VALETKEY_CHECK(transaction.commit());
      return done;
    }();
    if (result || attempt == kMostAttempts || !database.usable() || !database.may_repeat())
      return result;
  }
}

}  // namespace valetkey::sql

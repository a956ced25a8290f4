// SPDX-License-Identifier: Apache-2.0
// SQLite behind sql/database.h, with what only a file has; errors are one sentence with their remedy.
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
#include "sql/database.h"

struct sqlite3;

namespace valetkey::sqlite {

// How long a call waits for a lock that another connection holds, before it fails with `busy`.
inline constexpr std::chrono::milliseconds kLockWait{10'000};

using sql::Blob;
using sql::Statement;
using sql::Transaction;

class SqliteCursor;

class Database final : public sql::Database {
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
  ~Database() override;

  Result<Statement> prepare(std::string_view sql) override;
  Result<void> execute(const std::string& script) override;
  std::int64_t changes() const override;
  bool in_transaction() const override;
  bool usable() const override { return true; }
  bool may_repeat() const override { return false; }
  std::string_view name() const override { return name_; }

  // WAL is a property of the file, so that its next connections have it, too.
  Result<void> use_write_ahead_log();
  // A consistent copy at `to`, which must not exist; durable when it returns.
  Result<void> copy_to(const std::filesystem::path& to);
  // SQLite's own look at the file's structure: a sentence for each table that is damaged.
  Result<std::vector<std::string>> check_structure();

 private:
  friend class SqliteCursor;
  struct HashText {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  Database(sqlite3* handle, std::string name);
  std::unexpected<Error> failure(int code) const;
  std::unexpected<Error> failure() const;  // of the last call
  Result<void> harden();
  // The lock of a writer is taken at once.
  Result<void> begin(sql::TransactionKind kind) override;
  Result<void> commit() override;
  void roll_back() override;

  sqlite3* handle_;
  std::string name_;
  std::unordered_map<std::string, std::unique_ptr<SqliteCursor>, HashText, std::equal_to<>>
      statements_;
};

}  // namespace valetkey::sqlite

// SPDX-License-Identifier: Apache-2.0
// PostgreSQL behind sql/database.h, over libpq: connections, statements that go out together, a time limit on every
// answer, and errors as one sentence with their remedy. A Database is for one thread at a time; Server is thread-safe.
// Source: https://www.postgresql.org/docs/15/libpq.html
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "sql/database.h"

struct pg_conn;
struct pg_result;

namespace valetkey::postgres {

struct Settings {
  // As libpq takes it, a URI or keywords: several hosts, sslmode, sslrootcert, connect_timeout, passfile, …
  std::string url;
  std::filesystem::path
      password_file{};  // its first line, read anew by each connection; empty: libpq looks for one
  std::string schema = "valetkey";  // where the tables are
  std::chrono::milliseconds statement_timeout{10'000};
};

// `invalid`: no connection string, or one that holds a password, which everybody who sees the file would have.
Result<void> check_settings(const Settings& settings);

struct CloseConnection {
  void operator()(pg_conn* connection) const;
};
struct ClearResult {
  void operator()(pg_result* result) const;
};
using ResultRows = std::unique_ptr<pg_result, ClearResult>;

class PostgresCursor;

// Made by Server::connect(). Always in libpq's pipeline mode: what is sent waits for the next answer that is needed.
class Database final : public sql::Database {
 public:
  ~Database() override;

  Result<sql::Statement> prepare(std::string_view sql) override;
  Result<void> execute(const std::string& script) override;
  std::int64_t changes() const override { return changes_; }
  bool in_transaction() const override { return open_; }
  bool usable() const override { return !lost_; }
  bool may_repeat() const override { return may_repeat_; }
  std::string_view name() const override { return name_; }  // never with the password

 private:
  friend class PostgresCursor;
  friend class Server;
  struct HashText {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  Database(pg_conn* connection, std::chrono::milliseconds statement_timeout);
  Result<void> begin(sql::TransactionKind kind) override;
  Result<void> commit() override;
  void roll_back() override;

  Result<void> send(const char* sql);
  Result<void> note_sent(bool sent, PostgresCursor* prepared);
  Result<ResultRows> finish();       // the rows of what was sent last, once all of it is done
  Result<ResultRows> next_result();  // null: the end of one command's
  std::unexpected<Error> failure(const pg_result* result);
  std::unexpected<Error> lost(const std::string& why);

  std::unique_ptr<pg_conn, CloseConnection> connection_;
  std::string name_;
  std::chrono::milliseconds longest_answer_;
  std::vector<PostgresCursor*> sent_;  // what each command prepares; null: it prepares nothing
  std::int64_t changes_ = 0;
  bool open_ = false;        // a transaction
  bool committing_ = false;  // its end was sent
  bool warned_ = false;      // by the server, since the commit was sent
  bool lost_ = false;
  bool may_repeat_ = false;
  std::unordered_map<std::string, std::unique_ptr<PostgresCursor>, HashText, std::equal_to<>>
      statements_;
};

struct Host {
  std::string name, port;  // empty: as the connection string has them
};

// One server, or one behind several addresses: the primary of a group.
class Server {
 public:
  explicit Server(Settings settings) : settings_(std::move(settings)) {}
  const Settings& settings() const { return settings_; }

  // To the first of its hosts that takes writes and is no former primary, one whose timeline is behind what was seen
  // and whose changes nobody will keep. `unavailable`: none.
  Result<std::unique_ptr<Database>> connect();
  // The highest that a connection has seen: it grows when a standby was promoted.
  std::int64_t timeline() const;

 private:
  Result<std::unique_ptr<Database>> open(const Host& only);
  Result<void> prepare_session(Database& database);
  Result<void> check_timeline(Database& database);

  const Settings settings_;
  mutable std::mutex mutex_;
  std::int64_t timeline_ = 0;  // the highest that was seen
};

// Brings tables from one format to the next. Nodes of two versions share a database while they are upgraded one after the
// other, so a migration adds tables, and columns that have a default; what an older program could not work with
// (`breaks_older`) comes a release after the last program that needs what it takes away.
struct Migration {
  const char* statements;
  bool breaks_older = false;
};

// Makes the schema where it is missing, and brings the tables of `store` to the newest format, one migration after the
// other, in one transaction. A newer format stays as it is. `unavailable`: since the newest that is known here, one broke
// older programs.
Result<void> migrate(Server& server, std::string_view store,
                     const std::vector<Migration>& migrations);

}  // namespace valetkey::postgres

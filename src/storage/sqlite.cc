// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite.h"

#include <fmt/format.h>

#include <cerrno>

namespace valetkey::storage {
namespace {

constexpr int kLockWaitMs = 10'000;

// What a failed system call beneath SQLite says.
ErrorCode code_of_errno(int error, ErrorCode otherwise) {
  if (error == ENOSPC || error == EDQUOT) return ErrorCode::full;
  if (error == EACCES || error == EPERM || error == EROFS) return ErrorCode::denied;
  return error == ENOENT ? ErrorCode::not_found : otherwise;
}

ErrorCode code_of(sqlite3* handle) {
  switch (sqlite3_extended_errcode(handle) & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::busy;
    case SQLITE_FULL:
      return ErrorCode::full;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::denied;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::corrupt;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return code_of_errno(sqlite3_system_errno(handle), ErrorCode::io);
    default:
      return ErrorCode::internal;
  }
}

std::string_view remedy(ErrorCode code) {
  switch (code) {
    case ErrorCode::busy:
      return ": another process holds it locked, try again";
    case ErrorCode::full:
      return ": no space left, make room and try again";
    case ErrorCode::denied:
      return ": the folder and its files must be writable by this user";
    case ErrorCode::corrupt:
      return ": restore a backup";
    default:
      return "";
  }
}

std::unexpected<Error> failure_of(sqlite3* handle, const std::string& name) {
  const ErrorCode code = code_of(handle);
  return fail(code, fmt::format("{}: {}{}", name, sqlite3_errmsg(handle), remedy(code)));
}

}  // namespace

Query::~Query() { restart(); }

void Query::restart() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bound_ = 0;
}

Query& Query::bind(std::int64_t value) {
  sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}
Query& Query::bind_text(std::string_view text) {
  sqlite3_bind_text64(statement_, ++bound_, text.data() != nullptr ? text.data() : "", text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}
Query& Query::bind_blob(std::string_view blob) {
  sqlite3_bind_blob64(statement_, ++bound_, blob.data() != nullptr ? blob.data() : "", blob.size(),
                      SQLITE_STATIC);
  return *this;
}
Query& Query::bind_null() {
  sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

Result<bool> Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->failure();
}

Result<void> Query::run() {
  VALETKEY_CHECK(step());
  return {};
}

std::string_view Query::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path, int flags) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<Database> database(new Database(handle, path.string()));
  if (code != SQLITE_OK) return database->failure();
  sqlite3_busy_timeout(handle, kLockWaitMs);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

std::unexpected<Error> Database::failure() const { return failure_of(handle_, name_); }

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
  return {};
}

Result<Query> Database::query(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
      return failure();
    found = statements_.emplace(sql, statement).first;
  }
  return Query(*this, found->second);
}

Result<std::int64_t> Database::read_integer(std::string_view sql) {
  VALETKEY_TRY(Query asked, query(sql));
  VALETKEY_TRY(const bool there, asked.step());
  if (!there) return fail(ErrorCode::corrupt, name_ + ": a row that must exist is missing");
  return asked.integer(0);
}

Result<Transaction> Transaction::begin(Database& database, Kind kind) {
  VALETKEY_TRY(Query begin, database.query(kind == Kind::read ? "BEGIN" : "BEGIN IMMEDIATE"));
  VALETKEY_CHECK(begin.run());
  return Transaction(database);
}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself already.
  if (database_ == nullptr || !database_->in_transaction()) return;
  if (auto rollback = database_->query("ROLLBACK")) (void)rollback->run();
}

Result<void> Transaction::commit() {
  VALETKEY_TRY(Query commit, database_->query("COMMIT"));
  VALETKEY_CHECK(commit.run());
  database_ = nullptr;
  return {};
}

}  // namespace valetkey::storage

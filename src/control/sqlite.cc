// SPDX-License-Identifier: Apache-2.0
#include "control/sqlite.h"

#include <cerrno>
#include <utility>

namespace valetkey::control {
namespace {

ErrorCode code_of(int sqlite_code, int system_code) {
  switch (sqlite_code & 0xff) {
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
      return system_code == ENOENT ? ErrorCode::not_found : ErrorCode::denied;
    case SQLITE_TOOBIG:
      return ErrorCode::too_large;
    case SQLITE_IOERR:
      return system_code == ENOSPC || system_code == EDQUOT ? ErrorCode::full : ErrorCode::io;
    default:
      return ErrorCode::internal;
  }
}

const char* remedy_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::busy:
      return "; another process is writing, try again";
    case ErrorCode::full:
      return "; free some space on its disk";
    case ErrorCode::denied:
      return "; check that its folder is writable by this user";
    case ErrorCode::corrupt:
      return "; restore it from a backup";
    default:
      return "";
  }
}

// `database` may be null. Statements of ours hold no secrets, so SQLite's message is safe to tell.
std::unexpected<Error> fail_sqlite(sqlite3* database, int sqlite_code) {
  const int system_code = database == nullptr ? 0 : sqlite3_system_errno(database);
  const ErrorCode code = code_of(sqlite_code, system_code);
  const char* file = database == nullptr ? nullptr : sqlite3_db_filename(database, "main");
  const std::string name = file == nullptr || *file == '\0' ? "the control store" : file;
  const char* message = database == nullptr ? nullptr : sqlite3_errmsg(database);
  return fail(code, name + ": " + (message == nullptr ? sqlite3_errstr(sqlite_code) : message) +
                        remedy_for(code));
}

bool harden(sqlite3* database) {
  const auto set = [&](int option, int value) {
    return sqlite3_db_config(database, option, value, nullptr) == SQLITE_OK;
  };
  return set(SQLITE_DBCONFIG_DEFENSIVE, 1) && set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0) &&
         set(SQLITE_DBCONFIG_DQS_DML, 0) && set(SQLITE_DBCONFIG_DQS_DDL, 0) &&
         set(SQLITE_DBCONFIG_ENABLE_FKEY, 1);
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), failed_(other.failed_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Statement::reset() { sqlite3_reset(statement_); }

void Statement::note(int code) {
  if (code != SQLITE_OK) failed_ = code;
}

Statement& Statement::bind(int index, std::string_view text) {
  // Static: the caller keeps the bytes. SQLite takes a null pointer as NULL, so an empty view needs
  // one.
  note(sqlite3_bind_text64(statement_, index, text.empty() ? "" : text.data(), text.size(),
                           SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int index, std::int64_t value) {
  note(sqlite3_bind_int64(statement_, index, value));
  return *this;
}

Statement& Statement::bind_optional(int index, std::optional<std::int64_t> value) {
  return value ? bind(index, *value) : bind_null(index);
}

Statement& Statement::bind_optional(int index, const std::optional<std::string>& text) {
  return text ? bind(index, std::string_view(*text)) : bind_null(index);
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  note(sqlite3_bind_blob64(statement_, index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                           SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int index) {
  note(sqlite3_bind_null(statement_, index));
  return *this;
}

Result<bool> Statement::step() {
  sqlite3* const database = sqlite3_db_handle(statement_);
  if (failed_ != SQLITE_OK) return fail_sqlite(database, failed_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail_sqlite(database, sqlite3_extended_errcode(database));
}

Result<void> Statement::run() {
  while (true) {
    VALETKEY_TRY(const bool row, step());
    if (!row) return {};
  }
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return std::string(text(column));
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file, int flags) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &database,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<Connection> connection(new Connection(database));
  if (code != SQLITE_OK) {
    auto failed = fail_sqlite(database, code);
    if (code_of(code, 0) == ErrorCode::denied)  // SQLite knows no file name yet
      failed.error().detail = "cannot open " + file.string() + ": " + failed.error().detail;
    return failed;
  }
  sqlite3_busy_timeout(database, kBusyTimeoutMs);
  if (!harden(database)) return fail(ErrorCode::internal, "SQLite lacks one of its own defences");
  VALETKEY_CHECK(connection->execute(
      "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY"));
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

Result<Statement> Connection::prepare(std::string_view sql) {
  const auto cached = statements_.find(sql);
  if (cached != statements_.end()) return Statement(cached->second);
  sqlite3_stmt* made = nullptr;
  const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  if (code != SQLITE_OK) return fail_sqlite(database_, code);
  statements_.emplace(sql, made);
  return Statement(made);
}

Result<void> Connection::execute(const std::string& script) {
  const int code = sqlite3_exec(database_, script.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail_sqlite(database_, sqlite3_extended_errcode(database_));
  return {};
}

Result<std::int64_t> Connection::read_integer(std::string_view sql) {
  VALETKEY_TRY(Statement statement, prepare(sql));
  VALETKEY_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

std::int64_t Connection::changed_rows() const { return sqlite3_changes64(database_); }

Result<Transaction> Transaction::begin(Connection& connection) {
  VALETKEY_TRY(Statement statement, connection.prepare("BEGIN IMMEDIATE"));
  VALETKEY_CHECK(statement.run());
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  // A failure here leaves nothing to undo: SQLite has rolled back by itself.
  if (connection_ != nullptr) static_cast<void>(connection_->execute("ROLLBACK"));
}

Result<void> Transaction::commit() {
  VALETKEY_TRY(Statement statement, connection_->prepare("COMMIT"));
  VALETKEY_CHECK(statement.run());
  connection_ = nullptr;
  return {};
}

}  // namespace valetkey::control

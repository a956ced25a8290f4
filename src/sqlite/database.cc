// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file.h"

namespace valetkey::sqlite {
namespace {

// What a failed system call beneath SQLite says.
ErrorCode code_of_errno(int error, ErrorCode otherwise) {
  if (error == ENOSPC || error == EDQUOT) return ErrorCode::full;
  if (error == EACCES || error == EPERM || error == EROFS) return ErrorCode::denied;
  return error == ENOENT ? ErrorCode::not_found : otherwise;
}

ErrorCode code_of(int sqlite_code, int system_code) {
  switch (sqlite_code & 0xFF) {
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
    case SQLITE_TOOBIG:
      return ErrorCode::too_large;
    case SQLITE_CANTOPEN:
      return code_of_errno(system_code, ErrorCode::denied);
    case SQLITE_IOERR:
      return code_of_errno(system_code, ErrorCode::io);
    default:
      return ErrorCode::internal;
  }
}

std::string_view remedy(ErrorCode code) {
  switch (code) {
    case ErrorCode::busy:
      return "; another process is writing to it, try again";
    case ErrorCode::full:
      return "; free some space on its disk";
    case ErrorCode::denied:
      return "; check that this user may write the file and its folder";
    case ErrorCode::corrupt:
      return "; restore a backup";
    default:
      return "";
  }
}

// SQLite would make it readable by others; its log gets the mode that the file has. Never opened
// when it exists: closing a descriptor would drop the locks that SQLite holds on the file in this
// process.
Result<void> create_private(const std::filesystem::path& file) {
  const auto made = open_file(file, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!made && made.error().code != ErrorCode::already_exists) return std::unexpected(made.error());
  return {};
}

// A null pointer would be bound as NULL.
const char* not_null(std::string_view bytes) { return bytes.data() == nullptr ? "" : bytes.data(); }

Result<void> note_damage(Statement& look, const std::string& what,
                         std::vector<std::string>& problems) {
  const auto looked = look.step();
  if (!looked && looked.error().code != ErrorCode::corrupt) return std::unexpected(looked.error());
  if (looked && *looked && look.text(0) == "ok") return {};
  const std::string why = !looked   ? looked.error().detail
                          : *looked ? std::string(look.text(0))
                                    : "it cannot be checked";
  problems.push_back(what + " is damaged (" + why.substr(0, why.find('\n')) + ")");
  return {};
}

// "malformed database schema (tokens) - near …" goes on with what is damaged, whatever bytes these are.
std::string without_damaged_text(std::string message) {
  message.resize(std::min(message.find(" - "), message.size()));
  for (char& c : message)
    if (c < ' ' || c > '~') c = '?';
  return message;
}

}  // namespace

class SqliteCursor final : public sql::Cursor {
 public:
  SqliteCursor(const Database& database, sqlite3_stmt* statement)
      : database_(&database), statement_(statement) {}
  SqliteCursor(const SqliteCursor&) = delete;
  SqliteCursor& operator=(const SqliteCursor&) = delete;
  ~SqliteCursor() override { sqlite3_finalize(statement_); }

  void restart() override {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    failed_ = SQLITE_OK;
  }
  void bind_integer(int index, std::int64_t value) override {
    note(sqlite3_bind_int64(statement_, index, value));
  }
  void bind_text(int index, std::string_view text) override {
    note(sqlite3_bind_text64(statement_, index, not_null(text), text.size(), SQLITE_STATIC,
                             SQLITE_UTF8));
  }
  void bind_blob(int index, std::string_view bytes) override {
    note(sqlite3_bind_blob64(statement_, index, not_null(bytes), bytes.size(), SQLITE_STATIC));
  }
  void bind_null(int index) override { note(sqlite3_bind_null(statement_, index)); }

  Result<bool> step() override {
    if (failed_ != SQLITE_OK) return database_->failure(failed_);
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return database_->failure();
  }

  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_, column);
  }
  std::string_view text(int column) const override {
    const void* bytes = sqlite3_column_blob(statement_, column);
    if (bytes == nullptr) return {};
    return {static_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  bool is_null(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }

 private:
  void note(int code) {
    if (code != SQLITE_OK) failed_ = code;
  }

  const Database* database_;
  sqlite3_stmt* statement_;
  int failed_ = SQLITE_OK;
};

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file, Mode mode,
                                                 std::chrono::milliseconds lock_wait) {
  // Said here, because SQLite would only say that it cannot open its file.
  const auto folder = file.parent_path();
  if (mode != Mode::read_only && access(folder.c_str(), W_OK) != 0)
    return fail_errno("cannot write in " + folder.string());
  if (mode == Mode::create) VALETKEY_CHECK(create_private(file));
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &handle,
                      (mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                          SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                      nullptr);
  std::unique_ptr<Database> database(new Database(handle, file.string()));
  if (code != SQLITE_OK) return database->failure(code);
  sqlite3_busy_timeout(handle, static_cast<int>(lock_wait.count()));
  VALETKEY_CHECK(database->harden());
  // The limit keeps a log that grew under load from staying large for ever.
  VALETKEY_CHECK(database->execute(
      "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
      "PRAGMA journal_size_limit = 67108864"));
  return database;
}

Result<void> Database::harden() {
  for (const auto& [option, value] : {std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                      {SQLITE_DBCONFIG_DQS_DML, 0},
                                      {SQLITE_DBCONFIG_DQS_DDL, 0},
                                      {SQLITE_DBCONFIG_ENABLE_FKEY, 1}})
    if (sqlite3_db_config(handle_, option, value, nullptr) != SQLITE_OK)
      return fail(ErrorCode::internal, "SQLite lacks one of its own defences");
  return {};
}

Database::Database(sqlite3* handle, std::string name) : handle_(handle), name_(std::move(name)) {}

Database::~Database() {
  statements_.clear();
  sqlite3_close_v2(handle_);
}

// Statements of ours hold no secrets, so SQLite's message may be shown.
std::unexpected<Error> Database::failure(int code) const {
  const int system_code = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
  const ErrorCode kind = code_of(code, system_code);
  std::string message = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  if (kind == ErrorCode::corrupt) message = without_damaged_text(std::move(message));
  const bool of_system = (code & 0xFF) == SQLITE_CANTOPEN || (code & 0xFF) == SQLITE_IOERR;
  if (of_system && system_code != 0)
    message += fmt::format(" ({})", std::generic_category().message(system_code));
  return fail(kind, fmt::format("{}: {}{}", name_, message, remedy(kind)));
}

std::unexpected<Error> Database::failure() const {
  return failure(sqlite3_extended_errcode(handle_));
}

Result<Statement> Database::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK)
      return failure();
    found = statements_.emplace(sql, std::make_unique<SqliteCursor>(*this, made)).first;
  }
  return Statement(*found->second);
}

Result<void> Database::execute(const std::string& script) {
  if (sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return failure();
  return {};
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Result<void> Database::use_write_ahead_log() {
  // Two processes that set it at once collide without SQLite's time-out.
  const auto give_up = std::chrono::steady_clock::now() + kLockWait;
  while (true) {
    auto set = execute("PRAGMA journal_mode = WAL");
    const bool busy = !set && set.error().code == ErrorCode::busy;
    if (!busy || std::chrono::steady_clock::now() >= give_up) return set;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Result<void> Database::copy_to(const std::filesystem::path& to) {
  // VACUUM INTO takes an empty file; O_EXCL makes sure that it is ours, the mode that it is private.
  VALETKEY_TRY(const FileDescriptor made, open_file(to, O_RDWR | O_CREAT | O_EXCL, 0600));
  const std::string target = to.string();
  VALETKEY_TRY(Statement copy, prepare("VACUUM INTO ?"));
  auto copied = copy.bind(target).run();
  if (copied) copied = sync_file(made.get(), target);
  if (!copied) {
    std::filesystem::remove(to);
    return copied;
  }
  return sync_folder(to.parent_path());
}

// Table by table, so that each damaged one is named; then what belongs to none.
Result<std::vector<std::string>> Database::check_structure() {
  std::vector<std::string> problems;
  VALETKEY_TRY(Statement tables, prepare("SELECT name FROM sqlite_schema WHERE type = 'table'"));
  while (true) {
    VALETKEY_TRY(const bool more, tables.step());
    if (!more) break;
    const std::string table(tables.text(0));
    VALETKEY_TRY(Statement look, prepare("SELECT * FROM pragma_integrity_check(?)"));
    VALETKEY_CHECK(note_damage(look.bind(table), "table " + table, problems));
  }
  VALETKEY_TRY(Statement whole, prepare("PRAGMA integrity_check(1)"));
  if (problems.empty()) VALETKEY_CHECK(note_damage(whole, "the file", problems));
  return problems;
}

Result<void> Database::begin(sql::TransactionKind kind) {
  VALETKEY_TRY(Statement begin,
               prepare(kind == sql::TransactionKind::read ? "BEGIN" : "BEGIN IMMEDIATE"));
  return begin.run();
}

Result<void> Database::commit() {
  VALETKEY_TRY(Statement commit, prepare("COMMIT"));
  return commit.run();
}

void Database::roll_back() {
  if (auto rollback = prepare("ROLLBACK")) static_cast<void>(rollback->run());
}

}  // namespace valetkey::sqlite

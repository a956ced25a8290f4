// SPDX-License-Identifier: Apache-2.0
#include "control/sqlite_store.h"

#include "control/internal/sql_schema.h"
#include "control/internal/sql_store.h"
#include "sqlite/database.h"

namespace valetkey::control {

using sqlite::Database;

Result<std::unique_ptr<ControlStore>> open_sqlite_store(const std::filesystem::path& file,
                                                        milliseconds lock_wait) {
  VALETKEY_TRY(std::unique_ptr<Database> database, Database::open(file, Database::Mode::create));
  VALETKEY_CHECK(read_format(*database, file));  // before anything of it is changed
  VALETKEY_CHECK(database->use_write_ahead_log());
  VALETKEY_CHECK(migrate(*database, file));
  const auto wait = lock_wait > milliseconds(0) ? lock_wait : sqlite::kLockWait;
  return make_sql_store(
      {.connect = [file, wait] { return Database::open(file, Database::Mode::read_write, wait); },
       .lock_wait = wait});
}

Result<void> backup_sqlite_store(const std::filesystem::path& file,
                                 const std::filesystem::path& destination) {
  VALETKEY_TRY(std::unique_ptr<Database> database,
               Database::open(file, Database::Mode::read_write));
  VALETKEY_CHECK(read_format(*database, file));
  return database->copy_to(destination);
}

Result<std::vector<std::string>> check_sqlite_store(const std::filesystem::path& file) {
  VALETKEY_TRY(const auto database, Database::open(file, Database::Mode::read_write));
  VALETKEY_TRY(std::vector<std::string> problems, database->check_structure());
  VALETKEY_TRY(auto keys, database->prepare("PRAGMA foreign_key_check"));
  while (problems.empty()) {
    VALETKEY_TRY(const bool dangling, keys.step());
    if (!dangling) break;
    problems.push_back("a row of table " + std::string(keys.text(0)) + " refers to a row of " +
                       std::string(keys.text(2)) + " that does not exist");
  }
  return problems;
}

}  // namespace valetkey::control

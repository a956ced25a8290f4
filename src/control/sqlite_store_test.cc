// SPDX-License-Identifier: Apache-2.0
#include "control/sqlite_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/testing/temporary_folder.h"
#include "control/internal/sql_store.h"
#include "control/testing/sqlite_file.h"
#include "control/tokens.h"
#include "sqlite/database.h"

namespace valetkey::control {
namespace {

namespace fs = std::filesystem;

class SqliteStore : public SqliteFile {};

TEST_F(SqliteStore, KeepsItsFilesPrivate) {
  const auto store = open();
  ASSERT_TRUE(store->create_account(account_id("1"), "", now_));
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.status().permissions(), fs::perms(0600)) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 3);  // the database, its log and the log's index
}

// What only a database whose place another one may take does, without needing one.
TEST_F(SqliteStore, OfAnotherHistoryReadsAllRevocationsAgain) {
  open();
  std::int64_t timeline = 1;
  const auto store = make_sql_store(
      {.connect = [this]() -> Result<std::unique_ptr<sql::Database>> { return connect(); },
       .timeline = [&timeline] { return timeline; }});
  ASSERT_TRUE(store->create_account(account_id("1"), "", now_));
  ASSERT_TRUE(store->revoke_sessions(account_id("1"), now_));
  const auto seen = store->change_counter().value();
  EXPECT_TRUE(store->revocations(now_ - std::chrono::hours(1), seen)->empty());
  timeline = 2;
  const auto promoted = store->change_counter().value();
  EXPECT_NE(promoted, seen) << "so that who follows looks again";
  EXPECT_EQ(store->revocations(now_ - std::chrono::hours(1), seen)->size(), 1U);
  EXPECT_TRUE(store->revocations(now_ - std::chrono::hours(1), promoted)->empty());
}

TEST_F(SqliteStore, ChecksStructureAndReferences) {
  ASSERT_TRUE(open()->create_account(account_id("1"), "Acme", now_));
  EXPECT_TRUE(check_sqlite_store(file_)->empty());
  ASSERT_TRUE(connect()->execute(
      "PRAGMA foreign_keys = OFF; INSERT INTO policies VALUES ('7', NULL, NULL, '', 0, 0, 0,"
      " NULL, NULL)"));
  const auto dangling = check_sqlite_store(file_);
  ASSERT_EQ(dangling->size(), 1U);
  EXPECT_NE(dangling->front().find("table policies"), std::string::npos) << dangling->front();
  ASSERT_TRUE(connect()->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  const std::string sound = read_file(file_, 10'000'000).value();
  for (const char* table : {"accounts", "users", "tokens", "revocations", "account_usage"}) {
    const auto page = connect()->read_integer(
        std::string("SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = '") +
        table + "'");
    std::string bytes = sound;
    bytes[static_cast<std::size_t>(*page - 1) * 4096] ^= 4;  // what kind of page it is
    ASSERT_TRUE(replace_file(file_, bytes));
    const auto found = check_sqlite_store(file_);
    ASSERT_EQ(found->size(), 1U) << table;
    EXPECT_NE(found->front().find(std::string("table ") + table), std::string::npos)
        << found->front();
    ASSERT_TRUE(replace_file(file_, sound));
  }
}

TEST_F(SqliteStore, FindsEverythingAgainAfterAReopening) {
  {
    ASSERT_TRUE(open()->create_account(account_id("1"), "Acme", now_));
  }
  EXPECT_EQ(open()->account(account_id("1"))->name, "Acme");
}

TEST_F(SqliteStore, ForgetsRevocationsThatNoSessionCanBeOf) {
  const auto store = open();
  ASSERT_TRUE(store->create_account(account_id("1"), "", now_));
  ASSERT_TRUE(store->create_account(account_id("2"), "", now_));
  ASSERT_TRUE(store->set_account_state(account_id("1"), AccountState::suspended, now_));
  const Timestamp later = now_ + std::chrono::days(8);
  ASSERT_TRUE(store->set_account_state(account_id("2"), AccountState::suspended, later));
  EXPECT_EQ(connect()->read_integer("SELECT count(*) FROM revocations").value(), 1);
}

TEST_F(SqliteStore, SaysWhereItCannotWrite) {
  const auto missing = open_sqlite_store(folder_.path() / "nowhere" / "control.db");
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().detail, testing::HasSubstr("nowhere"));
}

TEST_F(SqliteStore, MapsAReadOnlyDatabaseToDenied) {
  open();
  const auto database = sqlite::Database::open(file_, sqlite::Database::Mode::read_only).value();
  const auto written = database->execute("UPDATE changes SET counter = 0");
  EXPECT_EQ(written.error().code, ErrorCode::denied);
  EXPECT_THAT(written.error().detail, testing::HasSubstr(file_.string()));
}

TEST_F(SqliteStore, MapsAFullDiskToFullAndLosesNothing) {
  const auto store = open();
  ASSERT_TRUE(store->create_account(account_id("1"), "kept", now_));
  const auto database = connect();
  ASSERT_TRUE(database->read_integer("PRAGMA max_page_count=1"));  // SQLite's own "disk full"
  ASSERT_TRUE(database->execute("BEGIN"));
  Result<void> filled;
  for (int i = 0; filled && i < 10'000; ++i)
    filled = database->execute("INSERT INTO accounts (id, name, state, created_ms) VALUES ('" +
                               std::to_string(1000 + i) + "', '" + std::string(500, 'x') +
                               "', 'active', 0)");
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().code, ErrorCode::full);
  EXPECT_THAT(filled.error().detail, testing::HasSubstr("free some space"));
  static_cast<void>(database->execute("ROLLBACK"));
  EXPECT_EQ(store->accounts()->size(), 1U);
}

// The same from the operating system, with a limit on file sizes in a child process.
TEST_F(SqliteStore, SurvivesAWriteThatTheSystemRefuses) {
  open();
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{65536, 65536};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);
    const auto store = open_sqlite_store(file_);
    if (!store) _exit(9);
    for (int i = 1; i < 1000; ++i) {
      const auto made = (*store)->create_account(account_id(std::to_string(i)), "x", now_);
      if (!made)
        _exit(made.error().code == ErrorCode::full || made.error().code == ErrorCode::io ? 0 : 2);
    }
    _exit(3);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const auto store = open();
  const std::size_t kept = store->accounts()->size();
  EXPECT_GT(kept, 0U);
  EXPECT_TRUE(store->create_account(account_id("5000"), "", now_));
  EXPECT_EQ(connect()
                ->read_integer("SELECT count(*) FROM pragma_integrity_check"
                               " WHERE integrity_check <> 'ok'")
                .value(),
            0);
}

TEST_F(SqliteStore, EnforcesItsReferences) {
  open();
  const auto database = connect();
  EXPECT_FALSE(
      database->execute("INSERT INTO users VALUES ('usr_0', 'a@b', '404', 'member', 'active', 0)"));
  EXPECT_FALSE(database->execute(
      "INSERT INTO accounts (id, name, state, created_ms) VALUES ('1', '', 'unheard-of', 0)"));
  EXPECT_FALSE(database->execute("PRAGMA writable_schema=ON; DELETE FROM sqlite_schema"));
}

TEST_F(SqliteStore, TellsABadStoredValueFromAGoodOne) {
  const auto store = open();
  ASSERT_TRUE(connect()->execute(
      "INSERT INTO accounts (id, name, state, created_ms) VALUES ('not digits', '', 'active', 0)"));
  EXPECT_EQ(store->accounts().error().code, ErrorCode::corrupt);
}

TEST_F(SqliteStore, SeesChangesOfAnotherProcess) {
  const auto here = open();
  const auto there = open();
  const std::uint64_t before = here->change_counter().value();
  ASSERT_TRUE(there->create_account(account_id("1"), "", now_));
  EXPECT_GT(here->change_counter().value(), before);
  EXPECT_TRUE(here->account(account_id("1")));
}

TEST_F(SqliteStore, WaitsForAnotherWriterAndReadsMeanwhile) {
  const auto store = open();
  auto database = connect();
  ASSERT_TRUE(database->execute("BEGIN IMMEDIATE"));
  std::thread releaser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(database->execute("COMMIT"));
  });
  EXPECT_TRUE(store->accounts());
  EXPECT_TRUE(store->create_account(account_id("1"), "", now_));
  releaser.join();
}

TEST_F(SqliteStore, GivesUpOnAWriterThatDoesNotEnd) {
  const auto store = open_sqlite_store(file_, milliseconds(50)).value();
  const auto database = connect();
  ASSERT_TRUE(database->execute("BEGIN IMMEDIATE"));
  const auto refused = store->create_account(account_id("1"), "", now_);
  EXPECT_EQ(refused.error().code, ErrorCode::busy);
  ASSERT_TRUE(database->execute("ROLLBACK"));
  EXPECT_TRUE(store->create_account(account_id("1"), "", now_));
}

// A child commits as fast as it can and is killed; whatever it announced must be there, whole.
TEST_F(SqliteStore, KeepsWhatItAnnouncedWhenKilled) {
  open();
  for (int round = 0; round < 5; ++round) {
    int announced[2];
    ASSERT_EQ(pipe(announced), 0);
    const pid_t child = fork();
    if (child == 0) {
      const auto store = open_sqlite_store(file_).value();
      for (int i = round * 100'000 + 1;; ++i) {
        if (!store->create_account(account_id(std::to_string(i)), "x", now_)) _exit(1);
        if (write(announced[1], &i, sizeof i) != sizeof i) _exit(2);
      }
    }
    close(announced[1]);
    int last = 0;
    for (int seen = 0; seen < 5 + round * 3; ++seen)
      ASSERT_EQ(read(announced[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    kill(child, SIGKILL);
    while (read(announced[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
    }
    close(announced[0]);
    waitpid(child, nullptr, 0);
    const auto store = open();
    for (int i = round * 100'000 + 1; i <= last; ++i)
      EXPECT_TRUE(store->account(account_id(std::to_string(i)))) << i;
    EXPECT_EQ(store->change_counter().value(), 1 + store->accounts()->size());
  }
}

TEST_F(SqliteStore, RollsBackATransactionWhoseProcessWasKilled) {
  open();
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto database = connect();
    if (!database->execute("BEGIN IMMEDIATE; INSERT INTO accounts (id, name, state, created_ms) "
                           "VALUES ('1','','active',0)"))
      _exit(1);
    if (write(ready[1], "x", 1) != 1) _exit(2);
    pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  const auto store = open();
  EXPECT_TRUE(store->accounts()->empty());
  EXPECT_TRUE(store->create_account(account_id("1"), "", now_));
}

TEST_F(SqliteStore, CanBeCreatedByManyProcessesAtOnce) {
  std::vector<pid_t> children;
  children.reserve(4);
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const auto store = open_sqlite_store(file_);
      _exit(store && (*store)->create_account(account_id(std::to_string(i + 1)), "", now_) ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(open()->accounts()->size(), 4U);
}

TEST_F(SqliteStore, IsBackedUpWhileInUse) {
  const auto store = open();
  ASSERT_TRUE(store->create_account(account_id("1"), "Acme", now_));
  const fs::path copy = folder_.path() / "copy.db";
  ASSERT_TRUE(backup_sqlite_store(file_, copy));
  EXPECT_EQ(fs::status(copy).permissions(), fs::perms(0600));
  ASSERT_TRUE(store->create_account(account_id("2"), "Later", now_));
  EXPECT_EQ(open_sqlite_store(copy).value()->accounts()->size(), 1U);
  EXPECT_EQ(backup_sqlite_store(file_, copy).error().code, ErrorCode::already_exists);
}

TEST_F(SqliteStore, MakesNoBackupOfAMissingFile) {
  const fs::path copy = folder_.path() / "copy.db";
  EXPECT_EQ(backup_sqlite_store(file_, copy).error().code, ErrorCode::not_found);
  EXPECT_FALSE(fs::exists(copy));
}

}  // namespace
}  // namespace valetkey::control

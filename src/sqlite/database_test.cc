// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/testing/temporary_folder.h"
#include "sqlite/pool.h"

namespace valetkey::sqlite {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DatabaseTest : public testing::Test {
 protected:
  std::unique_ptr<Database> open(Database::Mode mode = Database::Mode::create) const {
    auto database = Database::open(file_, mode);
    EXPECT_TRUE(database) << database.error().detail;
    return std::move(*database);
  }
  std::unique_ptr<Database> open_with_table() const {
    auto database = open();
    EXPECT_TRUE(database->execute("CREATE TABLE t (i INTEGER, t TEXT, b BLOB)"));
    return database;
  }
  TemporaryFolder temporary_;
  fs::path folder_ = temporary_.path();
  fs::path file_ = folder_ / "some.db";
};

TEST_F(DatabaseTest, BindsAllKindsOfValuesInOrder) {
  const auto database = open_with_table();
  const std::string bytes("\0\xff", 2);
  {
    auto insert = database->prepare("INSERT INTO t VALUES (?, ?, ?)");
    ASSERT_TRUE(insert->bind(7, "seven", Blob{bytes}).run());
    ASSERT_TRUE(insert->bind(std::optional<std::int64_t>(), std::string(), Blob{}).run());
    ASSERT_TRUE(insert->bind(std::nullopt, std::optional<std::string>("x"), std::nullopt).run());
  }
  auto rows = database->prepare("SELECT i, t, b, typeof(t), typeof(b) FROM t ORDER BY rowid");
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->integer(0), 7);
  EXPECT_EQ(rows->text(1), "seven");
  EXPECT_EQ(rows->text(2), bytes);
  EXPECT_EQ(rows->text(4), "blob");
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->optional_integer(0), std::nullopt);
  EXPECT_EQ(rows->text(3), "text");  // an empty text is not NULL
  EXPECT_EQ(rows->text(4), "blob");
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->optional_text(1), "x");
  EXPECT_TRUE(rows->is_null(2));
  EXPECT_FALSE(*rows->step());
}

TEST_F(DatabaseTest, ForgetsTheValuesOfTheLastUse) {
  const auto database = open();
  {
    auto first = database->prepare("SELECT ?");
    ASSERT_TRUE(*first->bind("a secret").step());
  }
  auto second = database->prepare("SELECT ?");
  ASSERT_TRUE(*second->step());
  EXPECT_TRUE(second->is_null(0));
}

TEST_F(DatabaseTest, ReportsAParameterThatDoesNotExist) {
  const auto database = open();
  auto statement = database->prepare("SELECT ?");
  EXPECT_FALSE(statement->bind(1, 2).step());
  EXPECT_TRUE(statement->bind(1).step());
}

TEST_F(DatabaseTest, TurnsOnTheDefencesOfSqlite) {
  const auto database = open_with_table();
  EXPECT_FALSE(database->execute("SELECT \"no such column\""));
  EXPECT_FALSE(database->execute("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"));
  EXPECT_EQ(database->read_integer("PRAGMA foreign_keys").value(), 1);
  EXPECT_EQ(database->read_integer("PRAGMA trusted_schema").value(), 0);
  EXPECT_EQ(database->read_integer("PRAGMA synchronous").value(), 2);  // FULL
}

TEST_F(DatabaseTest, MakesAPrivateFileAndOpensNoneThatIsMissing) {
  const auto missing = Database::open(file_, Database::Mode::read_write);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().detail, HasSubstr(file_.string()));
  const auto database = open_with_table();
  ASSERT_TRUE(database->use_write_ahead_log());
  ASSERT_TRUE(database->execute("INSERT INTO t (i) VALUES (1)"));
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_EQ(entry.status().permissions(), fs::perms(0600)) << entry.path();
}

TEST_F(DatabaseTest, NamesTheFileAndTheRemedy) {
  ASSERT_TRUE(replace_file(file_, std::string(5000, 'x')));
  const auto damaged = Database::open(file_, Database::Mode::read_write);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::corrupt);
  EXPECT_THAT(damaged.error().detail, HasSubstr(file_.string() + ": "));
  EXPECT_THAT(damaged.error().detail, HasSubstr("; restore a backup"));
}

// SQLite quotes what it could not parse, which may be anything.
TEST_F(DatabaseTest, QuotesNothingOfADamagedFile) {
  ASSERT_TRUE(open_with_table());  // and close it
  auto bytes = read_file(file_, 1 << 20).value();
  const std::string_view word = "CREATE TABLE";
  const auto at = bytes.find(word);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, word.size(), "CREATE \x1b[2J\n");
  ASSERT_TRUE(replace_file(file_, bytes));
  const auto damaged = Database::open(file_, Database::Mode::read_write);
  const auto read = damaged ? (*damaged)->read_integer("SELECT count(*) FROM t")
                            : std::unexpected(damaged.error());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().detail,
            file_.string() + ": malformed database schema (t); restore a backup");
}

TEST_F(DatabaseTest, RollsBackWhatIsNotCommitted) {
  const auto database = open_with_table();
  {
    const auto abandoned = Transaction::begin(*database);
    ASSERT_TRUE(database->execute("INSERT INTO t (i) VALUES (1)"));
  }
  EXPECT_EQ(database->read_integer("SELECT count(*) FROM t").value(), 0);
  auto kept = Transaction::begin(*database);
  ASSERT_TRUE(database->execute("INSERT INTO t (i) VALUES (1)"));
  ASSERT_TRUE(kept->commit());
  EXPECT_EQ(database->read_integer("SELECT count(*) FROM t").value(), 1);
}

TEST_F(DatabaseTest, CopiesAndChecksItself) {
  const auto database = open_with_table();
  ASSERT_TRUE(database->copy_to(folder_ / "copy.db"));
  EXPECT_EQ(database->copy_to(folder_ / "copy.db").error().code, ErrorCode::already_exists);
  const auto copy = Database::open(folder_ / "copy.db", Database::Mode::read_only);
  EXPECT_TRUE((*copy)->check_structure()->empty());
  EXPECT_EQ((*copy)->execute("DELETE FROM t").error().code, ErrorCode::denied);
}

TEST_F(DatabaseTest, ThePoolLendsAConnectionAgainUnlessItIsStuckInATransaction) {
  open_with_table();
  Pool pool(file_);
  const Database* first = nullptr;
  {
    const auto lease = pool.take();
    first = &**lease;
    const auto other = pool.take();
    EXPECT_NE(&**other, first);
  }
  {
    const auto lease = pool.take();
    ASSERT_TRUE((*lease)->execute("BEGIN IMMEDIATE"));
  }
  const auto lease = pool.take();
  EXPECT_TRUE((*lease)->execute("BEGIN IMMEDIATE; COMMIT"));
}

}  // namespace
}  // namespace valetkey::sqlite

// SPDX-License-Identifier: Apache-2.0
#include "postgres/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "base/testing/temporary_folder.h"
#include "postgres/testing/test_server.h"
#include "sql/pool.h"

namespace valetkey::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kTable = "CREATE TABLE t (i BIGINT, t TEXT, b BYTEA)";

class PostgresTest : public testing::Test {
 protected:
  void SetUp() override {
    VALETKEY_NEEDS_POSTGRES();
    ASSERT_TRUE(migrate(server_, "test", {Migration{kTable}}));
    database_ = connect();
  }
  std::unique_ptr<Database> connect() {
    auto made = server_.connect();
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }
  std::int64_t count(Database& database) {
    return database.read_integer("SELECT count(*) FROM t").value();
  }
  TestSchema schema_;
  Server server_{schema_.settings()};
  std::unique_ptr<Database> database_;
};

TEST_F(PostgresTest, BindsAllKindsOfValuesInOrder) {
  const std::string bytes("\0\xff?", 3);
  {
    auto insert = database_->prepare("INSERT INTO t VALUES (?, ?, ?)");
    ASSERT_TRUE(insert->bind(7, "it's $1", sql::Blob{bytes}).run());
    EXPECT_EQ(database_->changes(), 1);
    ASSERT_TRUE(insert->bind(std::optional<std::int64_t>(), std::string(), sql::Blob{}).run());
    ASSERT_TRUE(insert->bind(std::nullopt, std::optional<std::string>("x"), std::nullopt).run());
  }
  auto rows = database_->prepare(
      "SELECT i, t, b, i = 7 FROM t WHERE t <> '?' AND t <> ?1 ORDER BY i, t, ?1");
  rows->bind("none");
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->integer(0), 7);
  EXPECT_EQ(rows->text(1), "it's $1");
  EXPECT_EQ(rows->text(2), bytes);
  EXPECT_EQ(rows->integer(3), 1) << "what is true";
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->optional_integer(0), std::nullopt);
  EXPECT_EQ(rows->optional_text(1), "");
  EXPECT_EQ(rows->optional_text(2), "");
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->optional_text(1), "x");
  EXPECT_TRUE(rows->is_null(2));
  EXPECT_FALSE(*rows->step());
}

TEST_F(PostgresTest, KeepsWhatIsNoTextAsReplacementCharacters) {
  auto insert = database_->prepare("INSERT INTO t (t) VALUES (?)");
  ASSERT_TRUE(insert->bind(std::string("a\0b\xff\xC3\xA4", 6)).run());
  auto rows = database_->prepare("SELECT t FROM t");
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->text(0),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\xC3\xA4");
}

TEST_F(PostgresTest, SendsManyTogetherAndReportsAFailureAtTheCommit) {
  {
    auto transaction = sql::Transaction::begin(*database_);
    auto insert = database_->prepare("INSERT INTO t (i) VALUES (?)");
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(insert->bind(i).run_later());
    ASSERT_TRUE(transaction->commit());
  }
  EXPECT_EQ(count(*connect()), 1000);
  {
    auto transaction = sql::Transaction::begin(*database_);
    auto insert = database_->prepare("INSERT INTO t (i) VALUES (?)");
    ASSERT_TRUE(insert->bind(1).run_later());
    auto wrong = database_->prepare("INSERT INTO t (i) VALUES (1 / ?)");
    ASSERT_TRUE(wrong->bind(0).run_later());
    ASSERT_TRUE(insert->bind(2).run_later());
    const auto committed = transaction->commit();
    ASSERT_FALSE(committed);
    EXPECT_THAT(committed.error().detail, HasSubstr("division by zero"));
  }
  EXPECT_FALSE(database_->in_transaction());
  EXPECT_EQ(count(*database_), 1000);
}

TEST_F(PostgresTest, RollsBackWhatIsNotCommitted) {
  {
    auto transaction = sql::Transaction::begin(*database_);
    ASSERT_TRUE(database_->execute("INSERT INTO t (i) VALUES (1)"));
    EXPECT_TRUE(database_->in_transaction());
    EXPECT_FALSE(database_->execute("no statement at all"));
  }
  EXPECT_EQ(count(*database_), 0);
}

// Each of them locks a row and wants the other's: the server ends one, which is repeated.
TEST_F(PostgresTest, RepeatsWhatADeadlockEnded) {
  ASSERT_TRUE(database_->execute("INSERT INTO t (i, t) VALUES (0, '1'), (0, '2')"));
  std::atomic<int> met{0};
  std::atomic<int> attempts{0};
  const auto add_to_both = [&](Database& database, std::string first, std::string second) {
    return sql::write(database, [&]() -> Result<void> {
      ++attempts;
      VALETKEY_TRY(auto add, database.prepare("UPDATE t SET i = i + 1 WHERE t = ?"));
      VALETKEY_CHECK(add.bind(first).run());
      for (++met; met < 2;) std::this_thread::yield();
      return add.bind(second).run();
    });
  };
  const auto other = connect();
  std::thread thread([&] { EXPECT_TRUE(add_to_both(*other, "1", "2")); });
  EXPECT_TRUE(add_to_both(*database_, "2", "1"));
  thread.join();
  EXPECT_GT(attempts, 2);
  EXPECT_EQ(database_->read_integer("SELECT min(i) + max(i) FROM t").value(), 4);
}

TEST_F(PostgresTest, EndsAStatementThatTakesTooLong) {
  schema_.settings().statement_timeout = std::chrono::milliseconds(50);
  const auto hasty = Server(schema_.settings()).connect().value();
  const auto slow = hasty->read_integer("SELECT 1 FROM pg_sleep(5)");
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code, ErrorCode::busy);
  EXPECT_THAT(slow.error().detail, HasSubstr("longer than a statement may"));
  EXPECT_EQ(hasty->read_integer("SELECT 1").value(), 1) << "the connection goes on";
}

TEST_F(PostgresTest, ConnectsAnewWhereTheServerEndedAConnection) {
  sql::Pool<Database> pool([&] { return server_.connect(); });
  const auto pid = pool.take().value()->read_integer("SELECT pg_backend_pid()").value();
  ASSERT_TRUE(database_->read_integer("SELECT count(*) FROM (SELECT pg_terminate_backend(" +
                                      std::to_string(pid) + ")) AS x"));
  {
    const auto stale = pool.take().value();
    const auto failed = stale->read_integer("SELECT 1");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::unavailable);
    EXPECT_TRUE(stale->may_repeat()) << "nothing was under way";
    EXPECT_FALSE(stale->usable());
  }
  EXPECT_EQ(pool.take().value()->read_integer("SELECT 1").value(), 1);
}

TEST_F(PostgresTest, GivesUpWhereAllConnectionsStayInUse) {
  sql::Pool<Database> pool([&] { return server_.connect(); }, 1, std::chrono::milliseconds(20));
  {
    const auto held = pool.take();
    EXPECT_EQ(pool.take().error().code, ErrorCode::busy);
  }
  EXPECT_TRUE(pool.take());
}

TEST_F(PostgresTest, MigratesOnceAndLeavesANewerFormatAlone) {
  std::vector<std::thread> nodes;
  for (int i = 0; i < 4; ++i)
    nodes.emplace_back([&] {
      Server node(schema_.settings());
      EXPECT_TRUE(migrate(node, "test",
                          {Migration{kTable}, Migration{"ALTER TABLE t ADD COLUMN more TEXT"}}));
    });
  for (auto& node : nodes) node.join();
  EXPECT_TRUE(connect()->execute("INSERT INTO t (more) VALUES ('x')"));
  EXPECT_TRUE(migrate(server_, "test", {Migration{kTable}})) << "an older node that starts again";
  EXPECT_TRUE(connect()->execute("INSERT INTO t (more) VALUES ('y')"));
}

TEST_F(PostgresTest, KeepsProgramsOutThatCannotWorkWithTheFormat) {
  const std::vector<Migration> next = {
      {kTable}, {"ALTER TABLE t ADD COLUMN more TEXT"}, {"ALTER TABLE t DROP COLUMN more", true}};
  ASSERT_TRUE(migrate(server_, "test", next));
  EXPECT_TRUE(migrate(server_, "test", next));
  const auto older = migrate(server_, "test", {next[0], next[1]});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, ErrorCode::unavailable);
  EXPECT_THAT(older.error().detail, HasSubstr("has format 3"));
  EXPECT_THAT(older.error().detail, HasSubstr("upgrade valetkeyd"));
}

TEST_F(PostgresTest, ReadsThePasswordFromAFileThatOthersCannotRead) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "password";
  auto settings = schema_.settings();
  settings.password_file = file;
  EXPECT_FALSE(Server(settings).connect()) << "there is no file";
  std::ofstream(file) << "wrong-password\n";
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  EXPECT_THAT(Server(settings).connect().error().detail, HasSubstr("chmod o-rwx"));
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  const auto refused = Server(settings).connect();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("password authentication failed"));
  EXPECT_THAT(refused.error().detail, HasSubstr("password_file"));
  EXPECT_THAT(refused.error().detail, Not(HasSubstr("wrong-password")));
}

TEST_F(PostgresTest, PassesOverAHostThatDoesNotAnswer) {
  auto settings = schema_.settings();
  const auto at = settings.url.find('@') + 1;
  settings.url.insert(at, "127.0.0.1:1,");
  EXPECT_TRUE(Server(settings).connect());
  settings.url = "postgresql://valetkey@127.0.0.1:1/postgres";
  const auto nowhere = Server(settings).connect();
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().detail, HasSubstr("Connection refused"));
  EXPECT_THAT(nowhere.error().detail, Not(HasSubstr("\n")));
}

TEST(PostgresSettings, RefuseAStringThatHoldsAPasswordOrIsNone) {
  for (const char* url :
       {"postgresql://u:hunter2@h/d", "host=h password=hunter2", "no string hunter2", ""}) {
    const auto refused = check_settings({.url = url});
    ASSERT_FALSE(refused) << url;
    EXPECT_THAT(refused.error().detail, Not(HasSubstr("hunter2")));
  }
  EXPECT_TRUE(check_settings({.url = "postgresql://u@a:5432,b:5433/d?sslmode=verify-full"}));
  EXPECT_TRUE(check_settings({.url = "host=a,b user=u dbname=d"}));
}

}  // namespace
}  // namespace valetkey::postgres

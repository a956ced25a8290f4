// SPDX-License-Identifier: Apache-2.0
// What every ledger must do, on each form: in SQLite, in memory, and the faulty one, which passes calls on.
#include "exporter/ledger.h"

#include <gtest/gtest.h>

#include "base/testing/temporary_folder.h"
#include "exporter/sql_ledger.h"
#include "exporter/testing/faulty_ledger.h"
#include "exporter/testing/ledger_conformance.h"
#include "exporter/testing/memory_ledger.h"
#include "postgres/testing/test_server.h"
#include "sqlite/database.h"

namespace valetkey::exporter {
namespace {

std::unique_ptr<sqlite::Database> empty_database(const TemporaryFolder& folder) {
  return sqlite::Database::open(folder.path() / "objects.db", sqlite::Database::Mode::create)
      .value();
}

class InSqlite final : public LedgerUnderTest {
 public:
  InSqlite() {
    empty_database(folder_);
    ledger_ = open_sqlite_ledger(folder_.path() / "objects.db").value();
  }
  Ledger& ledger() override { return *ledger_; }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Ledger> ledger_;
};
class InPostgres final : public LedgerUnderTest {
 public:
  InPostgres()
      : ledger_(
            open_postgres_ledger(std::make_shared<postgres::Server>(schema_.settings())).value()) {}
  Ledger& ledger() override { return *ledger_; }

 private:
  postgres::TestSchema schema_;
  std::unique_ptr<Ledger> ledger_;
};
class InMemory final : public LedgerUnderTest {
 public:
  Ledger& ledger() override { return ledger_; }

 private:
  MemoryLedger ledger_;
};
class Faulty final : public LedgerUnderTest {
 public:
  Ledger& ledger() override { return faulty_; }

 private:
  MemoryLedger ledger_;
  FaultyCalls calls_;
  FaultyLedger faulty_{ledger_, calls_};
};
template <class T>
std::unique_ptr<LedgerUnderTest> make() {
  return std::make_unique<T>();
}
std::unique_ptr<LedgerUnderTest> make_where_one_runs() {
  return postgres::test_url() == nullptr ? nullptr : make<InPostgres>();
}

INSTANTIATE_TEST_SUITE_P(Forms, LedgerConformance,
                         testing::Values(&make<InSqlite>, &make_where_one_runs, &make<InMemory>,
                                         &make<Faulty>),
                         [](const auto& form) {
                           if (form.param == &make<InSqlite>) return "Sqlite";
                           if (form.param == &make_where_one_runs) return "Postgres";
                           return form.param == &make<InMemory> ? "Memory" : "Faulty";
                         });

TEST(SqliteLedger, OpensAsAReleaseWithOnePartitionLeftIt) {
  const TemporaryFolder folder;
  {
    const auto database = empty_database(folder);
    ASSERT_TRUE(
        database->execute("CREATE TABLE export_seen (key TEXT PRIMARY KEY, day INTEGER NOT NULL, "
                          "uuids INTEGER NOT NULL) WITHOUT ROWID;"
                          "INSERT INTO export_seen VALUES ('internal/seen/a', 18520, 9);"
                          "CREATE TABLE export_position (log_partition INTEGER PRIMARY KEY, "
                          "consumed INTEGER NOT NULL, finished INTEGER "
                          "NOT NULL);"
                          "INSERT INTO export_position VALUES (0, 41, 1600000000000);"));
  }
  for (int i = 0; i < 2; ++i) {
    const auto ledger = open_sqlite_ledger(folder.path() / "objects.db").value();
    EXPECT_EQ(ledger->consumed(0).value(), 41U);
    ASSERT_EQ(ledger->seen(0).value().size(), 1U);
    EXPECT_EQ(ledger->seen(0).value()[0].uuids, 9U);
    ASSERT_TRUE(ledger->replace_seen(ledger->take_lease(0).value(), {"nothing"}, {}));
  }
}

TEST(SqliteLedger, TellsTheExportersOfTwoProcessesApart) {
  const TemporaryFolder folder;
  empty_database(folder);
  const auto mine = open_sqlite_ledger(folder.path() / "objects.db").value();
  const auto theirs = open_sqlite_ledger(folder.path() / "objects.db").value();
  const auto held = mine->take_lease(0).value();
  const auto batch = mine->begin(held, 0, 5).value();
  const auto taken = theirs->take_lease(0).value();
  EXPECT_EQ(mine->finish(held, batch, {}, kNow).error().code, ErrorCode::busy);
  EXPECT_TRUE(theirs->finish(taken, *theirs->unfinished(0).value(), {}, kNow));
}

}  // namespace
}  // namespace valetkey::exporter

// SPDX-License-Identifier: Apache-2.0
// SQL of strangers: what it yields, and that it cannot do anything but read what it may.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/testing/temporary_folder.h"
#include "duckdb/database.h"

namespace valetkey::duckdb {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

const fs::path kLibrary =
    VALETKEY_SOURCE_DIR "/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so";

struct DuckdbQuery : testing::Test {
  void SetUp() override {
    if (!fs::exists(kLibrary)) GTEST_SKIP() << "libduckdb is not installed: run script/bootstrap";
    auto opened = Database::open(
        {.library = kLibrary, .folder = folder / "mine", .settings = {"SET TimeZone='UTC'"}});
    ASSERT_TRUE(opened) << opened.error().detail;
    database = std::move(*opened);
  }

  std::vector<std::vector<std::string>> rows(const std::string& sql) {
    std::vector<std::vector<std::string>> found;
    const auto done = database->read(sql, [&found](TextRow row) -> Result<void> {
      auto& texts = found.emplace_back();
      for (const auto& cell : row) texts.emplace_back(cell.value_or("NULL"));
      return {};
    });
    EXPECT_TRUE(done) << done.error().detail;
    return found;
  }
  std::string refusal(const std::string& sql) {
    const auto checked = database->check_select(sql);
    return checked ? "" : checked.error().detail;
  }

  TemporaryFolder temporary;
  const fs::path folder = temporary.path();
  std::unique_ptr<Database> database;
};

TEST_F(DuckdbQuery, HandsOnTextAndNull) {
  const std::vector<std::vector<std::string>> expected{{"short", "NULL"},
                                                       {"longer than twelve bytes, ü", ""}};
  EXPECT_EQ(rows("VALUES ('short', NULL), ('longer than twelve bytes, ü', '')"), expected);
}

TEST_F(DuckdbQuery, HandsOnManyChunksInOrder) {
  std::uint64_t next = 0;
  ASSERT_TRUE(database->read("SELECT i::VARCHAR FROM range(100000) t(i) ORDER BY i",
                             [&next](TextRow row) -> Result<void> {
                               EXPECT_EQ(row[0], std::to_string(next++));
                               return {};
                             }));
  EXPECT_EQ(next, 100'000);
}

TEST_F(DuckdbQuery, KnowsNamesAndNumbers) {
  const auto columns = database->check_select("SELECT 1 AS a, 'x' AS \"b c\", 2.5 AS c");
  ASSERT_TRUE(columns) << columns.error().detail;
  ASSERT_EQ(columns->size(), 3);
  EXPECT_EQ((*columns)[1].name, "b c");
  EXPECT_TRUE((*columns)[0].number);
  EXPECT_FALSE((*columns)[1].number);
  EXPECT_TRUE((*columns)[2].number);
}

TEST_F(DuckdbQuery, SaysWhatIsWrongOnOneLine) {
  for (const char* wrong : {"SELEC 1", "SELECT nosuch FROM range(3)", "SELECT * FROM nosuch", ""})
    EXPECT_THAT(refusal(wrong), AllOf(Not(""), Not(HasSubstr("\n")), Not(HasSubstr("LINE 1"))));
  EXPECT_THAT(refusal("SELECT nosuch FROM range(3)"), HasSubstr("\"nosuch\" not found"));
}

TEST_F(DuckdbQuery, TakesOnlyOneStatementThatReads) {
  for (const char* reading : {"SELECT 1;", "FROM range(3)", "WITH a AS (SELECT 1) FROM a",
                              "VALUES (1)", "DESCRIBE SELECT 1", "SELECT 1 -- ; SET threads=1"})
    EXPECT_EQ(refusal(reading), "") << reading;
  for (const char* other :
       {"SELECT 1; SELECT 2", "SET threads=3", "RESET threads", "CREATE TABLE t (i INT)",
        "COPY (SELECT 1) TO 'x'", "EXPLAIN ANALYZE SELECT 1", "ATTACH ':memory:' AS more",
        "INSTALL httpfs", "LOAD httpfs", "PRAGMA memory_limit='9GB'", "EXPORT DATABASE 'x'",
        "CALL pragma_version()"})
    EXPECT_THAT(refusal(other), Not("")) << other;
}

TEST_F(DuckdbQuery, ReadsNothingOutsideItsFolder) {
  std::ofstream(folder / "other.csv") << "a\n1\n";
  const std::string other = (folder / "other.csv").string();
  for (const std::string& sql :
       {fmt::format("SELECT * FROM read_csv('{}')", other),
        fmt::format("SELECT * FROM read_text('{}')", other),
        fmt::format("SELECT * FROM '{}'", other),
        fmt::format("SELECT * FROM read_text('{}/mine/../other.csv')", folder.string()),
        std::string("SELECT * FROM read_csv('/etc/passwd')"),
        std::string("SELECT * FROM glob('/etc/*')"),
        std::string("SELECT * FROM read_parquet('https://example.com/x.parquet')")}) {
    const auto checked = database->check_select(sql);
    const auto done = checked ? database->read("SELECT x::VARCHAR FROM (" + sql + ") x",
                                               [](TextRow) -> Result<void> { return {}; })
                              : std::unexpected(checked.error());
    ASSERT_FALSE(done) << sql;
    EXPECT_THAT(done.error().detail, AnyOf(HasSubstr("Permission Error"), HasSubstr("disabled")))
        << sql;
  }
}

TEST_F(DuckdbQuery, StatementsOfOursAreHeldToTheFolderToo) {
  const std::string out = (folder / "out.csv").string();
  EXPECT_FALSE(database->run(fmt::format("COPY (SELECT 1) TO '{}'", out)));
  EXPECT_FALSE(fs::exists(out));
  EXPECT_FALSE(database->run(fmt::format("ATTACH '{}.db'", out)));
  EXPECT_FALSE(database->run("SET enable_external_access=true"));
  EXPECT_FALSE(database->run("SET lock_configuration=false"));
  EXPECT_TRUE(database->run(fmt::format("COPY (SELECT 1) TO '{}/mine/out.csv'", folder.string())));
}

TEST_F(DuckdbQuery, AnErrorHalfWayIsAnError) {
  const auto done = database->read(
      "SELECT CASE WHEN i = 90000 THEN error('half way') ELSE i::VARCHAR END FROM range(100000) "
      "t(i)",
      [](TextRow) -> Result<void> { return {}; });
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("half way"));
}

TEST_F(DuckdbQuery, TheReadersErrorEndsIt) {
  const auto done =
      database->read("SELECT i::VARCHAR FROM range(100000000000) t(i)",
                     [](TextRow) -> Result<void> { return fail(ErrorCode::io, "closed"); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "closed");
}

TEST_F(DuckdbQuery, CanBeInterrupted) {
  std::atomic<bool> ended = false;
  std::thread impatient([&] {
    while (!ended) {
      database->interrupt();
      std::this_thread::yield();
    }
  });
  const auto done = database->read(
      "SELECT sum(a.i * b.i)::VARCHAR FROM range(10000000) a(i), range(10000000) b(i)",
      [](TextRow) -> Result<void> { return {}; });
  ended = true;
  impatient.join();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("INTERRUPT"));
}

}  // namespace
}  // namespace valetkey::duckdb

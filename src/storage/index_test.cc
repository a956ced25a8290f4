// SPDX-License-Identifier: Apache-2.0
#include "storage/index.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "storage/testing/disk_fixture.h"

namespace valetkey::storage {
namespace {

IndexRow row_of(std::string key, std::uint64_t size = 1) {
  IndexRow row;
  row.info.key = std::move(key);
  row.info.size = size;
  row.info.etag = std::string(32, 'a');
  row.info.crc32 = 0xFFFFFFFF;
  row.info.modified = kTestTime;
  row.id = ObjectId::make();
  row.data_key = {1, std::string(kWrappedKeyBytes, 'k')};
  return row;
}

class IndexTest : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "objects.db"; }
  std::unique_ptr<Index> open() {
    auto index = Index::open(path(), "bucket");
    EXPECT_TRUE(index) << index.error().detail;
    return std::move(*index);
  }
  static CommitResult commit(Index& index, const IndexChange& change) {
    bool undecided = false;
    auto done = index.commit(change, [](const auto&) { return Result<void>(); }, undecided);
    EXPECT_TRUE(done) << done.error().detail;
    return *done;
  }
  void run_sql(const char* sql) const {
    auto database = sqlite::Database::open(path(), sqlite::Database::Mode::create);
    ASSERT_TRUE(database);
    const auto done = (*database)->execute(sql);
    ASSERT_TRUE(done) << done.error().detail;
  }
  static std::vector<std::string> keys(Index& index, std::uint64_t generation = 0) {
    ListQuery query;
    query.generation = generation;
    std::vector<std::string> found;
    const auto page = index.list(query);
    if (!page) return {"failed"};
    for (const auto& entry : page->entries) found.push_back(entry.info.key);
    return found;
  }

  TemporaryFolder folder_;
};

TEST_F(IndexTest, KeepsEveryFieldOfARow) {
  const auto index = open();
  IndexRow row = row_of("k\xC3\xA9y", 1ULL << 40);
  row.info.rows = 0;
  commit(*index, {{row}, {}, {}, {}});
  const auto found = index->find(row.info.key, kTestTime);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->info.key, row.info.key);
  EXPECT_EQ((*found)->info.size, row.info.size);
  EXPECT_EQ((*found)->info.etag, row.info.etag);
  EXPECT_EQ((*found)->info.crc32, row.info.crc32);
  EXPECT_EQ((*found)->info.modified, row.info.modified);
  EXPECT_EQ((*found)->info.rows, 0U);
  EXPECT_EQ((*found)->id, row.id);
  EXPECT_EQ((*found)->data_key.key_id, 1U);
  EXPECT_EQ((*found)->data_key.bytes, row.data_key.bytes);
}

TEST_F(IndexTest, RefusesANewerFormat) {
  open();
  run_sql("PRAGMA user_version = 2");
  const auto newer = Index::open(path(), "bucket");
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::invalid);
  EXPECT_NE(newer.error().detail.find("format 2"), std::string::npos);
}

TEST_F(IndexTest, RefusesAForeignDatabase) {
  run_sql("CREATE TABLE t(x)");
  EXPECT_EQ(Index::open(path(), "bucket").error().code, ErrorCode::invalid);
}

TEST_F(IndexTest, RefusesWhatIsNoDatabase) {
  ASSERT_TRUE(replace_file(path(), std::string(5000, 'x')));
  EXPECT_EQ(Index::open(path(), "bucket").error().code, ErrorCode::corrupt);
}

TEST_F(IndexTest, RefusesAnotherBucket) {
  open();
  const auto other = Index::open(path(), "other");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::invalid);
  EXPECT_NE(other.error().detail.find("holds bucket bucket"), std::string::npos);
}

TEST_F(IndexTest, CountsObjectsBytesAndGenerations) {
  const auto index = open();
  EXPECT_EQ(index->read_state()->generation, 1U);
  commit(*index, {{row_of("a", 10), row_of("b", 20)}, {}, {}, {}});
  commit(*index, {{row_of("a", 5)}, {}, {}, {}});
  auto state = index->read_state().value();
  EXPECT_EQ(state.generation, 3U);
  EXPECT_EQ(state.objects, 2U);
  EXPECT_EQ(state.bytes, 25U);
  commit(*index, {{}, {"b", "nothing"}, {}, {}});
  state = index->read_state().value();
  EXPECT_EQ(state.objects, 1U);
  EXPECT_EQ(state.bytes, 5U);
}

TEST_F(IndexTest, TellsWhichFilesACommitMakesUseless) {
  const auto index = open();
  const IndexRow a = row_of("a"), b = row_of("b");
  commit(*index, {{a, b}, {}, {}, {}});
  const auto done = commit(*index, {{row_of("a")}, {"b"}, {}, {}});
  ASSERT_EQ(done.former.size(), 2U);
  EXPECT_EQ(done.former[0].id, b.id);
  EXPECT_EQ(done.former[1].id, a.id);
}

TEST_F(IndexTest, ChangesNothingIfTheCallerObjects) {
  const auto index = open();
  bool undecided = true;
  const auto done = index->commit(
      {{row_of("a")}, {}, {}, {}},
      [](const auto&) { return Result<void>(fail(ErrorCode::full, "x")); }, undecided);
  EXPECT_EQ(done.error().code, ErrorCode::full);
  EXPECT_FALSE(undecided);
  EXPECT_TRUE(keys(*index).empty());
  EXPECT_EQ(index->read_state()->generation, 1U);
}

TEST_F(IndexTest, ForgetsAGenerationOnceItsUnlistedRowsAreSwept) {
  const auto index = open();
  commit(*index, {{row_of("a"), row_of("b")}, {}, {}, {}});             // 2
  commit(*index, {{row_of("c")}, {}, {"a"}, kTestTime + seconds(10)});  // 3
  commit(*index, {{row_of("d")}, {}, {"b"}, kTestTime + seconds(20)});  // 4
  const auto nothing = [](const auto&) { return Result<void>(); };
  EXPECT_TRUE(index->sweep(kTestTime + seconds(9), 1000, nothing)->former.empty());
  EXPECT_EQ(keys(*index, 2), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(index->sweep(kTestTime + seconds(10), 1000, nothing)->former.size(), 1U);
  EXPECT_EQ(keys(*index, 2), std::vector<std::string>{"failed"});
  EXPECT_EQ(keys(*index, 3), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(keys(*index), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(index->read_state()->objects, 3U);
  EXPECT_EQ(index->read_state()->generation, 4U);
}

TEST_F(IndexTest, ListsAnUnlistedKeyThatComesBackFromThenOnOnly) {
  const auto index = open();
  commit(*index, {{row_of("a")}, {}, {}, {}});               // 2
  commit(*index, {{}, {}, {"a"}, kTestTime + seconds(10)});  // 3
  commit(*index, {{row_of("a")}, {}, {}, {}});               // 4
  EXPECT_TRUE(keys(*index, 3).empty());
  EXPECT_EQ(keys(*index), std::vector<std::string>{"a"});
  EXPECT_TRUE(index->sweep(kTestTime + seconds(99), 9, [](const auto&) { return Result<void>(); })
                  ->former.empty());
}

TEST_F(IndexTest, RewrapsOnlyTheVersionItSaw) {
  const auto index = open();
  IndexRow a = row_of("a");
  commit(*index, {{a}, {}, {}, {}});
  a.data_key = {2, std::string(kWrappedKeyBytes, 'n')};
  EXPECT_EQ(index->rewrap({a}), 1U);
  EXPECT_EQ(index->count_by_object_key().value(), (std::map<std::uint32_t, std::uint64_t>{{2, 1}}));
  commit(*index, {{row_of("a")}, {}, {}, {}});
  EXPECT_EQ(index->rewrap({a}), 0U);
  EXPECT_EQ(index->count_by_object_key().value(), (std::map<std::uint32_t, std::uint64_t>{{1, 1}}));
}

TEST_F(IndexTest, NamesADamagedRow) {
  const auto index = open();
  commit(*index, {{row_of("a")}, {}, {}, {}});
  run_sql("PRAGMA ignore_check_constraints = 1; UPDATE objects SET md5 = x'00'");
  const auto found = index->find("a", kTestTime);
  EXPECT_EQ(found.error().code, ErrorCode::corrupt);
  EXPECT_NE(found.error().detail.find("object a"), std::string::npos);
}

TEST_F(IndexTest, SeesAnotherConnectionsCommit) {
  const auto mine = open();
  const auto other = open();
  const auto before = mine->read_data_version().value();
  EXPECT_EQ(mine->read_data_version(), before);
  commit(*other, {{row_of("a")}, {}, {}, {}});
  EXPECT_NE(mine->read_data_version(), before);
  EXPECT_EQ(keys(*mine), std::vector<std::string>{"a"});
}

// What days() says of account 12, one text a day: "decisions 2020-09-14 2/30/7 complete".
std::vector<std::string> sums_of(Index& index) {
  std::vector<std::string> texts;
  for (const DaySums& day : index.days("12").value())
    texts.push_back(day.type + " " + format_date(day.day) + " " + std::to_string(day.sums.parts) +
                    "/" + std::to_string(day.sums.bytes) + "/" +
                    (day.sums.rows ? std::to_string(*day.sums.rows) : "?") +
                    (day.complete ? " complete" : ""));
  return texts;
}

IndexRow part_of(const std::string& name, std::uint64_t size, std::optional<std::uint64_t> rows,
                 const std::string& day = "2020-09-14", const std::string& account = "12") {
  IndexRow row =
      row_of("v1/account_id=" + account + "/type=decisions/date=" + day + "/" + name, size);
  row.info.rows = rows;
  return row;
}

TEST_F(IndexTest, SumsUpWhatIsListedInTheTransactionThatChangesIt) {
  const auto index = open();
  const std::string day = "v1/account_id=12/type=decisions/date=2020-09-14/";
  commit(*index,
         {{part_of("experiment=1/a.parquet", 10, 3), part_of("experiment=2/b.parquet", 20, 4),
           part_of("experiment=1/c.parquet", 1, 1, "2020-09-15"),
           part_of("experiment=1/a.parquet", 99, 9, "2020-09-14", "123")},
          {},
          {},
          {}});
  EXPECT_EQ(sums_of(*index), (std::vector<std::string>{"decisions 2020-09-14 2/30/7",
                                                       "decisions 2020-09-15 1/1/1"}));
  commit(*index,
         {{part_of("experiment=1/a.parquet", 15, 5), part_of("_SUCCESS", 0, {})}, {}, {}, {}});
  EXPECT_EQ(sums_of(*index)[0], "decisions 2020-09-14 2/35/9 complete");
  // What is unlisted is gone for readers, though not yet from the disk; sweeping it changes nothing.
  commit(*index, {{}, {}, {day + "experiment=2/b.parquet"}, kTestTime});
  EXPECT_EQ(sums_of(*index)[0], "decisions 2020-09-14 1/15/5 complete");
  ASSERT_TRUE(index->sweep(kTestTime, 10, [](const auto&) { return Result<void>(); }));
  EXPECT_EQ(sums_of(*index)[0], "decisions 2020-09-14 1/15/5 complete");
  commit(*index, {{}, {day + "experiment=1/a.parquet", day + "_SUCCESS"}, {}, {}});
  EXPECT_EQ(sums_of(*index), std::vector<std::string>{"decisions 2020-09-15 1/1/1"});
}

TEST_F(IndexTest, SaysThatRowsAreUnknownWhereAPartsWereNotCounted) {
  const auto index = open();
  commit(*index,
         {{part_of("experiment=1/a.parquet", 10, {}), part_of("experiment=1/b.parquet", 1, 2)},
          {},
          {},
          {}});
  EXPECT_EQ(sums_of(*index), std::vector<std::string>{"decisions 2020-09-14 2/11/?"});
}

TEST_F(IndexTest, FillsTheSumsOfAFileThatHasNone) {
  const auto before = [&] {
    const auto index = open();
    commit(*index, {{part_of("experiment=1/a.parquet", 10, 3), part_of("_SUCCESS", 0, {}),
                     part_of("experiment=1/b.parquet", 5, 2, "2020-09-15"), row_of("other", 7)},
                    {},
                    {},
                    {}});
    return sums_of(*index);
  }();
  run_sql(
      "DROP TRIGGER sums_insert; DROP TRIGGER sums_delete; DROP TRIGGER sums_leave;"
      "DROP TRIGGER sums_enter; DROP TABLE day_sums");
  const auto index = open();
  EXPECT_EQ(sums_of(*index), before);
  commit(*index, {{part_of("experiment=1/c.parquet", 1, 1)}, {}, {}, {}});
  EXPECT_EQ(sums_of(*index)[0], "decisions 2020-09-14 2/11/4 complete");
}

TEST_F(IndexTest, AddsUpADayByPartitionPageByPage) {
  const auto index = open();
  const std::string day = "v1/account_id=12/type=decisions/date=2020-09-14/";
  commit(*index,
         {{part_of("experiment=1/a.parquet", 10, 3), part_of("experiment=1/b.parquet", 5, 2),
           part_of("experiment=10/a.parquet", 2, 1), part_of("experiment=2/a.parquet", 1, {}),
           part_of("_SUCCESS", 0, {})},
          {},
          {},
          {}});
  const auto first = index->partitions(day, "", 2).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].partition, "experiment=1");
  EXPECT_EQ(first[0].sums.rows, 5U);
  EXPECT_EQ(first[1].partition, "experiment=10");
  const auto rest = index->partitions(day, "experiment=10", 2).value();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].partition, "experiment=2");
  EXPECT_FALSE(rest[0].sums.rows);
  EXPECT_TRUE(index->latest(day)->has_value());
  EXPECT_FALSE(index->latest("v1/account_id=1/type=decisions/date=2020-09-14/")->has_value());
}

}  // namespace
}  // namespace valetkey::storage

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "storage/disk_parts.h"
#include "storage/testing/disk_fixture.h"

namespace valetkey::storage {
namespace {

using layout::PartStatistics;
using layout::TimestampUnit;

const std::string kDay = "v1/account_id=12/type=decisions/date=2020-09-14/";
const AccountId kAccount = AccountId::parse("12").value();

PartStatistics statistics_of(std::uint64_t rows, TimestampUnit unit = TimestampUnit::microseconds) {
  PartStatistics statistics;
  statistics.rows = rows;
  statistics.timestamps = unit;
  statistics.columns = {{8, 0, layout::Bounds{std::string("1"), std::string("1")}}};
  return statistics;
}

class PartCatalogTest : public testing::Test {
 protected:
  std::unique_ptr<StagedObject> stage(const std::string& key, const std::string& content,
                                      const std::optional<PartStatistics>& statistics = {}) {
    auto writer = disk_.store().create(key, kTestTime).value();
    EXPECT_TRUE(writer->write(content));
    if (statistics) writer->describe(*statistics);
    return std::move(*writer->finish(statistics ? std::optional(statistics->rows) : std::nullopt));
  }
  void put(const std::string& key, const std::optional<PartStatistics>& statistics = {},
           const std::string& content = "content") {
    Publication publication;
    publication.add.push_back(stage(key, content, statistics));
    EXPECT_TRUE(disk_.store().publish(std::move(publication)));
  }
  PartCatalog& catalog() { return *disk_.store().part_catalog(); }
  Catalog read() { return catalog().catalog(kAccount).value(); }
  UnreadyParts unready(layout::RowType type = layout::RowType::decisions) {
    return catalog().unready_parts(kAccount, type).value();
  }
  std::vector<CatalogPart> parts(std::uint64_t generation = 0) {
    return catalog()
        .list_parts(kAccount, kDay, "", 100, generation != 0 ? generation : read().generation)
        .value()
        .parts;
  }

  DiskFixture disk_;
};

TEST_F(PartCatalogTest, KeepsStatisticsWithTheObjectThatTheyAreOf) {
  const std::string key = kDay + "experiment=1/a.parquet";
  put(key, statistics_of(3));
  ASSERT_EQ(parts().size(), 1U);
  EXPECT_TRUE(parts()[0].statistics == statistics_of(3));
  put(key, statistics_of(4), "other");
  EXPECT_TRUE(parts()[0].statistics == statistics_of(4));
  // Replaced by something of which nothing is known.
  put(key, std::nullopt, "third");
  EXPECT_FALSE(parts()[0].statistics);
  EXPECT_EQ(unready().unread, key);
  Publication removal;
  removal.remove = {key};
  ASSERT_TRUE(disk_.store().publish(std::move(removal)));
  EXPECT_TRUE(parts().empty());
  EXPECT_TRUE(catalog().unread_parts(10)->empty());
}

TEST_F(PartCatalogTest, ListsOnlyPartsPageByPageAsOfAGeneration) {
  put(kDay + "experiment=1/a.parquet", statistics_of(1));
  put(kDay + "experiment=1/b.parquet", statistics_of(2));
  put(kDay + "_SUCCESS");
  put("v1/account_id=123/type=decisions/date=2020-09-14/experiment=1/a.parquet", statistics_of(9));
  const auto before = read().generation;
  Publication merged;
  merged.add.push_back(stage(kDay + "experiment=1/c.parquet", "merged", statistics_of(3)));
  merged.unlist = {kDay + "experiment=1/a.parquet", kDay + "experiment=1/b.parquet"};
  merged.readable_until = kTestTime + milliseconds(1000);
  ASSERT_TRUE(disk_.store().publish(std::move(merged)));
  ASSERT_EQ(parts().size(), 1U);
  EXPECT_EQ(parts()[0].info.key, kDay + "experiment=1/c.parquet");
  ASSERT_EQ(parts(before).size(), 2U);
  EXPECT_EQ(parts(before)[1].statistics->rows, 2U);
  const auto page = catalog().list_parts(kAccount, kDay, "", 1, before).value();
  EXPECT_TRUE(page.truncated);
  const auto rest = catalog().list_parts(kAccount, kDay, page.parts[0].info.key, 1, before).value();
  EXPECT_FALSE(rest.truncated);
  EXPECT_EQ(rest.parts[0].info.key, kDay + "experiment=1/b.parquet");
  EXPECT_FALSE(catalog().list_parts(kAccount, kDay, "", 1, read().generation + 1));
  EXPECT_EQ(catalog().list_parts(kAccount, "v1/account_id=123/", "", 1, before).error().code,
            ErrorCode::invalid);
}

TEST_F(PartCatalogTest, SaysWhenADayChanged) {
  const std::string next = "v1/account_id=12/type=events/date=2020-09-15/";
  put(kDay + "experiment=1/a.parquet", statistics_of(1));
  const auto first = read().generation;
  put(next + "event=a/a.parquet", statistics_of(2));
  auto days = read().days;
  ASSERT_EQ(days.size(), 2U);
  EXPECT_EQ(days[0].folder.type, layout::RowType::decisions);
  EXPECT_EQ(days[0].changed, first);
  EXPECT_EQ(days[1].changed, first + 1);
  EXPECT_EQ(days[1].rows, 2U);
  EXPECT_EQ(days[1].bytes, 7U);
  // The same size and rows, but other content.
  put(kDay + "experiment=1/a.parquet", statistics_of(1), "CONTENT");
  EXPECT_EQ(read().days[0].changed, first + 2);
  EXPECT_EQ(read().days[1].changed, first + 1);
}

TEST_F(PartCatalogTest, KeepsWhatIsReadLater) {
  const std::string key = kDay + "experiment=1/a.parquet";
  put(key);
  const auto unread = catalog().unread_parts(10).value();
  ASSERT_EQ(unread.size(), 1U);
  const auto before = read();
  // What was read is of another content meanwhile.
  ASSERT_TRUE(catalog().describe({{key, std::string(32, '0'), statistics_of(7)}}));
  EXPECT_FALSE(parts()[0].statistics);
  ASSERT_TRUE(catalog().describe({{key, unread[0].etag, statistics_of(7)}}));
  EXPECT_EQ(parts()[0].statistics->rows, 7U);
  EXPECT_GT(read().days[0].changed, before.days[0].changed);
  EXPECT_GT(read().generation, before.generation);
  EXPECT_TRUE(catalog().unread_parts(10)->empty());
  EXPECT_TRUE(unready().unread.empty());
}

TEST_F(PartCatalogTest, TriesOnceToReadWhatCannotBeRead) {
  const std::string key = kDay + "experiment=1/a.parquet";
  put(key);
  const auto etag = catalog().unread_parts(10).value().at(0).etag;
  ASSERT_TRUE(catalog().describe({{key, etag, std::nullopt}}));
  EXPECT_TRUE(catalog().unread_parts(10)->empty());
  EXPECT_EQ(unready().unreadable, key);
  EXPECT_TRUE(unready().unread.empty());
}

TEST_F(PartCatalogTest, FindsPartsThatHaveMilliseconds) {
  put(kDay + "experiment=1/a.parquet", statistics_of(1));
  EXPECT_TRUE(unready().milliseconds.empty());
  put(kDay + "experiment=2/a.parquet", statistics_of(1, TimestampUnit::milliseconds));
  put(kDay + "experiment=3/a.parquet", statistics_of(1, TimestampUnit::other));
  EXPECT_EQ(unready().milliseconds, kDay + "experiment=2/a.parquet");
  const auto left = catalog().parts_without_microseconds(unready().milliseconds, 10).value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].key, kDay + "experiment=3/a.parquet");
  EXPECT_EQ(catalog().count_without_microseconds().value(), 2U);
  EXPECT_TRUE(unready(layout::RowType::events).milliseconds.empty());
}

TEST_F(PartCatalogTest, HasNothingLeftToDoForPartsThatNoListingShows) {
  const std::string key = kDay + "experiment=1/a.parquet";
  put(key, statistics_of(1, TimestampUnit::milliseconds));
  const auto state_of = [&] {
    disk_.close();
    auto database =
        sqlite::Database::open(disk_.folder() / "objects.db", sqlite::Database::Mode::read_write);
    return (*database)->read_integer("SELECT max(state) FROM part_statistics").value();
  };
  EXPECT_EQ(state_of(), 3);
  disk_.reopen();
  Publication rewritten;
  rewritten.unlist = {key};
  rewritten.readable_until = kTestTime + milliseconds(1000);
  ASSERT_TRUE(disk_.store().publish(std::move(rewritten)));
  EXPECT_TRUE(unready().milliseconds.empty());
  EXPECT_EQ(state_of(), 0);
  {  // As the release before kept it.
    auto database =
        sqlite::Database::open(disk_.folder() / "objects.db", sqlite::Database::Mode::read_write);
    ASSERT_TRUE((*database)->execute(
        "DROP TRIGGER statistics_unlist; UPDATE part_statistics SET state = 3;"));
  }
  disk_.reopen();
  EXPECT_EQ(state_of(), 0);
  disk_.reopen();
}

TEST_F(PartCatalogTest, ShowsNoGenerationFromBeforeAnErasure) {
  put(kDay + "experiment=1/a.parquet", statistics_of(2));
  put("v1/account_id=123/x", std::nullopt);
  const auto before = read().generation;
  Publication erasure;
  erasure.add.push_back(stage(kDay + "experiment=1/b.parquet", "rest", statistics_of(1)));
  erasure.remove = {kDay + "experiment=1/a.parquet"};
  erasure.erases_of = "12";
  ASSERT_TRUE(disk_.store().publish(std::move(erasure)));
  EXPECT_EQ(read().oldest_generation, before + 1);
  EXPECT_EQ(catalog().list_parts(kAccount, kDay, "", 1, before).error().code, ErrorCode::not_found);
  ListQuery query;
  query.generation = before;
  query.prefix = kDay;
  EXPECT_EQ(disk_.store().list(query).error().code, ErrorCode::not_found);
  query.prefix = "v1/account_id=123/";
  EXPECT_TRUE(disk_.store().list(query));
  disk_.reopen();
  EXPECT_EQ(read().oldest_generation, before + 1);
}

// A folder of a release that knew nothing of statistics, in which an older program works once more later.
TEST_F(PartCatalogTest, TakesPartsOfAnOlderProgramForUnread) {
  put(kDay + "experiment=1/a.parquet", statistics_of(1));
  put(kDay + "_SUCCESS");
  const auto generation = read().generation;
  disk_.close();
  {
    auto database =
        sqlite::Database::open(disk_.folder() / "objects.db", sqlite::Database::Mode::read_write);
    ASSERT_TRUE((*database)->execute(
        "DROP TRIGGER statistics_insert; DROP TRIGGER statistics_update;"
        "DROP TRIGGER statistics_delete; DROP TRIGGER statistics_unlist; DROP TABLE "
        "part_statistics; DROP TABLE erased_account;"
        "DROP TRIGGER sums_insert; DROP TRIGGER sums_delete; DROP TRIGGER sums_leave;"
        "DROP TRIGGER sums_enter; ALTER TABLE day_sums DROP COLUMN changed;"
        "CREATE TRIGGER sums_insert AFTER INSERT ON objects BEGIN SELECT 1; END;"
        "CREATE TRIGGER sums_delete AFTER DELETE ON objects BEGIN SELECT 1; END;"
        "CREATE TRIGGER sums_leave AFTER UPDATE ON objects BEGIN SELECT 1; END;"
        "CREATE TRIGGER sums_enter AFTER UPDATE ON objects BEGIN SELECT 1; END;"));
  }
  disk_.reopen();
  ASSERT_EQ(catalog().unread_parts(10)->size(), 1U);
  ASSERT_EQ(read().days.size(), 1U);
  EXPECT_EQ(read().days[0].changed, generation);
  put(kDay + "experiment=2/a.parquet", statistics_of(5));
  EXPECT_EQ(read().days[0].parts, 2U);
  EXPECT_EQ(read().days[0].changed, generation + 1);
  EXPECT_EQ(catalog().unread_parts(10)->size(), 1U);
}

}  // namespace
}  // namespace valetkey::storage

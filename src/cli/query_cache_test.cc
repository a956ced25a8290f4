// SPDX-License-Identifier: Apache-2.0
#include "cli/query_cache.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "base/testing/temporary_folder.h"
#include "cli/command_query.h"
#include "cli/query_views.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;
using client::ListedObject;

struct QueryCacheTest : testing::Test {
  std::unique_ptr<QueryCache> open(const std::string& service = "s") {
    auto opened = QueryCache::open(folder, service);
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }
  // A part of 100 bytes, last used `hours` ago.
  ListedObject bring(QueryCache& cache, const std::string& name, int hours) {
    const ListedObject object{name, "1-2", 100, {}};
    auto partial = cache.folder().create_partial(name);
    EXPECT_TRUE(write_all(partial->file.get(), std::string(100, 'x'), "partial"));
    EXPECT_TRUE(cache.folder().commit(*partial, object));
    fs::last_write_time(path_of(name).parent_path(),
                        fs::file_time_type::clock::now() - std::chrono::hours(hours));
    return object;
  }
  fs::path path_of(const std::string& name) const {
    for (const auto& each : fs::directory_iterator(folder / "exports"))
      if (fs::exists(each.path() / name)) return each.path() / name;
    return {};
  }

  const std::string a = "type=decisions/date=2026-03-01/experiment=1/a.parquet";
  const std::string b = "type=decisions/date=2026-03-01/experiment=2/b.parquet";
  const std::string c = "type=events/date=2026-03-02/event=%2A/c.parquet";
  TemporaryFolder temporary;
  fs::path folder = temporary.path();
};

TEST_F(QueryCacheTest, EvictsTheLeastRecentlyUsedOfEveryExport) {
  {
    auto other = open("other");
    bring(*other, c, 9);
  }
  auto cache = open();
  const auto needed = bring(*cache, a, 99);
  bring(*cache, b, 3);
  ASSERT_TRUE(cache->make_room({}, {needed}, 300));
  EXPECT_FALSE(path_of(c).empty());
  ASSERT_TRUE(cache->make_room({}, {needed}, 299));
  EXPECT_TRUE(path_of(c).empty());
  EXPECT_FALSE(path_of(b).empty());
  ASSERT_TRUE(cache->make_room({}, {needed}, 100));
  EXPECT_TRUE(path_of(b).empty());
  EXPECT_FALSE(path_of(a).empty());
  EXPECT_EQ(cache->make_room({}, {needed}, 99).error().code, ErrorCode::too_large);
  EXPECT_FALSE(path_of(a).empty());
}

TEST_F(QueryCacheTest, ForgetsWhatTheExportNoLongerHas) {
  auto cache = open();
  bring(*cache, a, 1);
  bring(*cache, b, 1);
  bring(*cache, c, 1);
  Selection first;
  first.type = "decisions";
  first.start = "2026-02-28";
  first.experiment = "1";
  ASSERT_TRUE(cache->make_room({first}, {}, 1000));
  EXPECT_FALSE(path_of(c).empty());
  EXPECT_TRUE(path_of(a).empty());
  EXPECT_FALSE(path_of(b).empty());
}

TEST_F(QueryCacheTest, ASnapshotHoldsTheSelectionUnderNamesOfItsOwn) {
  auto cache = open();
  const auto object = bring(*cache, c, 5);
  bring(*cache, b, 5);
  auto snapshot = Snapshot::make(folder);
  ASSERT_TRUE(snapshot) << snapshot.error().detail;
  const ListedObject together =
      bring(*cache, "type=events/date=2026-03-02/event=__other__/d.parquet", 5);
  const ListedObject no_part{"type=events/date=2026-03-02/_SUCCESS", "1-2", 0, {}};
  ASSERT_TRUE(cache->take({object, no_part, together}, **snapshot));
  EXPECT_TRUE(fs::exists((*snapshot)->folder() / "events/2026-03-02/other-1.parquet"));
  EXPECT_TRUE((*snapshot)->holds("events"));
  EXPECT_FALSE((*snapshot)->holds("decisions"));
  const fs::path linked = (*snapshot)->folder() / "events/2026-03-02/0.parquet";
  EXPECT_TRUE(fs::exists(linked));
  EXPECT_LT(fs::file_time_type::clock::now() - fs::last_write_time(path_of(c).parent_path()),
            std::chrono::hours(1));
  ASSERT_TRUE(cache->make_room({}, {}, 0));  // evicted, and still readable
  EXPECT_TRUE(path_of(c).empty());
  EXPECT_EQ(fs::file_size(linked), 100);
  snapshot->reset();
  EXPECT_TRUE(fs::is_empty(folder / "running"));
}

TEST_F(QueryCacheTest, OnlySnapshotsOfTheDeadAreRemoved) {
  auto living = Snapshot::make(folder);
  fs::create_directories(folder / "running/dead/events");
  auto another = Snapshot::make(folder);
  EXPECT_TRUE(fs::exists((*living)->folder()));
  EXPECT_FALSE(fs::exists(folder / "running/dead"));
}

TEST_F(QueryCacheTest, IsFilledByOneAtATime) {
  auto first = open();
  EXPECT_EQ(QueryCache::open(folder, "another").error().code, ErrorCode::busy);
}

TEST(QueryNeeds, AreWhatTheSqlNames) {
  EXPECT_FALSE(needs_of("FROM Decisions").events);
  EXPECT_FALSE(needs_of("FROM \"EVENTS\"").decisions);
  EXPECT_TRUE(needs_of("FROM attributed_conversions").decisions);
  EXPECT_TRUE(needs_of("FROM attributed_conversions").events);
  EXPECT_TRUE(needs_of("SHOW TABLES").events);
}

TEST(QueryViews, AreNotMadeOfWhatWasNotLookedFor) {
  QueryData data{.folder = "/x", .decisions = true, .needs = {.events = false}};
  const auto statements = view_statements(data);
  ASSERT_EQ(statements.size(), 3);
  EXPECT_NE(statements[0].find("'/x/decisions/*/*.parquet'"), std::string::npos);
  EXPECT_TRUE(statements[1].starts_with("DROP VIEW"));
  EXPECT_TRUE(statements[2].starts_with("DROP VIEW"));
  data.folder = "/it's";
  EXPECT_NE(view_statements(data)[0].find("'/it''s/decisions/"), std::string::npos);
}

TEST(QueryViews, AttributeAsTheGuideSays) {
  const auto words = [](std::string_view text) {
    std::string out;
    for (const char c : text)
      if (c != ' ' && c != '\n') out += c;
    return out;
  };
  const std::string view = view_statements({})[2];
  const auto guide = read_file(VALETKEY_SOURCE_DIR "/docs/guide.md", 1 << 20);
  ASSERT_TRUE(guide);
  EXPECT_NE(words(*guide).find(words(view.substr(view.find("WITH")))), std::string::npos);
}

TEST(QuerySelections, LetExperimentAndEventGoTogether) {
  Selection asked;
  asked.date = "2026-03-02";
  asked.experiment = "1";
  asked.event = "buy";
  const auto both = selections_of(asked, true, true);
  ASSERT_TRUE(both) << both.error().detail;
  ASSERT_EQ(both->size(), 2);
  EXPECT_EQ((*both)[0].simple_prefixes().front(), "type=decisions/date=2026-03-02/experiment=1/");
  EXPECT_EQ((*both)[1].simple_prefixes().front(), "type=events/date=2026-03-02/event=buy/");
  EXPECT_EQ(selections_of(asked, false, true)->size(), 1);
  asked.type = "decisions";
  EXPECT_FALSE(selections_of(asked, true, true));
}

}  // namespace
}  // namespace valetkey::cli

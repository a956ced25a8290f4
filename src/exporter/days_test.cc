// SPDX-License-Identifier: Apache-2.0
// Days that end: they are closed and their parts merged, also where a store takes a publication apart; and those that go.
#include "exporter/days.h"

#include "exporter/testing/exporter_fixture.h"

namespace valetkey::exporter {
namespace {

TEST_F(ExporterTest, ClosesADayOnceItIsOverAndLeavesOnePartForEachPartition) {
  for (const auto* uuid : {"a", "b", "c"}) {
    send({{uuid}, {std::string(uuid) + "d", "e1", "12", "v", true}});
    drain();
  }
  EXPECT_EQ(objects().size(), 6U);
  EXPECT_EQ(exporter_->close_days().value(), 0U);
  clock_.set(kNoon + std::chrono::hours(12));
  EXPECT_EQ(exporter_->close_days().value(), 0U) << "the grace has not passed";
  send({{"late", "buy"}});
  clock_.advance(options_.grace);
  EXPECT_EQ(exporter_->close_days().value(), 1U);
  EXPECT_EQ(rows("event_name", "v1/account_id=12/type=events/date=2026-03-10/"),
            (std::vector<std::string>{"a buy", "b buy", "c buy"}));
  std::vector<std::string> names;
  for (const auto& info : objects("v1/account_id=12/"))
    names.push_back(info.key.substr(info.key.find("type=")));
  EXPECT_EQ(names.size(), 5U) << fmt::format("{}", fmt::join(names, "\n"));
  EXPECT_EQ(names[0], "type=decisions/date=2026-03-10/_SUCCESS");
  EXPECT_TRUE(store_->head("v1/account_id=123/type=events/date=2026-03-10/_SUCCESS"))
      << "also where a day has no rows";
  EXPECT_EQ(exporter_->close_days().value(), 0U);
  EXPECT_EQ(rows("event_name", "v1/account_id=12/type=events/date=2026-03-11/").size(), 1U);
}

TEST_F(ExporterTest, ShowsEveryRowOnceToAReaderWhoPagesDuringCompaction) {
  for (const auto* uuid : {"a", "b", "c", "d"}) {
    send({{uuid}});
    drain();
  }
  storage::ListQuery query{"v1/", "", "", 2, 0};
  auto page = store_->list(query).value();
  std::vector<storage::ListEntry> seen = page.entries;
  clock_.set(kNoon + days(1));
  ASSERT_EQ(exporter_->close_days().value(), 1U);
  while (page.truncated) {
    query.start_after = page.entries.back().info.key;
    query.generation = page.generation;
    page = store_->list(query).value();
    seen.insert(seen.end(), page.entries.begin(), page.entries.end());
  }
  std::uint64_t rows = 0;
  for (const auto& entry : seen) {
    EXPECT_TRUE(store_->open(entry.info.key)) << "replaced parts stay readable";
    rows += entry.info.rows.value_or(0);
  }
  EXPECT_EQ(rows, 4U);
}

// A store that takes a publication apart: the merged part may be there beside those that it stands for.
class TornMergeTest : public ExporterTest {
 protected:
  // Three parts of a day that then is over, closed with a failure; what its readers see then, and after the next look.
  void close_a_day(std::uint64_t round) {
    ASSERT_TRUE(exporter_->close_days());  // the empty days since the last round
    std::vector<std::string> expected;
    for (int i = 0; i < 3; ++i) {
      send({{fmt::format("t{:03}-{}", round, i)}});
      expected.push_back(fmt::format("t{:03}-{} 12", round, i));
      drain();
    }
    const auto prefix =
        layout::day_prefix(accounts_.front().id, layout::RowType::events, date_of(clock_.now()));
    clock_.advance(days(1));
    fail();
    failed_ = !exporter_->close_days();
    reached_ = calls() >= call_;
    heal();
    const auto complete = [&] { return store_->head(prefix + "_SUCCESS").has_value(); };
    if (complete()) EXPECT_EQ(rows("account_id", prefix), expected) << round << " with _SUCCESS";
    if (round % 2 == 0) reopen();
    ASSERT_TRUE(exporter_->close_days());
    EXPECT_TRUE(complete());
    EXPECT_EQ(rows("account_id", prefix), expected) << round;
    merged_ = objects(prefix).size() == 2;
    clock_.advance(days(8));
  }
  virtual void fail() {}
  virtual void heal() {}
  virtual std::uint64_t calls() const { return 0; }  // made since fail()
  // A round for each call, until the last one has succeeded without having met its call, twice.
  void fail_at_each_call() {
    for (int beyond = 0; beyond < 2; ++call_) {
      ASSERT_LT(call_, 100U) << "closing a day takes ever more calls";
      ASSERT_NO_FATAL_FAILURE(close_a_day(call_));
      beyond = reached_ ? 0 : beyond + 1;
      if (!reached_) {
        EXPECT_TRUE(!failed_ && merged_) << call_;
      }
    }
  }
  void SetUp() override {
    ExporterTest::SetUp();
    if (!faulty_) return;
    faulty_->able = storage::Capabilities{};
    faulty_->tears = true;
  }
  bool failed_ = false, merged_ = false, reached_ = false;
  std::uint64_t call_ = 1;
};

TEST_F(TornMergeTest, MergesTheSmallPartsOfADay) {
  close_a_day(0);
  EXPECT_FALSE(failed_);
  EXPECT_TRUE(merged_) << "one part and _SUCCESS";
  EXPECT_TRUE(ledger_->planned_merges().value().empty());
}

class TornByTheStore : public TornMergeTest {
  void fail() override { faulty_->fail_call(call_); }
  void heal() override { faulty_->fail_call(0); }
  std::uint64_t calls() const override { return faulty_->calls(); }
};
TEST_F(TornByTheStore, ShowsNoRowTwiceWhereverItFailed) {
  fail_at_each_call();
  EXPECT_GT(call_, 15U);
}

class TornByTheLedger : public TornMergeTest {
  void fail() override { ledger_calls_.fail_call(call_); }
  void heal() override { ledger_calls_.fail_call(0); }
  std::uint64_t calls() const override { return ledger_calls_.calls(); }
};
TEST_F(TornByTheLedger, ShowsNoRowTwiceWhereverItFailed) {
  fail_at_each_call();
  EXPECT_GT(call_, 6U);
}

TEST_F(TornMergeTest, ErasesAVisitorFromWhatADeathLeftTwice) {
  for (const auto* uuid : {"a", "b"}) {
    send({{uuid, "buy", "12", "a"}});
    drain();
  }
  const auto parts = objects("v1/account_id=12/type=events/");
  ASSERT_EQ(parts.size(), 2U);
  // As after a death behind the publication's first half: both parts' rows in a third one.
  const auto output =
      parts[0].key.substr(0, parts[0].key.rfind('/') + 1) + "part-00000-m.c000.snappy.parquet";
  const auto lease = ledger_->take_lease(kDays).value();
  ASSERT_TRUE(ledger_->plan_merge(lease, {output, {parts[0].key, parts[1].key}}));
  const auto copy = folder_ / "copy";
  ASSERT_TRUE(fetch_object(*store_, parts[0].key, copy));
  PartPublisher publisher(*store_, clock_.now());
  ASSERT_TRUE(publisher.add(output, {copy, 0, 1, {}}));
  ASSERT_TRUE(publisher.flush());
  std::uint64_t erased = 0;
  reopen();
  ASSERT_TRUE(
      exporter_->erase_visitor(accounts_.front().id, sha256_hex("a"),
                               [&](const std::string&, std::uint64_t count) -> Result<void> {
                                 erased += count;
                                 return {};
                               }));
  EXPECT_EQ(erased, 1U) << "a row that was there twice is one row";
  EXPECT_TRUE(ledger_->planned_merges().value().empty());
}

TEST_F(ExporterTest, NeverAddsToAClosedDayEvenIfTheClockGoesBack) {
  send({{"a"}});
  clock_.set(kNoon + days(1));
  ASSERT_EQ(exporter_->close_days().value(), 1U);
  const auto before = objects("v1/account_id=12/type=events/date=2026-03-10/").size();
  clock_.set(kNoon);
  send({{"late"}});
  drain();
  EXPECT_EQ(objects("v1/account_id=12/type=events/date=2026-03-10/").size(), before);
  EXPECT_EQ(rows("process_timestamp", "v1/account_id=12/type=events/date=2026-03-11/"),
            (std::vector<std::string>{"late 2026-03-11 00:00:00"}));
  EXPECT_EQ(ledger_->counts()->at("12").late, 1U);
}

// As they lie in memory, the rows of the merged part are more than two row groups may hold.
TEST_F(ExporterTest, MergesLargeRowsIntoRowGroupsOfAFew) {
  for (const auto& uuid : {"a", "b", "c"}) {
    append(wide_event(uuid, "12", 500, 1000), 1);
    drain();
  }
  clock_.set(kNoon + days(1));
  ASSERT_EQ(exporter_->close_days().value(), 1U);
  const std::string prefix = "v1/account_id=12/type=decisions/date=2026-03-10/experiment=x/";
  ASSERT_EQ(objects(prefix).size(), 1U);
  EXPECT_EQ(rows("len(attributes)", prefix).size(), 1500U);
  const auto part = folder_ / "reader" / "merged.parquet";
  ASSERT_TRUE(fetch_object(*store_, objects(prefix)[0].key, part));
  auto duckdb = duckdb::Database::open({.library = kLibrary, .folder = folder_ / "reader"});
  ASSERT_TRUE(duckdb);
  int groups = 0;
  ASSERT_TRUE((*duckdb)->read(
      "SELECT DISTINCT row_group_id::VARCHAR FROM parquet_metadata('" + part.string() + "')",
      [&](duckdb::TextRow) {
        ++groups;
        return Result<void>();
      }));
  EXPECT_GE(groups, 2);
}

TEST_F(ExporterTest, MergesAFewFilesAtATimeAndLeavesLargeOnes) {
  std::vector<Sent> many;
  for (int i = 0; i < 1000; ++i) many.push_back({fmt::format("m{}", i)});
  send(many);
  drain();
  const auto large = objects("v1/account_id=12/")[0];
  for (const auto* uuid : {"a", "b", "c", "d", "e"}) {
    send({{uuid}});
    drain();
  }
  const auto small = objects("v1/account_id=12/")[0].key == large.key
                         ? objects("v1/account_id=12/")[1]
                         : objects("v1/account_id=12/")[0];
  options_.merged_bytes = large.size + small.size + 100;  // it would fit beside a small one
  const auto together = options_.merged_bytes / (small.size + 50);
  ASSERT_GT(large.size, options_.merged_bytes / 2);
  ASSERT_GT(together, 1U);
  ASSERT_LT(together, 5U);
  reopen();
  clock_.set(kNoon + days(1));
  ASSERT_EQ(exporter_->close_days().value(), 1U);
  const auto left = objects("v1/account_id=12/type=events/date=2026-03-10/event=buy/");
  EXPECT_EQ(left.size(), (5 + together - 1) / together + 1);
  EXPECT_TRUE(std::ranges::any_of(left, [&](const auto& each) { return each.key == large.key; }));
  EXPECT_EQ(rows("event_name", "v1/account_id=12/").size(), 1005U);
}

TEST_F(ExporterTest, ClosesADayWhoseMergingTakesTooLong) {
  for (const auto* uuid : {"a", "b"}) {
    send({{uuid}});
    drain();
  }
  options_.merging = milliseconds(0);
  reopen();
  clock_.set(kNoon + days(1));
  ASSERT_EQ(exporter_->close_days().value(), 1U);
  EXPECT_EQ(objects("v1/account_id=12/type=events/date=2026-03-10/event=buy/").size(), 2U);
  EXPECT_TRUE(store_->head("v1/account_id=12/type=events/date=2026-03-10/_SUCCESS"));
}

TEST_F(ExporterTest, RemovesDaysThatRetentionHasPassed) {
  accounts_[0].retention = days(2);
  for (int i = 0; i < 4; ++i) {
    send({{fmt::format("u{}", i)}, {fmt::format("w{}", i), "buy", "123"}});
    drain();
    clock_.advance(days(1));
  }
  EXPECT_EQ(exporter_->apply_retention().value(), 2U);
  EXPECT_EQ(rows("account_id"),
            (std::vector<std::string>{"u2 12", "u3 12", "w0 123", "w1 123", "w2 123", "w3 123"}));
}

}  // namespace
}  // namespace valetkey::exporter

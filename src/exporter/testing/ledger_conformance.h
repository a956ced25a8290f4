// SPDX-License-Identifier: Apache-2.0
// For tests: what every Ledger does. Each implementation's test gives a LedgerUnderTest and instantiates the suite.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "exporter/ledger.h"

namespace valetkey::exporter {

inline constexpr auto kNow = Timestamp(std::chrono::milliseconds(1'600'000'000'000));

// Holds a ledger, empty at first, and what it needs.
class LedgerUnderTest {
 public:
  virtual ~LedgerUnderTest() = default;
  virtual Ledger& ledger() = 0;
};
// Null: that form cannot run here.
using MakeLedgerUnderTest = std::unique_ptr<LedgerUnderTest> (*)();

class LedgerConformance : public testing::TestWithParam<MakeLedgerUnderTest> {
 protected:
  void SetUp() override {
    if (test_ == nullptr) GTEST_SKIP() << "what this form needs does not run here";
  }
  Ledger& ledger() { return test_->ledger(); }
  Lease lease(Work work) { return ledger().take_lease(work).value(); }
  std::unique_ptr<LedgerUnderTest> test_ = GetParam()();
};

TEST_P(LedgerConformance, GoesOnWhereTheLastBatchOfThePartitionEnded) {
  const auto one = lease(1);
  EXPECT_EQ(ledger().consumed(1).value(), 0U);
  const auto batch = ledger().begin(one, 0, 7).value();
  EXPECT_EQ(ledger().unfinished(1).value()->id, batch.id);
  EXPECT_EQ(ledger().floor(1).value(), 7U)
      << "even if the log is lost, its offsets go on behind the batch";
  EXPECT_EQ(ledger().consumed(1).value(), 0U);
  ASSERT_TRUE(ledger().finish(one, batch, {}, kNow));
  EXPECT_EQ(ledger().consumed(1).value(), 7U);
  EXPECT_FALSE(ledger().unfinished(1).value());
  EXPECT_EQ(ledger().consumed(0).value(), 0U) << "another partition";
  EXPECT_EQ(ledger().last_finished().value(), kNow);
}

TEST_P(LedgerConformance, KeepsRunsWithTheirBatchesUntilTheyAreCutOnce) {
  const auto held = lease(1);
  EXPECT_EQ(ledger().run_totals()->runs, 0U);
  const auto add = [&](std::uint64_t first, std::uint64_t next) {
    const auto batch = ledger().begin(held, first, next, true).value();
    EXPECT_TRUE(ledger().unfinished(1).value()->into_run);
    ExportResult result;
    result.run = {batch.id, 1, first, next, batch.open_day, next - first, 70, kNow, kNow};
    result.in_run["12"] = next - first;
    ASSERT_TRUE(ledger().finish(held, batch, result, kNow));
  };
  add(0, 3);
  add(3, 5);
  const auto runs = ledger().runs().value();
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(std::tie(runs[1].first, runs[1].next, runs[1].events, runs[1].bytes),
            (std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>(3, 5, 2, 70)));
  EXPECT_EQ(runs[1].made, kNow);
  EXPECT_EQ(ledger().run_totals()->runs, 2U);
  EXPECT_EQ(ledger().run_totals()->events, 5U);
  EXPECT_EQ(ledger().waiting_in_runs().value().at("12").events, 5U);
  EXPECT_EQ(ledger().waiting_in_runs().value().at("12").oldest, kNow);
  const auto cut = ledger().begin_cut(held, 5).value();
  EXPECT_EQ(ledger().begin_cut(held, 5).error().code, ErrorCode::already_exists);
  EXPECT_EQ(ledger().unfinished_cuts().value().at(0).id, cut.id);
  add(5, 6);  // goes on meanwhile
  std::map<std::string, ExportCounts> counts;
  counts["12"] = {.events = 5, .rows = 5, .parts = 1, .bytes = 9};
  ASSERT_TRUE(ledger().finish_cut(held, cut, counts));
  EXPECT_EQ(ledger().finish_cut(held, cut, counts).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().counts().value().at("12").rows, 5U) << "counted once";
  ASSERT_EQ(ledger().runs().value().size(), 1U);
  EXPECT_EQ(ledger().waiting_in_runs().value().at("12").events, 1U);
  EXPECT_TRUE(ledger().unfinished_cuts().value().empty());
  const auto other = ledger().take_lease(1).value();
  EXPECT_EQ(ledger().begin_cut(held, 6).error().code, ErrorCode::busy) << "of a former holder";
  ASSERT_TRUE(ledger().finish_cut(other, ledger().begin_cut(other, 6).value(),
                                  {{"12", {.events = 1, .rows = 1, .parts = 1, .bytes = 9}}}));
  EXPECT_TRUE(ledger().waiting_in_runs().value().empty());
}

TEST_P(LedgerConformance, CountsWhatADamagedRunLostAsDroppedOnce) {
  const auto held = lease(1);
  const auto add = [&](std::uint64_t first, std::uint64_t next) {
    const auto batch = ledger().begin(held, first, next, true).value();
    ExportResult result;
    result.run = {batch.id, 1, first, next, batch.open_day, next - first, 70, kNow, kNow};
    result.in_run = {{"12", next - first - 1}, {"7", 1}};
    EXPECT_TRUE(ledger().finish(held, batch, result, kNow));
    return *result.run;
  };
  const auto dropped = [&](const std::string& account) {
    return ledger().losses().value().dropped[account][std::string(kInDamagedRun)];
  };
  auto reduced = add(0, 5);
  const auto sound = add(5, 8), gone = add(8, 10);
  reduced.events = 1;
  reduced.bytes = 20;
  EXPECT_TRUE(ledger().reduce_run(reduced, 5, {{"12", 4}}).value());
  EXPECT_FALSE(ledger().reduce_run(reduced, 5, {{"12", 4}}).value()) << "another was first";
  EXPECT_EQ(ledger().runs().value().at(0).events, 1U);
  EXPECT_EQ(ledger().runs().value().at(0).bytes, 20U);
  EXPECT_EQ(ledger().waiting_in_runs().value().at("12").events, 3U);
  EXPECT_EQ(dropped("12"), 4U);
  auto none = gone;
  none.events = none.bytes = 0;
  none.id = sound.id;
  EXPECT_FALSE(ledger().reduce_run(none, 2, {{"12", 1}}).value()) << "of a run that is not there";
  none.id = gone.id;
  EXPECT_TRUE(ledger().reduce_run(none, 2, {}).value()) << "whose events nobody can tell";
  EXPECT_FALSE(ledger().reduce_run(none, 2, {}).value());
  EXPECT_EQ(ledger().runs().value().size(), 2U);
  EXPECT_EQ(ledger().waiting_in_runs().value().at("12").events, 3U);
  const std::map<std::string, ExportCounts> cut{{"12", {.events = 2}}, {"7", {.events = 2}}};
  ASSERT_TRUE(ledger().finish_cut(held, ledger().begin_cut(held, 10).value(), cut));
  EXPECT_TRUE(ledger().waiting_in_runs().value().empty());
  EXPECT_EQ(dropped("12"), 5U) << "what no run holds any more";
  EXPECT_EQ(dropped("7"), 1U);
  auto last = add(10, 13);
  last.events = last.bytes = 0;
  ASSERT_TRUE(ledger().reduce_run(last, 3, {}).value());
  EXPECT_TRUE(ledger().waiting_in_runs().value().empty());
  EXPECT_EQ(dropped("12"), 7U);
}

TEST_P(LedgerConformance, HasOneUnfinishedBatchOfAPartitionAndFinishesItOnce) {
  const auto held = lease(0);
  const auto batch = ledger().begin(held, 0, 3).value();
  EXPECT_EQ(ledger().begin(held, 0, 4).error().code, ErrorCode::already_exists);
  ExportResult result;
  result.counts["12"].events = 3;
  ASSERT_TRUE(ledger().finish(held, batch, result, kNow));
  EXPECT_EQ(ledger().finish(held, batch, result, kNow).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().counts().value().at("12").events, 3U) << "counted once";
  ExportResult more;
  more.counts["7"] = {.events = 4, .rows = 8, .parts = 2, .bytes = 90};
  ASSERT_TRUE(ledger().finish(held, ledger().begin(held, 3, 4).value(), more, kNow));
  const auto sum = ledger().total_counts().value();
  EXPECT_EQ(sum.events, 7U);
  EXPECT_EQ(sum.rows, 8U);
  EXPECT_EQ(sum.parts, 2U);
  EXPECT_EQ(sum.bytes, 90U);
}

TEST_P(LedgerConformance, RefusesEveryWriteOfAFormerHolderAndChangesNothing) {
  const auto former = lease(0), former_days = lease(kDays);
  const auto batch = ledger().begin(former, 0, 3).value();
  const auto id = ledger().request_erasure("12", std::string(64, 'a'), kNow).value();
  const auto now = lease(0);
  lease(kDays);
  EXPECT_GT(now.epoch, former.epoch);
  const auto leases = ledger().leases().value();
  ASSERT_EQ(leases.size(), 2U);
  EXPECT_EQ(leases[0].work, kDays);
  EXPECT_EQ(leases[1].epoch, now.epoch);
  EXPECT_EQ(ledger().finish(former, batch, {}, kNow).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().replace_seen(former, {}, {{"k", Date(), 1}}).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().close_day(former_days, date_of(kNow)).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().plan_merge(former_days, {"k", {"i"}}).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().finish_merge(former_days, "k").error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().note_repeats(former_days, {"k", "12", 1, 1}).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().note_erased(former_days, id, "k", 1).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().finish_erasure(former_days, id, {}).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().forget_account(former_days, "12", 0).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().begin({5, 1}, 0, 1).error().code, ErrorCode::busy) << "nobody took it";
  EXPECT_EQ(ledger().unfinished(0).value()->id, batch.id);
  EXPECT_TRUE(ledger().all_seen().value().empty());
  EXPECT_FALSE(ledger().closed_through().value());
  EXPECT_EQ(ledger().next_erasure().value()->id, id);
  EXPECT_TRUE(ledger().finish(now, batch, {}, kNow));
}

TEST_P(LedgerConformance, KeepsTheFilesOfSeenUuidsByPartition) {
  const auto zero = lease(0), one = lease(1);
  ExportResult result;
  result.seen = {{"b", Date(), 2}};
  ASSERT_TRUE(ledger().finish(zero, ledger().begin(zero, 0, 1).value(), result, kNow));
  result.seen = {{"a", Date(), 3}};
  ASSERT_TRUE(ledger().finish(one, ledger().begin(one, 0, 1).value(), result, kNow));
  ASSERT_EQ(ledger().seen(0).value().size(), 1U);
  EXPECT_EQ(ledger().seen(0).value()[0].key, "b");
  EXPECT_EQ(ledger().seen(1).value()[0].uuids, 3U);
  EXPECT_EQ(ledger().all_seen().value().size(), 2U);
  ASSERT_TRUE(ledger().replace_seen(one, {"a"}, {{"c", Date(), 3}}));
  EXPECT_EQ(ledger().seen(1).value()[0].key, "c");
  ASSERT_TRUE(ledger().forget_seen("b"));
  EXPECT_TRUE(ledger().seen(0).value().empty());
}

TEST_P(LedgerConformance, ClosesDaysInOneDirection) {
  const auto days = lease(kDays);
  const Date day = date_of(kNow);
  ASSERT_TRUE(ledger().close_day(days, day));
  ASSERT_TRUE(ledger().close_day(days, day - std::chrono::days(3)));
  EXPECT_EQ(ledger().closed_through().value(), day);
  EXPECT_EQ(ledger().begin(lease(0), 0, 1).value().open_day, day + std::chrono::days(1));
}

TEST_P(LedgerConformance, LetsNoBatchBeginInASealedDay) {
  const auto former = lease(kDays);
  const auto days = lease(kDays);
  const Date day = date_of(kNow);
  ASSERT_TRUE(ledger().close_day(days, day - std::chrono::days(5)));
  ASSERT_TRUE(ledger().seal_day(days, day));
  ASSERT_TRUE(ledger().seal_day(days, day - std::chrono::days(3)));
  EXPECT_EQ(ledger().seal_day(former, day + std::chrono::days(9)).error().code, ErrorCode::busy);
  EXPECT_EQ(ledger().closed_through().value(), day - std::chrono::days(5));
  EXPECT_EQ(ledger().begin(lease(0), 0, 1).value().open_day, day + std::chrono::days(1));
  ASSERT_TRUE(ledger().close_day(days, day + std::chrono::days(2)));
  EXPECT_EQ(ledger().begin(lease(1), 0, 1).value().open_day, day + std::chrono::days(3));
}

TEST_P(LedgerConformance, KeepsPlansOfMergesUntilTheyAreDone) {
  const auto days = lease(kDays);
  EXPECT_TRUE(ledger().planned_merges().value().empty());
  ASSERT_TRUE(ledger().plan_merge(days, {"out", {"a", "b"}}));
  ASSERT_TRUE(ledger().plan_merge(days, {"another", {"c"}}));
  ASSERT_TRUE(ledger().plan_merge(days, {"out", {"b", "d"}})) << "in place of the former";
  EXPECT_EQ(ledger().planned_merges().value(),
            (std::vector<PlannedMerge>{{"another", {"c"}}, {"out", {"b", "d"}}}));
  ASSERT_TRUE(ledger().finish_merge(days, "out"));
  ASSERT_TRUE(ledger().finish_merge(days, "out")) << "again";
  EXPECT_EQ(ledger().planned_merges().value().size(), 1U);
}

TEST_P(LedgerConformance, CountsWhatAnErasureTookOnceHoweverOftenItIsInterrupted) {
  const auto days = lease(kDays);
  const auto first = ledger().request_erasure("12", std::string(64, 'a'), kNow).value();
  const auto second = ledger().request_erasure("12", std::string(64, 'b'), kNow).value();
  EXPECT_EQ(ledger().next_erasure().value()->id, first);
  ASSERT_TRUE(ledger().note_erased(days, first, "part", 4));
  ASSERT_TRUE(ledger().note_erased(days, first, "part", 4));
  EXPECT_FALSE(ledger().erased(first).value());
  ASSERT_TRUE(ledger().finish_erasure(days, first, {"broken"}));
  EXPECT_EQ(ledger().erased(first).value()->rows, 4U);
  EXPECT_EQ(ledger().erased(first).value()->unreadable, std::vector<std::string>{"broken"});
  EXPECT_EQ(ledger().erased_rows().value().at("12"), 4U);
  ASSERT_TRUE(ledger().finish_erasure(days, first, {"broken"}));
  EXPECT_EQ(ledger().erased_rows().value().at("12"), 4U) << "once";
  EXPECT_EQ(ledger().next_erasure().value()->id, second);
  ASSERT_TRUE(ledger().forget_account(days, "12", 0));
  EXPECT_FALSE(ledger().next_erasure().value());
  EXPECT_TRUE(ledger().erased_rows().value().empty());
}

TEST_P(LedgerConformance, CountsWhatCameAgainOnADayOnceHoweverOftenItIsNoted) {
  const auto zero = lease(0), days = lease(kDays);
  ExportResult result;
  result.counts["12"] = {.events = 5, .rows = 9};
  result.counts["13"] = {.events = 1, .rows = 1};
  ASSERT_TRUE(ledger().finish(zero, ledger().begin(zero, 0, 6).value(), result, kNow));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ledger().note_repeats(days, {"part", "12", 3, 1}));
  ASSERT_TRUE(ledger().note_repeats(days, {"other", "12", 2, 1}));
  EXPECT_EQ(ledger().erased_rows().value().at("12"), 5U) << "they may be gone already";
  EXPECT_EQ(ledger().counts().value().at("12").duplicates, 0U);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ledger().close_day(days, date_of(kNow)));
  EXPECT_EQ(ledger().erased_rows().value().at("12"), 5U);
  EXPECT_EQ(ledger().counts().value().at("12").duplicates, 2U);
  EXPECT_EQ(ledger().counts().value().at("12").events, 3U);
  EXPECT_EQ(ledger().counts().value().at("13").events, 1U);
  ASSERT_TRUE(ledger().note_repeats(days, {"part", "12", 3, 1}));
  ASSERT_TRUE(ledger().forget_account(days, "12", 0));
  EXPECT_TRUE(ledger().erased_rows().value().empty());
}

TEST_P(LedgerConformance, KeepsTheFormatOfPartsAndTheWishForAnother) {
  EXPECT_FALSE(ledger().timestamps().value());
  EXPECT_FALSE(ledger().rewriting().value());
  ASSERT_TRUE(ledger().request_rewrite());
  EXPECT_FALSE(ledger().timestamps().value());
  ASSERT_TRUE(ledger().set_timestamps(layout::TimestampUnit::milliseconds));
  EXPECT_EQ(ledger().timestamps().value(), layout::TimestampUnit::milliseconds);
  ASSERT_TRUE(ledger().set_timestamps(layout::TimestampUnit::microseconds));
  EXPECT_EQ(ledger().timestamps().value(), layout::TimestampUnit::microseconds);
  EXPECT_TRUE(ledger().rewriting().value());
  const auto former = lease(kDays);
  const auto days = lease(kDays);
  EXPECT_EQ(ledger().finish_rewrite(former).error().code, ErrorCode::busy);
  ASSERT_TRUE(ledger().finish_rewrite(days));
  EXPECT_FALSE(ledger().rewriting().value());
  EXPECT_TRUE(ledger().timestamps().value());
}

TEST_P(LedgerConformance, KeepsWhatAnybodyNotes) {
  IntakeLosses losses;
  losses.dropped["12"]["uuid"] = 2;
  losses.unknown_events = 1;
  losses.last_unknown = "x";
  ASSERT_TRUE(ledger().add_losses(losses));
  ASSERT_TRUE(ledger().add_losses(losses));
  EXPECT_EQ(ledger().losses().value().dropped.at("12").at("uuid"), 4U);
  EXPECT_EQ(ledger().losses().value().unknown_events, 2U);
  EXPECT_FALSE(ledger().requested().value());
  ASSERT_TRUE(ledger().request_run(kNow));
  ASSERT_TRUE(ledger().request_run(kNow + std::chrono::seconds(2)));
  EXPECT_EQ(ledger().requested().value(), kNow + std::chrono::seconds(2));
  ASSERT_TRUE(ledger().note_failure(kNow, "why"));
  EXPECT_EQ(ledger().failed_since(kNow).value(), "why");
  EXPECT_FALSE(ledger().failed_since(kNow + milliseconds(1)).value());
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LedgerConformance);

}  // namespace valetkey::exporter

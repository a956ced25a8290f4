// SPDX-License-Identifier: Apache-2.0
// Runs and their cuts: when parts come, how many, and every row once wherever a cut was interrupted.
#include "exporter/runs.h"

#include "exporter/testing/runs_fixture.h"

namespace valetkey::exporter {
namespace {

TEST_F(RunsTest, BecomePartsAtTheTurnOfTheHour) {
  use(CutAt::hour);
  send({{"a"}, {"b", "click"}, {"c", "buy", "123"}, {"a"}});
  clock_.advance(minutes(20));
  work();
  EXPECT_TRUE(objects().empty());
  EXPECT_EQ(run_objects(), 2U) << "of two partitions of the log";
  EXPECT_EQ(waiting(), 2U);
  EXPECT_EQ(waiting("123"), 1U);
  EXPECT_EQ(ledger_->counts()->at("12").events, 0U) << "exported when they are in parts";
  send({{"a"}, {"d"}});
  clock_.advance(minutes(20));
  work();
  EXPECT_TRUE(objects().empty());
  clock_.advance(minutes(21));
  work();
  EXPECT_EQ(rows("event_name"), (std::vector<std::string>{"a buy", "b click", "c buy", "d buy"}));
  EXPECT_EQ(objects().size(), 3U) << "one part for a partition, of two batches";
  EXPECT_EQ(run_objects(), 0U);
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(ledger_->counts()->at("12").events, 3U);
  EXPECT_EQ(ledger_->counts()->at("12").rows, 3U);
  EXPECT_EQ(ledger_->counts()->at("12").duplicates, 2U);
}

TEST_F(RunsTest, BecomePartsBeforeTheirDayCloses) {
  use(CutAt::day);
  send({{"a"}});
  clock_.advance(hours(5));
  work();
  send({{"b"}});
  clock_.advance(hours(5));
  work();
  EXPECT_TRUE(objects().empty());
  clock_.set(date_of(clock_.now()) + days(1) + minutes(1));
  send({{"c"}});  // within the grace
  clock_.advance(minutes(2));
  EXPECT_EQ(exporter_->close_days().value(), 1U);
  EXPECT_EQ(rows("event_name", "v1/account_id=12/type=events/date=2026-03-10/").size(), 2U);
  EXPECT_EQ(rows("event_name", "v1/account_id=12/type=events/date=2026-03-11/").size(), 1U);
  EXPECT_TRUE(store_->head("v1/account_id=12/type=events/date=2026-03-10/_SUCCESS"));
}

TEST_F(RunsTest, BecomePartsWhereThereAreTooManyOfThem) {
  options_.longest_wait = minutes(1);
  use(CutAt::day);
  for (int i = 0; i < 130; ++i) {
    send({{fmt::format("{:03}", i)}});
    clock_.advance(minutes(1));
    work();
  }
  EXPECT_EQ(rows("event_name").size(), 128U);
  EXPECT_EQ(run_objects(), 2U);
}

TEST_F(RunsTest, ThatCannotBeReadHoldUpNoOtherEvents) {
  use(CutAt::hour);
  send({{"a"}});
  clock_.advance(minutes(20));
  work();
  storage::Publication gone;
  for (const auto& run : objects(std::string(kRunsPrefix))) gone.remove.push_back(run.key);
  ASSERT_EQ(gone.remove.size(), 1U);
  ASSERT_TRUE(store_->publish(std::move(gone)));
  send({{"b"}});
  clock_.advance(hours(1));
  EXPECT_TRUE(exporter_->run_batch().value()) << "the batch of b";
  EXPECT_EQ(run_objects(), 1U);
  EXPECT_FALSE(exporter_->run_batch()) << "then it says so";
  EXPECT_FALSE(exporter_->drain()) << "who asks for all of it is told";
  send({{"c", "buy", "123"}});
  clock_.advance(hours(1));
  ASSERT_TRUE(exporter_->run_batch().value()) << "the batch of c";
  clock_.advance(hours(1));
  EXPECT_TRUE(exporter_->run_batch().value());
  EXPECT_EQ(rows("event_name"), std::vector<std::string>{"c buy"}) << "another partition's are cut";
}

TEST_F(RunsTest, BecomePartsWhenSomebodyAsks) {
  use(CutAt::day);
  send({{"a"}});
  drain();
  EXPECT_EQ(rows("event_name").size(), 1U);
  EXPECT_EQ(run_objects(), 0U);
}

TEST_F(RunsTest, GiveTheSameRowsInFewerParts) {
  constexpr unsigned kQuarters = 46;  // from noon to half an hour before midnight
  std::map<CutAt, std::uint64_t> parts;
  std::vector<std::string> expected;
  for (const auto cut : {CutAt::batch, CutAt::hour, CutAt::day}) {
    TearDown();
    clock_.set(kNoon);
    SetUp();
    use(cut);
    expected = send_a_day(kQuarters);
    std::ranges::sort(expected);
    clock_.set(date_of(clock_.now()) + days(1) + minutes(5));
    ASSERT_EQ(exporter_->close_days().value(), 1U);
    EXPECT_EQ(rows("event_name"), expected);
    EXPECT_EQ(run_objects(), 0U);
    parts[cut] = parts_written();
  }
  constexpr std::uint64_t kPartitions = 4;  // three of one account, one of the other
  EXPECT_EQ(parts[CutAt::batch], kPartitions * kQuarters);
  EXPECT_EQ(parts[CutAt::hour], kPartitions * 12);
  EXPECT_EQ(parts[CutAt::day], kPartitions);
}

// As after a kill: at one call, and at all that follow.
class InterruptedCutTest : public RunsTest {
 protected:
  template <class Calls>
  void repeat_wherever(Calls& calls, std::uint64_t at_least) {
    use(CutAt::hour);
    std::vector<std::string> expected;
    std::uint64_t failures = 0;
    for (std::uint64_t call = 1;; ++call) {
      for (int batch = 0; batch < 2; ++batch) {
        std::vector<Sent> events;
        for (int i = 0; i < 3; ++i) {
          events.push_back(
              {fmt::format("c{:03}-{}-{}", call, batch, i), fmt::format("n{}", i % 2)});
          expected.push_back(events.back().uuid + " 12");
        }
        send(events);
        if (batch == 1) calls.fail_call(call);
        clock_.advance(minutes(16));
        if (batch == 0) work();
      }
      static_cast<void>(exporter_->drain());  // which goes on with other work where a cut fails
      const bool reached = calls.calls() >= call;
      calls.fail_call(0);
      if (!reached) break;
      ++failures;
      if (call % 3 == 0) reopen();
      clock_.advance(minutes(1));  // after which a cut that failed is tried again
      drain();
      EXPECT_EQ(waiting(), 0U);
      clock_.advance(days(1));
      ASSERT_TRUE(exporter_->close_days());
    }
    EXPECT_GT(failures, at_least);
    EXPECT_EQ(rows("account_id"), expected);
    EXPECT_EQ(ledger_->counts()->at("12").rows, expected.size()) << "counted once";
    reopen();
    send({{"the last"}});
    drain();
    EXPECT_EQ(run_objects(), 0U) << "what a death left is gone";
  }
};

TEST_F(InterruptedCutTest, IsRepeatedWithoutHarmWhereverTheStoreFailed) {
  repeat_wherever(*faulty_, 15);
}

TEST_F(InterruptedCutTest, IsRepeatedWithoutHarmWhereverTheLedgerFailed) {
  repeat_wherever(ledger_calls_, 10);
}

TEST_F(RunsTest, OfAnEarlierSettingBecomePartsAtOnce) {
  use(CutAt::day);
  send({{"a"}});
  clock_.advance(minutes(20));
  work();
  send({{"b"}});
  clock_.advance(minutes(20));
  faulty_->fail_call(1);  // within a batch that was to be a run
  EXPECT_FALSE(exporter_->run_batch());
  faulty_->fail_call(0);
  ASSERT_TRUE(ledger_->unfinished(kMine).value());
  EXPECT_TRUE(ledger_->unfinished(kMine).value()->into_run);
  use(CutAt::batch);
  work();
  EXPECT_EQ(rows("event_name"), (std::vector<std::string>{"a buy", "b buy"}));
  EXPECT_EQ(run_objects(), 0U);
}

// A uuid again in another run, once part of one and in parts, and behind a restart: what memory forgot in between lies
// twice until the day is over.
TEST_F(RunsTest, GiveEachUuidOnceAtTheEndOfTheDay) {
  for (const auto cut : {CutAt::hour, CutAt::day})
    for (const std::uint64_t memory : {16, 1 << 20}) {
      TearDown();
      clock_.set(kNoon);
      SetUp();
      options_.dedup = Dedup::day;
      options_.recent_uuid_bytes = memory;  // the newest file alone, or all
      use(cut);
      const auto next = [&](const std::vector<Sent>& events) {
        send(events);
        clock_.advance(minutes(16));
        work();
      };
      next({{"a"}, {"b", "click"}});
      next({{"c"}, {"d"}});
      next({{"a"}, {"c"}});  // of two runs that wait
      clock_.advance(hours(1));
      work();
      EXPECT_EQ(run_objects() == 0, cut == CutAt::hour);
      next({{"a"}, {"b", "click"}, {"e"}});  // of parts, with the hour
      reopen();
      next({{"d"}, {"e"}, {"a"}});
      reopen();
      next({{"f"}});
      clock_.set(date_of(clock_.now()) + days(1) + minutes(10));
      reopen();
      ASSERT_EQ(exporter_->close_days().value(), 1U);
      EXPECT_EQ(rows("event_name"),
                (std::vector<std::string>{"a buy", "b click", "c buy", "d buy", "e buy", "f buy"}))
          << memory;
      EXPECT_EQ(run_objects(), 0U);
      const auto counts = ledger_->counts()->at("12");
      EXPECT_EQ(counts.events, 6U) << memory;
      EXPECT_EQ(counts.duplicates, 7U) << memory;
      const auto gone = ledger_->erased_rows().value();
      EXPECT_EQ(counts.rows - (gone.contains("12") ? gone.at("12") : 0), 6U);
    }
}

TEST_F(InterruptedCutTest, GivesEachUuidOnceAtTheEndOfTheDayWhereverTheLedgerFailed) {
  options_.dedup = Dedup::day;
  options_.recent_uuid_bytes = 16;
  use(CutAt::hour);
  std::vector<std::string> expected;
  bool reached = true;
  for (std::uint64_t call = 1; reached; ++call) {
    ASSERT_LT(call, 200U);
    const auto uuid = [&](const char* name) { return fmt::format("{:03}{}", call, name); };
    for (const auto* name : {"a", "b", "a"}) {
      send({{uuid(name)}});
      clock_.advance(minutes(16));
      work();
    }
    expected.push_back(uuid("a") + " 12");
    expected.push_back(uuid("b") + " 12");
    clock_.set(date_of(clock_.now()) + days(1) + minutes(10));
    ledger_calls_.fail_call(call);
    static_cast<void>(exporter_->close_days());
    reached = ledger_calls_.calls() >= call;
    ledger_calls_.fail_call(0);
    clock_.advance(minutes(1));
    if (call % 2 == 0) reopen();
    ASSERT_TRUE(exporter_->close_days()) << call;
    clock_.set(date_of(clock_.now()) + hours(12));
  }
  EXPECT_EQ(rows("account_id"), expected);
}

TEST_F(RunsTest, HoldNothingOfAVisitorWhoWasErased) {
  use(CutAt::day);
  send({{"a"}, {"b", "buy", "12", "another"}});
  clock_.advance(minutes(20));
  work();
  ASSERT_EQ(run_objects(), 1U);
  EXPECT_EQ(erase("v"), 1U);
  EXPECT_EQ(rows("event_name"), (std::vector<std::string>{"b buy"}));
  EXPECT_EQ(run_objects(), 0U);
}

// The cut is done, its runs are still there: the process died in between.
TEST_F(RunsTest, ThatADeathLeftGoBeforeAnErasure) {
  use(CutAt::day);
  send({{"a"}});
  clock_.advance(minutes(20));
  work();
  const auto run = ledger_->runs().value().at(0);
  const auto bytes = [&] {
    const auto reader = store_->open(run_key(run.log_partition, run.id)).value();
    std::string content(reader->info().size, '\0');
    EXPECT_TRUE(reader->read(0, content, storage::ReadMode::blocking));
    return content;
  }();
  drain();
  PartPublisher publisher(*store_, clock_.now());
  ASSERT_TRUE(publisher.add_bytes(run_key(run.log_partition, run.id), bytes));
  ASSERT_TRUE(publisher.flush());
  ASSERT_EQ(run_objects(), 1U);
  EXPECT_EQ(erase("v"), 1U);
  EXPECT_EQ(run_objects(), 0U);
}

TEST(Runs, AreReadAsTheyWereWritten) {
  RunBuilder builder;
  builder.add("12", "first", {true, false, true});
  builder.add("7", "other", {true});
  builder.add("12", "second", {false, true});
  builder.add("9", "nothing of it stays", {false});
  EXPECT_EQ(builder.events(), 4U);
  std::string bytes;
  ASSERT_TRUE(builder.write([&](std::string_view piece) -> Result<void> {
    bytes += piece;
    return {};
  }));
  const auto head = run_head_bytes(bytes.substr(0, kRunStart)).value();
  const auto accounts = parse_run(std::string_view(bytes).substr(0, head), bytes.size()).value();
  ASSERT_EQ(accounts.size(), 2U);
  EXPECT_EQ(accounts[0].account, "12");
  EXPECT_EQ(accounts[0].events, 3U);
  EXPECT_EQ(accounts[0].dropped, (std::vector<std::uint32_t>{1, 3}));
  EXPECT_EQ(bytes.substr(accounts[0].offset, accounts[0].bytes), "firstsecond");
  EXPECT_EQ(bytes.substr(accounts[1].offset, accounts[1].bytes), "other");
}

TEST(Runs, AreRefusedWhereAnyByteIsMissingOrTooMany) {
  RunBuilder builder;
  builder.add("12", "records", {true, false});
  std::string bytes;
  ASSERT_TRUE(builder.write([&](std::string_view piece) -> Result<void> {
    bytes += piece;
    return {};
  }));
  const auto head = run_head_bytes(bytes).value();
  const auto parse = [&](std::string_view of, std::uint64_t size) { return parse_run(of, size); };
  ASSERT_TRUE(parse(std::string_view(bytes).substr(0, head), bytes.size()));
  for (std::size_t length = 0; length < head; ++length)
    EXPECT_FALSE(parse(std::string_view(bytes).substr(0, length), bytes.size())) << length;
  for (const auto size : {bytes.size() - 1, bytes.size() + 1})
    EXPECT_FALSE(parse(std::string_view(bytes).substr(0, head), size));
  bytes[7] ^= 1;
  EXPECT_FALSE(parse(std::string_view(bytes).substr(0, head), bytes.size()));
}

}  // namespace
}  // namespace valetkey::exporter

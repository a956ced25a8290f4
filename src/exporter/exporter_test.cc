// SPDX-License-Identifier: Apache-2.0
// From the log to parts: batches, their limits, and their repetition wherever one was interrupted.
#include "exporter/exporter.h"

#include <random>

#include "exporter/testing/exporter_fixture.h"

namespace valetkey::exporter {
namespace {

TEST_F(ExporterTest, PutsEachEventIntoThePartitionOfItsAccountTypeDayAndName) {
  send({{"a"}, {"b", "click"}, {"c", "buy", "123"}, {"d", "e1", "12", "v", true}});
  drain();
  std::vector<std::string> folders;
  for (const auto& info : objects()) folders.push_back(info.key.substr(0, info.key.rfind('/')));
  EXPECT_EQ(folders, (std::vector<std::string>{
                         "v1/account_id=12/type=decisions/date=2026-03-10/experiment=e1",
                         "v1/account_id=12/type=events/date=2026-03-10/event=buy",
                         "v1/account_id=12/type=events/date=2026-03-10/event=click",
                         "v1/account_id=123/type=events/date=2026-03-10/event=buy"}));
  EXPECT_EQ(rows("account_id"), (std::vector<std::string>{"a 12", "b 12", "c 123", "d 12"}));
  EXPECT_EQ(rows("process_timestamp", "v1/account_id=123/")[0], "c 2026-03-10 12:00:00");
}

TEST_F(ExporterTest, WaitsUntilTheOldestEventIsDue) {
  send({{"a"}});
  EXPECT_FALSE(exporter_->run_batch().value());
  clock_.advance(options_.longest_wait);
  EXPECT_TRUE(exporter_->run_batch().value());
  EXPECT_FALSE(exporter_->run_batch().value());
}

TEST_F(ExporterTest, KeepsTheFirstOfEachUuidWithinItsAccountAndWindow) {
  send({{"a", "first"}, {"a", "second"}, {"a", "first", "123"}});
  drain();
  clock_.advance(days(7));
  send({{"a", "third"}});
  drain();
  EXPECT_EQ(rows("event_name"), (std::vector<std::string>{"a first", "a first"}));
  clock_.advance(days(2));
  send({{"a", "after the window"}, {"z"}});
  drain();  // files of seen uuids are dropped behind a batch
  send({{"a", "after the window"}});
  drain();
  EXPECT_EQ(rows("event_name").size(), 4U);
  EXPECT_EQ(ledger_->counts()->at("12").duplicates, 3U);
}

// Every call to the store fails once: each is a point at which the process might have died.
TEST_F(ExporterTest, RepeatsAnInterruptedBatchWithoutHarmWhereverItWasInterrupted) {
  std::vector<std::string> expected;
  std::uint64_t failures = 0;
  for (std::uint64_t call = 1;; ++call) {
    std::vector<Sent> events;
    for (int i = 0; i < 6; ++i) {
      events.push_back(
          {fmt::format("c{:03}-{}", call, i), fmt::format("n{}", i % 2), "12", "v", i == 5});
      expected.push_back(events.back().uuid + " 12");
    }
    send(events);
    faulty_->fail_call(call);
    const auto run = exporter_->drain();
    faulty_->fail_call(0);
    if (run) break;
    ++failures;
    if (call % 4 == 0) reopen();
    drain();
    clock_.advance(days(9));  // a fresh day for each: listings and windows stay small
  }
  EXPECT_GT(failures, 15U);
  EXPECT_EQ(rows("account_id"), expected);
}

// The same for every call to the ledger, and to the event log.
class InterruptedBatchTest : public ExporterTest {
 protected:
  void repeat_wherever(FaultyCalls& calls) {
    std::vector<std::string> expected;
    std::uint64_t failures = 0;
    for (std::uint64_t call = 1;; ++call) {
      send({{fmt::format("c{:03}", call)}});
      expected.push_back(fmt::format("c{:03} 12", call));
      calls.fail_call(call);
      const auto run = exporter_->drain();
      calls.fail_call(0);
      if (run) break;
      ++failures;
      if (call % 4 == 0) reopen();
      drain();
      clock_.advance(days(9));
    }
    EXPECT_GT(failures, 6U);
    EXPECT_EQ(rows("account_id"), expected);
  }
};

TEST_F(InterruptedBatchTest, IsRepeatedWithoutHarmWhereverTheLedgerFailed) {
  repeat_wherever(ledger_calls_);
}

TEST_F(InterruptedBatchTest, IsRepeatedWithoutHarmWhereverTheLogFailed) {
  repeat_wherever(log_calls_);
}

TEST_F(ExporterTest, GivesTheSameRowsHoweverBatchesAreSplitOrderedAndRepeated) {
  std::mt19937 random(11);
  std::vector<Sent> events;
  std::vector<std::string> expected;
  for (int i = 0; i < 60; ++i) {
    events.push_back({fmt::format("u{:02}", i), fmt::format("n{}", i % 7)});
    expected.push_back(fmt::format("u{:02} n{}", i, i % 7));
  }
  for (int repetition = 0; repetition < 3; ++repetition) {
    std::ranges::shuffle(events, random);
    for (std::size_t i = 0; i < events.size();) {
      const auto n = std::min<std::size_t>(1 + random() % 20, events.size() - i);
      send({events.begin() + static_cast<std::ptrdiff_t>(i),
            events.begin() + static_cast<std::ptrdiff_t>(i + n)});
      if (random() % 2 == 0) drain();
      i += n;
    }
  }
  drain();
  EXPECT_EQ(rows("event_name"), expected);
}

TEST_F(ExporterTest, TakesAnyNameAsItIs) {
  const std::vector<std::string> names = {"with space",
                                          "a/b/../c",
                                          "'; DROP TABLE x; --",
                                          "100%",
                                          "\xF0\x9F\x98\x80",
                                          std::string(1024, 'n'),
                                          std::string(layout::kDefaultPartition),
                                          ".",
                                          "..",
                                          "=",
                                          "\"quoted\"",
                                          "{p}",
                                          "\\",
                                          std::string("nul\0", 4)};
  std::vector<Sent> events;
  for (std::size_t i = 0; i < names.size(); ++i) {
    events.push_back({fmt::format("c{:02}", i), names[i]});
    events.push_back({fmt::format("d{:02}", i), names[i], "12", "v", true});
  }
  send(events);
  drain();
  EXPECT_EQ(objects("v1/account_id=12/type=events/").size(), names.size());
  EXPECT_EQ(objects("v1/account_id=12/type=decisions/").size(), names.size());
  std::vector<std::string> lengths;
  lengths.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    lengths.push_back(fmt::format("c{:02} {}", i, names[i].size()));
  EXPECT_EQ(rows("octet_length(encode(event_name))", "v1/account_id=12/type=events/"), lengths);
  EXPECT_EQ(ledger_->counts()->at("12").set_aside, 0U);
}

TEST_F(ExporterTest, KeepsItsEventsWhereDuckdbIsAtFaultAndNotTheRows) {
  const auto enough = std::exchange(options_.duckdb.memory_limit_mib, 1);
  reopen();
  send({{"b"}, {"c", "click", "123"}});
  EXPECT_FALSE(exporter_->drain());
  options_.duckdb.memory_limit_mib = enough;
  reopen();
  drain();
  EXPECT_EQ(rows("account_id"), (std::vector<std::string>{"b 12", "c 123"}));
  EXPECT_EQ(ledger_->counts()->at("12").set_aside, 0U);
  EXPECT_TRUE(objects("internal/bad/").empty());
}

TEST_F(ExporterTest, SetsAsideTheOneRowThatCannotBeWrittenAndKeepsTheRest) {
  options_.duckdb.memory_limit_mib = 32;
  reopen();
  std::vector<Sent> events;
  events.reserve(9);
  for (int i = 0; i < 9; ++i) events.push_back({fmt::format("u{}", i)});
  events[4].visitor = std::string(48 << 20, 'v');  // far beyond what intake lets in
  send(events);
  drain();
  EXPECT_EQ(rows("account_id").size(), 8U);
  EXPECT_EQ(ledger_->counts()->at("12").set_aside, 1U);
  EXPECT_EQ(objects("internal/bad/").size(), 1U);
}

TEST_F(ExporterTest, WritesEachRowOnceOnSeveralThreads) {
  options_.lanes = 3;
  options_.stretch_bytes = 4096;
  options_.duckdb.memory_limit_mib = 48;
  reopen();
  std::vector<Sent> events;
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    events.push_back({fmt::format("u{:03}", i), fmt::format("n{}", i % 7), i % 2 ? "12" : "123"});
    events.push_back({fmt::format("v{:03}", i), fmt::format("x{}", i % 5), "12", "v", true});
  }
  for (const auto& event : events) expected.push_back(event.uuid + " " + event.account);
  std::ranges::sort(expected);
  send(events);
  drain();
  EXPECT_EQ(rows("account_id"), expected);
  EXPECT_EQ(ledger_->counts()->at("12").set_aside, 0U);
  // A row that fails drops the writers, and with them what the other threads wrote.
  events.clear();
  for (int i = 0; i < 60; ++i)
    events.push_back({fmt::format("w{:03}", i), fmt::format("n{}", i % 7)});
  events[30].visitor = std::string(60 << 20, 'v');  // more than all of the memory
  for (const auto& event : events)
    if (event.visitor.size() == 1) expected.push_back(event.uuid + " " + event.account);
  std::ranges::sort(expected);
  send(events);
  drain();
  EXPECT_EQ(rows("account_id"), expected);
  EXPECT_EQ(ledger_->counts()->at("12").set_aside, 1U);
}

TEST_F(ExporterTest, SendsWhatIsBeyondTheDailyLimitOfPartitionsToOther) {
  options_.max_partitions_a_day = 3;
  reopen();
  send({{"a", "n1"}, {"b", "n2"}});
  drain();
  reopen();
  send({{"c", "n3"}, {"d", "n4"}, {"e", "n1"}, {"f", "n5"}});
  drain();
  EXPECT_EQ(rows("event_name", "v1/account_id=12/type=events/date=2026-03-10/event=__other__/"),
            (std::vector<std::string>{"d n4", "f n5"}));
  EXPECT_EQ(rows("event_name").size(), 6U);
}

TEST_F(ExporterTest, HoldsManyAccountsToTheirLimitsInOneBatch) {
  options_.max_partitions_a_day = 1;
  reopen();
  std::vector<Sent> events;
  for (const auto* name : {"n1", "n2"})
    for (int account = 100; account < 200; ++account)
      events.push_back({name, name, std::to_string(account)});
  send(events);
  drain();
  const auto all = objects();
  EXPECT_EQ(std::ranges::count_if(
                all, [](const auto& info) { return info.key.contains("event=__other__/"); }),
            100);
  EXPECT_EQ(all.size(), 200U);
}

TEST_F(ExporterTest, MakesSmallChunksOfLargeRows) {
  const std::string records = wide_event("u", "12", 1000, 1000);
  events::Event event;
  std::size_t at = 0;
  ASSERT_TRUE(events::decode_event(records, at, event));
  EXPECT_GT(written_bytes(event), std::uint64_t{1000 * 1000 * 4 * 16});
  RowIndexer indexer(Date(), [](const Partition&) { return true; });
  indexer.add(event, 0);
  const auto index = indexer.finish();
  RowReader reader(layout::RowType::decisions, layout::TimestampUnit::milliseconds, records, index,
                   0, index.rows.size());
  std::uint64_t most = 0;
  auto duckdb = duckdb::Database::open({.library = kLibrary, .folder = folder_ / "chunks"});
  ASSERT_TRUE(duckdb);
  ASSERT_TRUE((*duckdb)->add_table("t", columns_of(layout::RowType::decisions, true),
                                   [&](duckdb::RowChunk& chunk) {
                                     auto rows = reader.fill(chunk);
                                     if (rows) most = std::max(most, *rows);
                                     return rows;
                                   }));
  std::string counted;
  ASSERT_TRUE(
      (*duckdb)->read("SELECT sum(len(attributes))::VARCHAR FROM t()", [&](duckdb::TextRow row) {
        counted = row[0].value_or("");
        return Result<void>();
      }));
  EXPECT_EQ(counted, "1000000");
  EXPECT_GT(most, 0U);
  EXPECT_LE(most * index.rows[0].bytes, RowReader::kChunkBytes);
}

TEST_F(ExporterTest, WritesLargeRowsAFewAtATime) {
  options_.stretch_bytes = std::uint64_t{1} << 20;
  options_.batch_written_bytes = std::uint64_t{3} << 20;
  reopen();
  for (const auto& uuid : {"a", "b", "c"}) append(wide_event(uuid, "12", 50, 1000), 1);
  send({{"n", "buy", "13"}});
  drain();
  EXPECT_EQ(rows("len(attributes)", "v1/account_id=12/").size(), 150U);
  EXPECT_EQ(rows("visitor_id", "v1/account_id=13/"), std::vector<std::string>{"n v"});
  EXPECT_GT(objects("v1/account_id=12/").size(), 9U) << "a part for some 12 rows each";
  EXPECT_GT(ledger_->seen(kMine).value().size(), 2U) << "several batches";
}

TEST_F(ExporterTest, RepeatsABatchThatItsRowsEnded) {
  options_.batch_written_bytes = 1;  // each piece of the log is a batch
  reopen();
  for (const auto* uuid : {"a", "b", "c"}) send({{uuid}});
  for (std::uint64_t call = 1; ledger_->consumed(kMine).value() < 3; ++call) {
    ASSERT_LT(call, 100U);
    faulty_->fail_call(call);
    (void)exporter_->drain();
    faulty_->fail_call(0);
    reopen();
  }
  EXPECT_EQ(rows("visitor_id"), (std::vector<std::string>{"a v", "b v", "c v"}));
  EXPECT_EQ(ledger_->counts().value().at("12").duplicates, 0U);
}

TEST_F(ExporterTest, DropsAndCountsWhatWritesBeyondAnAccountsShare) {
  options_.excess_an_hour = std::uint64_t{8} << 20;
  reopen();
  for (const auto& uuid : {"a", "b", "c"}) append(wide_event(uuid, "12", 50, 1000), 1);
  append(wide_event("n", "13", 50, 1000), 1, "13");
  send({{"d", "buy", "12"}});
  drain();
  EXPECT_EQ(rows("visitor_id", "v1/account_id=12/type=decisions/").size(), 100U);
  EXPECT_EQ(rows("visitor_id", "v1/account_id=12/type=events/"), std::vector<std::string>{"d v"});
  EXPECT_EQ(rows("visitor_id", "v1/account_id=13/").size(), 50U) << "a neighbour pays nothing";
  const LossCounts dropped{{"12", {{std::string(kTooManyRows), 1}}}};
  EXPECT_EQ(ledger_->losses().value().dropped, dropped);
  append(wide_event("e", "12", 50, 1000), 1);
  drain();
  EXPECT_EQ(ledger_->losses().value().dropped.at("12").at(std::string(kTooManyRows)), 2U)
      << "the next batch of the hour knows of it";
}

// Under load there is always something that waits: what must end exports up to a mark.
TEST_F(ExporterTest, EndsAlthoughEventsKeepComing) {
  options_.batch_bytes = 1;  // a batch for each frame of the log
  reopen();
  int sent = 0;
  const auto send_more = [&] { send({{fmt::format("u{}", sent++)}}); };
  send_more();
  send_more();
  const auto mark = exporter_->arrived().value();
  while (exporter_->run_batch(mark).value() && !exporter_->reached_here(mark).value()) send_more();
  EXPECT_TRUE(exporter_->reached_here(mark).value());
  EXPECT_EQ(ledger_->consumed(kMine).value(), 2U);
  EXPECT_EQ(log_->stats(kMine)->end, 3U);
}

// Of an exporter that died between the object and the ledger.
TEST_F(ExporterTest, RemovesFilesOfSeenUuidsThatNoLedgerNames) {
  send({{"a"}});
  drain();
  PartPublisher publisher(*store_, clock_.now());
  ASSERT_TRUE(publisher.add_bytes("internal/seen/stray", std::string(16, 'x')));
  ASSERT_TRUE(publisher.flush());
  reopen();
  send({{"a"}, {"b"}});
  drain();
  EXPECT_EQ(objects("internal/seen/").size(), 2U);
  EXPECT_FALSE(store_->head("internal/seen/stray"));
  EXPECT_EQ(rows("event_name").size(), 2U);
}

TEST_F(ExporterTest, MergesItsFilesOfSeenUuids) {
  for (int i = 0; i < 60; ++i) {
    send({{fmt::format("u{}", i % 50)}});
    drain();
  }
  EXPECT_LT(ledger_->seen(kMine)->size(), 30U);
  EXPECT_EQ(rows("event_name").size(), 50U);
  EXPECT_EQ(objects("internal/seen/").size(), ledger_->seen(kMine)->size());
}

// Two stretches share the folders that DuckDB writes to: what is left of the first, because its
// taker failed, is no part of the second.
TEST(ParquetWriter, HandsOutNothingTwice) {
  if (!fs::exists(kLibrary)) GTEST_SKIP() << "libduckdb is not installed: run script/bootstrap";
  const TemporaryFolder folder;
  const auto writer =
      ParquetWriter::open({.library = kLibrary, .sha256 = "", .folder = folder.path() / "parquet"});
  ASSERT_TRUE(writer) << writer.error().detail;
  constexpr std::uint32_t kPartitions = ParquetWriter::kMaxPartitions + 20;
  std::string records;
  RowIndexer indexer(Date(), [](const Partition&) { return true; });
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    const auto name = fmt::format("event {:04}", i);
    events::Event event;
    event.account_id = "1";
    event.uuid = event.visitor_id = name;
    event.event_name = name;
    indexer.add(event, static_cast<std::uint32_t>(records.size()));
    events::encode_event(event, records);
  }
  const auto index = indexer.finish();
  // The second begins in the middle of the folders and ends before where it began.
  const auto first = (*writer)->write(records, index, 0, 30);
  const auto second = (*writer)->write(records, index, 30, kPartitions);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->size(), 30U);
  ASSERT_EQ(second->size(), kPartitions - 30);
  for (std::uint32_t i = 0; i < second->size(); ++i) {
    EXPECT_EQ((*second)[i].partition, 30 + i);
    EXPECT_EQ((*second)[i].rows, 1U);
    EXPECT_TRUE(fs::exists((*second)[i].path));
  }
  const auto third = (*writer)->write(records, index, 3, 4);
  ASSERT_TRUE(third);
  ASSERT_EQ(third->size(), 1U);
  EXPECT_EQ((*third)[0].partition, 3U);
}

}  // namespace
}  // namespace valetkey::exporter

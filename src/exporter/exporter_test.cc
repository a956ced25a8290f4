// SPDX-License-Identifier: Apache-2.0
#include "exporter/exporter.h"
#include "exporter/part_reading.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <map>
#include <random>
#include <set>

#include "base/crypto.h"
#include "base/file.h"
#include "events/file_log.h"
#include "events/testing/faulty_log.h"
#include "exporter/part_publisher.h"
#include "exporter/part_reading.h"
#include "exporter/sql_ledger.h"
#include "exporter/testing/faulty_ledger.h"
#include "layout/fields.h"
#include "layout/part_key.h"
#include "storage/disk_store.h"
#include "storage/testing/faulty_store.h"

namespace valetkey::exporter {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;

const fs::path kLibrary =
    VALETKEY_SOURCE_DIR "/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so";
constexpr auto kNoon =
    std::chrono::sys_days(std::chrono::year(2026) / 3 / 10) + std::chrono::hours(12);

// The partition of account 12.
const unsigned kMine = 1 + events::partition_of({"12", "v"}, events::kFilePartitions - 1, 1);

// The real log, store, ledger and DuckDB in a folder of their own, under a clock that we turn.
class ExporterTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kLibrary)) GTEST_SKIP() << "libduckdb is not installed: run script/bootstrap";
    std::string name = (fs::temp_directory_path() / "exporter_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    auto store = storage::open_disk_store({.folder = folder_, .bucket = "b"}, keys_, clock_);
    ASSERT_TRUE(store) << store.error().detail;
    store_ = std::move(*store);
    faulty_ = std::make_unique<storage::FaultyStore>(*store_);
    options_.duckdb = {.library = kLibrary, .folder = folder_ / "parquet"};
    reopen();
  }
  void TearDown() override {
    exporter_.reset();
    ledger_.reset();
    log_.reset();
    store_.reset();
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  // As after a restart.
  void reopen() {
    exporter_.reset();
    log_.reset();
    ledger_.reset();
    auto ledger = open_sqlite_ledger(folder_ / "objects.db");
    ASSERT_TRUE(ledger) << ledger.error().detail;
    ledger_ = std::move(*ledger);
    auto log = events::open_file_log(
        {.folder = folder_ / "events",
         .first_offset = [this](unsigned partition) { return ledger_->floor(partition); }},
        keys_, clock_);
    ASSERT_TRUE(log) << log.error().detail;
    log_ = std::move(*log);
    faulty_ledger_ = std::make_unique<FaultyLedger>(*ledger_, ledger_calls_);
    faulty_log_ = std::make_unique<events::FaultyLog>(*log_, log_calls_);
    exporter_ = std::make_unique<Exporter>(ExportParts{
        *faulty_log_, *faulty_, *faulty_ledger_, clock_,
        [this]() -> Result<std::vector<ExportedAccount>> { return accounts_; }, options_});
  }

  struct Sent {
    std::string uuid;
    std::string name = "buy";  // of the event, or the experiment of a decision
    std::string account = "12";
    std::string visitor = "v";
    bool decision = false;
  };
  // A request for each account, in the order of the events.
  void send(const std::vector<Sent>& events) {
    std::map<std::string, std::pair<std::string, std::size_t>> requests;  // records and their count
    for (const auto& s : events) {
      events::Event e;
      e.account_id = s.account;
      e.uuid = s.uuid;
      e.visitor_id = s.visitor;
      e.received = e.timestamp = clock_.now();
      e.kind = s.decision ? events::EventKind::activation : events::EventKind::conversion;
      if (s.decision)
        e.decisions = {{"c", s.name, "x", false}};
      else
        e.event_name = s.name;
      auto& [records, count] = requests[s.account];
      events::encode_event(e, records);
      ++count;
    }
    for (auto& [account, request] : requests)
      append(std::move(request.first), request.second, account);
  }
  void append(std::string records, std::size_t count, const std::string& account = "12") {
    std::promise<Result<void>> done;
    log_->append({account, "v"}, std::move(records), count,
                 [&](Result<void> r) { done.set_value(std::move(r)); });
    ASSERT_TRUE(done.get_future().get());
  }
  void drain() {
    const auto drained = exporter_->drain();
    ASSERT_TRUE(drained) << drained.error().detail;
  }

  std::vector<storage::ObjectInfo> objects(const std::string& prefix = "v1/") {
    std::vector<storage::ObjectInfo> all;
    const auto page =
        store_->list({.prefix = prefix, .delimiter = "", .start_after = "", .max_entries = 1000});
    EXPECT_TRUE(page);
    for (const auto& entry : page->entries) all.push_back(entry.info);
    return all;
  }
  // What DuckDB, on its own, reads in the parts below `prefix`: "<uuid> <column>" for each row,
  // sorted.
  std::vector<std::string> rows(const std::string& column, const std::string& prefix = "v1/") {
    const auto scratch = folder_ / "reader";
    fs::remove_all(scratch);
    auto duckdb = duckdb::Database::open({.library = kLibrary, .sha256 = "", .folder = scratch});
    EXPECT_TRUE(duckdb) << duckdb.error().detail;
    std::vector<std::string> all;
    int number = 0;
    for (const auto& info : objects(prefix)) {
      if (!info.key.ends_with(".parquet")) continue;
      const auto part = scratch / fmt::format("{}.parquet", number++), text = scratch / "text";
      EXPECT_TRUE(fetch_object(*store_, info.key, part));
      const auto read = (*duckdb)->run(
          fmt::format("COPY (SELECT uuid || ' ' || coalesce({}::VARCHAR, 'NULL') FROM "
                      "read_parquet('{}')) TO '{}' "
                      "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')",
                      column, part.string(), text.string()));
      EXPECT_TRUE(read) << read.error().detail;
      std::ifstream lines(text);
      const auto before = all.size();
      for (std::string line; std::getline(lines, line);) all.push_back(line);
      EXPECT_EQ(all.size() - before, info.rows) << info.key;
    }
    std::ranges::sort(all);
    return all;
  }

  // How many rows of the visitor are gone from account 12 in this attempt; what it could not read.
  std::uint64_t erase(const std::string& visitor, std::vector<std::string>* unreadable = nullptr) {
    std::uint64_t rows = 0;
    const auto note = [&rows](const std::string&, std::uint64_t count) -> Result<void> {
      rows += count;
      return {};
    };
    auto erased =
        exporter_->erase_visitor(AccountId::parse("12").value(), sha256_hex(visitor), note);
    EXPECT_TRUE(erased) << erased.error().detail;
    if (erased && unreadable) *unreadable = std::move(*erased);
    return rows;
  }
  std::set<fs::path> object_files() const {
    std::set<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "objects"))
      if (entry.is_regular_file()) found.insert(entry.path());
    return found;
  }

  ManualClock clock_{kNoon};
  FixedKeySource keys_{Keyring::make(kNoon)};
  fs::path folder_;
  ExporterOptions options_;
  std::vector<ExportedAccount> accounts_ = {{AccountId::parse("12").value(), std::nullopt},
                                            {AccountId::parse("123").value(), std::nullopt}};
  std::unique_ptr<storage::DiskStore> store_;
  std::unique_ptr<storage::FaultyStore> faulty_;
  std::unique_ptr<Ledger> ledger_;
  FaultyCalls ledger_calls_;
  std::unique_ptr<FaultyLedger> faulty_ledger_;
  std::unique_ptr<events::EventLog> log_;
  FaultyCalls log_calls_;
  std::unique_ptr<events::FaultyLog> faulty_log_;
  std::unique_ptr<Exporter> exporter_;
};

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

// The same for every call to the ledger.
TEST_F(ExporterTest, RepeatsABatchWithoutHarmWhereverTheLedgerFailed) {
  std::vector<std::string> expected;
  std::uint64_t failures = 0;
  for (std::uint64_t call = 1;; ++call) {
    send({{fmt::format("c{:03}", call)}});
    expected.push_back(fmt::format("c{:03} 12", call));
    ledger_calls_.fail_call(call);
    const auto run = exporter_->drain();
    ledger_calls_.fail_call(0);
    if (run) break;
    ++failures;
    if (call % 4 == 0) reopen();
    drain();
    clock_.advance(days(9));
  }
  EXPECT_GT(failures, 6U);
  EXPECT_EQ(rows("account_id"), expected);
}

// And to the event log.
TEST_F(ExporterTest, RepeatsABatchWithoutHarmWhereverTheLogFailed) {
  std::vector<std::string> expected;
  std::uint64_t failures = 0;
  for (std::uint64_t call = 1;; ++call) {
    send({{fmt::format("c{:03}", call)}});
    expected.push_back(fmt::format("c{:03} 12", call));
    log_calls_.fail_call(call);
    const auto run = exporter_->drain();
    log_calls_.fail_call(0);
    if (run) break;
    ++failures;
    if (call % 4 == 0) reopen();
    drain();
    clock_.advance(days(9));
  }
  EXPECT_GT(failures, 6U);
  EXPECT_EQ(rows("account_id"), expected);
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

TEST_F(ExporterTest, ErasesAVisitorFromPartsAndFromWhatWaits) {
  send({{"a", "buy", "12", "keep"},
        {"b", "buy", "12", "o'hara"},
        {"c", "only", "12", "o'hara"},
        {"n", "buy", "123", "o'hara"}});
  drain();
  const auto before = objects();
  const auto generation = store_->generation();
  send({{"d", "buy", "12", "o'hara"}});
  EXPECT_EQ(erase("o'hara"), 3U);
  EXPECT_EQ(rows("visitor_id"), (std::vector<std::string>{"a keep", "n o'hara"}));
  for (const auto& entry : fs::recursive_directory_iterator(options_.duckdb.folder))
    EXPECT_FALSE(entry.is_regular_file()) << "plaintext is left in " << entry.path();
  // No reader who knows a former key takes bytes of the former and the new part.
  for (const auto& info : before)
    EXPECT_EQ(store_->head(info.key).has_value(), info.key.contains("account_id=123/")) << info.key;
  const auto catalog = store_->catalog(AccountId::parse("12").value()).value();
  EXPECT_GT(catalog.oldest_generation, generation);
  for (const auto& entry : fs::directory_iterator(folder_ / "events"))
    EXPECT_NE(entry.path().extension(), ".log") << "the log still holds the events";
}

TEST_F(ExporterTest, ErasesUnderTheSameKeyWhereAnExchangeTakesTwoSteps) {
  send({{"a", "buy", "12", "keep"}, {"b", "buy", "12", "ann"}, {"c", "only", "12", "ann"}});
  drain();
  const auto before = objects();
  faulty_->able = storage::Capabilities{};
  EXPECT_EQ(erase("ann"), 2U);
  ASSERT_EQ(objects().size(), 1U);
  EXPECT_EQ(objects()[0].key, before[0].key);
  EXPECT_EQ(rows("visitor_id"), std::vector<std::string>{"a keep"});
}

TEST_F(ExporterTest, ErasesWhatWasSetAsideOfAVisitor) {
  const auto put = [&](const std::string& name, const std::string& account,
                       const std::string& visitor) {
    events::Event event;
    event.account_id = account;
    event.uuid = name;
    event.visitor_id = visitor;
    std::string record;
    events::encode_event(event, record);
    PartPublisher publisher(*store_, clock_.now());
    ASSERT_TRUE(publisher.add_bytes("internal/bad/batch/" + name, record));
    ASSERT_TRUE(publisher.flush());
  };
  put("1-0", "12", "v");
  put("2-0", "12", "w");
  put("3-0", "123", "v");
  EXPECT_EQ(erase("v"), 0U);
  std::vector<std::string> keys;
  for (const auto& info : objects("internal/bad/")) keys.push_back(info.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"internal/bad/batch/2-0", "internal/bad/batch/3-0"}));
}

TEST_F(ExporterTest, ErasesBehindWhatCannotBeReadAndNamesIt) {
  const std::string no_parquet = "v1/account_id=12/type=events/date=2026-03-09/event=a/x.parquet";
  const std::string damaged = "v1/account_id=12/type=events/date=2026-03-09/event=b/x.parquet";
  const std::string aside = "internal/bad/batch/0-0";
  std::set<fs::path> before = object_files();
  for (const auto& key : {damaged, aside, no_parquet}) {
    PartPublisher publisher(*store_, clock_.now());
    ASSERT_TRUE(publisher.add_bytes(key, "not what it should be"));
    ASSERT_TRUE(publisher.flush());
    const auto after = object_files();
    for (const auto& file : after)
      if (!before.contains(file) && key != no_parquet) std::ofstream(file) << "spoilt";
    before = after;
  }
  send({{"a", "buy", "12", "ann"}, {"b", "buy", "12", "bob"}});
  drain();
  std::vector<std::string> unreadable;
  EXPECT_EQ(erase("ann", &unreadable), 1U);
  EXPECT_EQ(unreadable, (std::vector<std::string>{no_parquet, damaged, aside}));
  EXPECT_EQ(rows("visitor_id", "v1/account_id=12/type=events/date=2026-03-10/"),
            std::vector<std::string>{"b bob"});
}

TEST_F(ExporterTest, NeverCallsAnErasureDoneThatAFailureStopped) {
  send({{"a", "buy", "12", "ann"}});
  drain();
  const auto note = [](const std::string&, std::uint64_t) { return Result<void>(); };
  const auto gone = [this] { return objects().empty(); };
  for (std::uint64_t call = 1; !gone(); ++call) {
    ASSERT_LT(call, 100U);
    faulty_->fail_call(call, ErrorCode::full);
    const auto erased =
        exporter_->erase_visitor(AccountId::parse("12").value(), sha256_hex("ann"), note);
    if (erased) EXPECT_EQ(erased->empty(), gone()) << "call " << call;
  }
}

// Ann's events of before the request lie wherever events can lie: in parts of a closed and of an open day, in a batch
// that was interrupted, in the log. The erasure is interrupted at a call to the ledger or to the store, then come a
// restart, new events, an export and the end of the day, and it begins again.
class ErasureTest : public ExporterTest {
 protected:
  // False: the erasure ended before that call.
  bool is_interrupted_at(std::uint64_t ledger_call, std::uint64_t store_call) {
    TearDown();
    clock_.set(kNoon);
    SetUp();
    leave_events_everywhere();
    ledger_calls_.fail_call(ledger_call);
    faulty_->fail_call(store_call);
    const auto note = [this](const std::string& key, std::uint64_t count) -> Result<void> {
      VALETKEY_TRY(const auto lease, exporter_->days_lease());
      return faulty_ledger_->note_erased(lease, 1, key, count);
    };
    const auto erased =
        exporter_->erase_visitor(AccountId::parse("12").value(), sha256_hex("ann"), note);
    ledger_calls_.fail_call(0);
    faulty_->fail_call(0);
    std::vector<std::string> kept = {"b bob", "f bob"};
    if (!erased) {
      reopen();
      send({{"g", "buy", "12", "bob"}, {"late", "buy", "12", "ann"}});
      clock_.advance(options_.longest_wait);
      EXPECT_TRUE(exporter_->run_batch());
      clock_.advance(days(1));
      EXPECT_TRUE(exporter_->close_days());
      erase("ann");
      kept.emplace_back("g bob");
    }
    drain();
    EXPECT_EQ(rows("visitor_id"), kept)
        << "ledger call " << ledger_call << ", store call " << store_call;
    return !erased;
  }

 private:
  void leave_events_everywhere() {
    send({{"a", "buy", "12", "ann"}, {"b", "buy", "12", "bob"}});
    drain();
    send({{"a2", "buy", "12", "ann"}});
    drain();
    clock_.advance(days(1));
    EXPECT_TRUE(exporter_->close_days());  // a, b and a2 are merged
    send({{"c", "buy", "12", "ann"}, {"c2", "buy", "12", "ann", true}});
    drain();
    send({{"d", "buy", "12", "ann"}});
    faulty_->fail_call(8);  // parts of that batch may lie in the store
    EXPECT_FALSE(exporter_->drain());
    faulty_->fail_call(0);
    send({{"e", "buy", "12", "ann"}, {"f", "buy", "12", "bob"}});
  }
};

TEST_F(ErasureTest, LeavesNothingOfBeforeTheRequestWhereverTheLedgerFailed) {
  std::uint64_t call = 1;
  while (is_interrupted_at(call, 0)) ASSERT_LT(++call, 200U);
  EXPECT_GT(call, 8U);
}

// In two halves, so that neither takes long.
TEST_F(ErasureTest, LeavesNothingOfBeforeTheRequestWhereverTheStoreFailedAtAnOddCall) {
  std::uint64_t call = 1;
  while (is_interrupted_at(0, call)) ASSERT_LT(call += 2, 200U);
  EXPECT_GT(call, 8U);
}

TEST_F(ErasureTest, LeavesNothingOfBeforeTheRequestWhereverTheStoreFailedAtAnEvenCall) {
  std::uint64_t call = 2;
  while (is_interrupted_at(0, call)) ASSERT_LT(call += 2, 200U);
  EXPECT_GT(call, 8U);
}

// An activation of so many decisions by a visitor of so many attributes.
std::string wide_event(const std::string& uuid, const std::string& account, std::size_t decisions,
                       std::size_t attributes) {
  events::Event e;
  e.account_id = account;
  e.uuid = uuid;
  e.visitor_id = "v";
  e.received = e.timestamp = kNoon;
  e.kind = events::EventKind::activation;
  e.attributes.assign(attributes, {"id", "name", "custom", "value"});
  e.decisions.assign(decisions, {"c", "x", "y", false});
  std::string record;
  events::encode_event(e, record);
  return record;
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
  const auto folder = fs::temp_directory_path() / ("valetkey-writer-" + random_base62(12));
  const auto writer = ParquetWriter::open(
      {.library = kLibrary, .sha256 = "", .folder = folder});  // removes it, too
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

// Part format 2, and the way to it.
class PartFormatTest : public ExporterTest {
 protected:
  static constexpr auto kMilliseconds = layout::TimestampUnit::milliseconds;
  static constexpr auto kMicroseconds = layout::TimestampUnit::microseconds;

  layout::PartStatistics statistics_of(const std::string& key) {
    const auto account = AccountId::parse("12").value();
    const auto page =
        store_->list_parts(account, layout::account_prefix(account), "", 100, store_->generation());
    for (const auto& part : page.value().parts)
      if (part.info.key == key && part.statistics) return *part.statistics;
    ADD_FAILURE() << key << " has no statistics";
    return {};
  }
  static std::string lower(const layout::PartStatistics& statistics, layout::RowType type,
                           const std::string& column) {
    const auto* found = statistics.column(layout::find_field(type, column)->id);
    if (found == nullptr || !found->bounds) return "none";
    if (const auto* text = std::get_if<std::string>(&found->bounds->lower)) return *text;
    return std::to_string(std::get<std::int64_t>(found->bounds->lower));
  }
  void rewrite() {
    ASSERT_TRUE(ledger_->request_rewrite());
    for (int turn = 0;; ++turn) {
      ASSERT_LT(turn, 100);
      const auto more = exporter_->rewrite_some(2);
      ASSERT_TRUE(more) << more.error().detail;
      if (!*more) break;
    }
    EXPECT_FALSE(ledger_->rewriting().value());
  }
};

TEST_F(PartFormatTest, PublishesStatisticsWithEachPart) {
  send({{"a", "buy"}, {"b", "buy"}, {"d", "e1", "12", "v", true}});
  drain();
  ASSERT_EQ(objects().size(), 2U);
  const auto decision = statistics_of(objects()[0].key);
  EXPECT_EQ(decision.rows, 1U);
  EXPECT_EQ(decision.timestamps, kMicroseconds);
  EXPECT_TRUE(decision.field_ids);
  EXPECT_EQ(decision.row_groups, std::vector<std::uint64_t>{4});
  EXPECT_EQ(decision.columns.size(), 16U);
  EXPECT_EQ(lower(decision, layout::RowType::decisions, "experiment_id"), "e1");
  EXPECT_EQ(lower(decision, layout::RowType::decisions, "process_timestamp"),
            std::to_string(epoch_ms(kNoon) * 1000));
  for (const auto* nobody : {"visitor_id", "uuid", "user_ip"})
    EXPECT_EQ(lower(decision, layout::RowType::decisions, nobody), "none") << nobody;
  const auto events = statistics_of(objects()[1].key);
  EXPECT_EQ(events.rows, 2U);
  EXPECT_EQ(lower(events, layout::RowType::events, "event_name"), "buy");
  EXPECT_EQ(events.column(layout::find_field(layout::RowType::events, "revenue")->id)->nulls, 2U);
  EXPECT_EQ(rows("process_timestamp", "v1/account_id=12/type=events/")[0], "a 2026-03-10 12:00:00");
}

TEST_F(PartFormatTest, StaysWithMillisecondsInAFolderThatHasSuchParts) {
  options_.timestamps = kMilliseconds;
  reopen();
  send({{"a"}});
  drain();
  EXPECT_EQ(statistics_of(objects()[0].key).timestamps, kMilliseconds);
  EXPECT_FALSE(statistics_of(objects()[0].key).field_ids);
  EXPECT_FALSE(ledger_->timestamps().value()) << "the configuration decided";
  options_.timestamps.reset();
  reopen();
  clock_.advance(days(1));
  send({{"b"}});
  drain();
  EXPECT_EQ(statistics_of(objects().back().key).timestamps, kMilliseconds);
  EXPECT_EQ(ledger_->timestamps().value(), kMilliseconds);
}

TEST_F(PartFormatTest, RewritesPartsUnderNewKeysAndKeepsTheFormerOnesForAWhile) {
  options_.timestamps = kMilliseconds;
  reopen();
  send({{"a"}, {"b", "click"}, {"n", "buy", "123"}, {"d", "e1", "12", "v", true}});
  drain();
  const auto before = objects();
  const auto read_before = rows("process_timestamp || visitor_id");
  options_.timestamps = kMicroseconds;
  reopen();
  rewrite();
  EXPECT_EQ(rows("process_timestamp || visitor_id"), read_before);
  EXPECT_EQ(store_->count_without_microseconds().value(), 0U);
  const auto after = objects();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_NE(after[i].key, before[i].key);
    EXPECT_EQ(after[i].key.substr(0, after[i].key.rfind('/')),
              before[i].key.substr(0, before[i].key.rfind('/')));
    EXPECT_TRUE(store_->head(before[i].key)) << "who planned before can still read";
  }
  EXPECT_EQ(statistics_of(after[0].key).timestamps, kMicroseconds);
  for (const auto type : {layout::RowType::decisions, layout::RowType::events})
    EXPECT_EQ(store_->unready_parts(AccountId::parse("12").value(), type)->milliseconds, "");
  clock_.advance(options_.readable_after + milliseconds(1));
  ASSERT_TRUE(store_->sweep(clock_.now()));
  EXPECT_FALSE(store_->head(before[0].key));
  EXPECT_EQ(rows("process_timestamp || visitor_id"), read_before);
}

TEST_F(PartFormatTest, BeginsRewritingAgainWhereverItWasInterrupted) {
  std::uint64_t failures = 0;
  for (std::uint64_t call = 1; call < 200; ++call) {
    options_.timestamps = kMilliseconds;
    reopen();
    send({{fmt::format("{:03}-a", call)}, {fmt::format("{:03}-b", call), "click"}});
    drain();
    options_.timestamps = kMicroseconds;
    reopen();
    ASSERT_TRUE(ledger_->request_rewrite());
    faulty_->fail_call(call);
    Result<bool> more = true;
    while (more && *more) more = exporter_->rewrite_some(10);
    faulty_->fail_call(0);
    if (more) break;
    ++failures;
    reopen();
    rewrite();
    clock_.advance(days(9));
  }
  EXPECT_GT(failures, 8U);
  const auto found = rows("account_id");
  EXPECT_EQ(found.size(), 2 * (failures + 1));
  EXPECT_EQ(std::ranges::adjacent_find(found), found.end());
  EXPECT_EQ(store_->count_without_microseconds().value(), 0U);
}

TEST_F(PartFormatTest, LeavesAPartThatItCannotRewriteWithoutLoss) {
  const std::string key = "v1/account_id=12/type=events/date=2026-03-09/event=x/theirs.parquet";
  send({{"a"}});
  drain();
  const auto put = [&](const std::string& select) {
    auto duckdb = duckdb::Database::open({.library = kLibrary, .folder = folder_ / "theirs"});
    ASSERT_TRUE(duckdb);
    const auto file = folder_ / "theirs" / "part";
    ASSERT_TRUE(
        (*duckdb)->run(fmt::format("COPY ({}) TO '{}' (FORMAT parquet)", select, file.string())));
    const auto bytes = read_file(file, 1 << 20).value();
    PartPublisher publisher(*store_, clock_.now());
    ASSERT_TRUE(publisher.add_bytes(key, bytes));
    ASSERT_TRUE(publisher.flush());
  };
  put("SELECT 'u' AS uuid, TIMESTAMP '2026-03-09' AS \"timestamp\", 1 AS theirs");
  EXPECT_EQ(read_unread_parts(*store_, 10).value(), 1U);
  EXPECT_EQ(read_unread_parts(*store_, 10).value(), 0U);
  // A local time is no instant.
  EXPECT_EQ(statistics_of(key).timestamps, layout::TimestampUnit::other);
  rewrite();
  EXPECT_TRUE(store_->head(key));
  EXPECT_EQ(store_->count_without_microseconds().value(), 1U);
}

TEST_F(PartFormatTest, KeepsNothingOfAnErasedVisitorInStatistics) {
  send({{"a", "buy", "12", "keep"}, {"b", "zzz-ann", "12", "ann"}});
  drain();
  EXPECT_EQ(erase("ann"), 1U);
  const auto account = AccountId::parse("12").value();
  const auto page =
      store_->list_parts(account, layout::account_prefix(account), "", 100, store_->generation());
  for (const auto& part : page.value().parts) {
    const auto bytes = layout::encode(*part.statistics);
    EXPECT_FALSE(bytes.contains("ann")) << part.info.key;
    EXPECT_FALSE(bytes.contains("keep")) << part.info.key;
  }
  EXPECT_EQ(page.value().parts.size(), 1U);
}

TEST_F(PartFormatTest, ReadsOnceWhatADamagedPartTells) {
  const std::string key = "v1/account_id=12/type=events/date=2026-03-09/event=x/a.parquet";
  PartPublisher publisher(*store_, clock_.now());
  ASSERT_TRUE(publisher.add_bytes(key, "no parquet"));
  ASSERT_TRUE(publisher.flush());
  EXPECT_EQ(read_unread_parts(*store_, 10).value(), 1U);
  EXPECT_EQ(read_unread_parts(*store_, 10).value(), 0U);
  const auto unready =
      store_->unready_parts(AccountId::parse("12").value(), layout::RowType::events).value();
  EXPECT_EQ(unready.unreadable, key);
}

}  // namespace
}  // namespace valetkey::exporter

// SPDX-License-Identifier: Apache-2.0
// The exporter over the partitions of a log: no part more than without them, and a folder of the first format, whose
// log had one, goes on with nothing lost and nothing twice.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <map>

#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "events/event.h"
#include "events/file_log.h"
#include "events/testing/faulty_log.h"
#include "events/testing/memory_log.h"
#include "events/testing/old_segment.h"
#include "exporter/exporter.h"
#include "exporter/part_publisher.h"
#include "exporter/testing/faulty_ledger.h"
#include "exporter/testing/library.h"
#include "exporter/testing/memory_ledger.h"
#include "storage/testing/faulty_store.h"
#include "storage/testing/memory_store.h"

namespace valetkey::exporter {
namespace {

namespace fs = std::filesystem;

// An event whose name is its uuid, so that the listing of the store tells which rows there are.
std::string record_of(const std::string& uuid, std::string_view account, Timestamp received) {
  events::Event event;
  event.account_id = account;
  event.uuid = uuid;
  event.visitor_id = "v";
  event.received = event.timestamp = received;
  event.event_name = uuid;
  std::string out;
  events::encode_event(event, out);
  return out;
}

class PartitionsTest : public testing::Test {
 protected:
  // What lies in a data folder, but for the log.
  struct Kept {
    storage::MemoryStore store;
    storage::FaultyStore faulty_store{store};
    MemoryLedger ledger;
    FaultyCalls calls;  // of ledger and log
    FaultyLedger faulty_ledger{ledger, calls};
  };

  void SetUp() override {
    if (!fs::exists(kLibrary)) GTEST_SKIP() << "libduckdb is not installed: run script/bootstrap";
  }
  void open(events::EventLog& log) {
    faulty_log_ = std::make_unique<events::FaultyLog>(log, kept_->calls);
    ExporterOptions options;
    options.duckdb = {.library = kLibrary, .sha256 = "", .folder = folder_.path() / "parquet"};
    exporter_.reset();
    exporter_ = std::make_unique<Exporter>(ExportParts{
        *faulty_log_, kept_->faulty_store, kept_->faulty_ledger, clock_,
        []() -> Result<std::vector<ExportedAccount>> { return std::vector<ExportedAccount>(); },
        options});
  }
  void close_files() {
    exporter_.reset();
    files_.reset();
  }
  // As a program of this version opens the folder.
  void open_files() {
    close_files();
    files_ = events::open_file_log(
                 {.folder = folder_.path() / "events",
                  .first_offset = [this](unsigned p) { return kept_->ledger.floor(p); }},
                 keys_, clock_)
                 .value();
    for (unsigned p = 0; p < files_->partitions(); ++p)
      ASSERT_TRUE(files_->release(p, kept_->ledger.consumed(p).value()));
    open(*files_);
  }
  void send(events::EventLog& log, const std::string& uuid, const std::string& account) {
    std::promise<Result<void>> done;
    log.append({account, "v"}, record_of(uuid, account, clock_.now()), 1,
               [&](Result<void> r) { done.set_value(std::move(r)); });
    ASSERT_TRUE(done.get_future().get());
  }
  // "account/uuid" and how many rows it has; parts, too.
  std::map<std::string, std::uint64_t> rows(std::size_t* parts = nullptr) {
    std::map<std::string, std::uint64_t> found;
    const auto page =
        kept_->store
            .list({.prefix = "v1/", .delimiter = "", .start_after = "", .max_entries = 1000})
            .value();
    for (const auto& entry : page.entries) {
      const auto& key = entry.info.key;
      const auto account = key.find("account_id=") + 11, name = key.find("event=") + 6;
      found[key.substr(account, key.find('/', account) - account) + "/" +
            key.substr(name, key.find('/', name) - name)] += entry.info.rows.value_or(0);
      if (parts != nullptr) ++*parts;
    }
    return found;
  }

  TemporaryFolder folder_;
  ManualClock clock_{kNoon};
  FixedKeySource keys_{Keyring::make(kNoon)};
  std::unique_ptr<Kept> kept_ = std::make_unique<Kept>();
  std::unique_ptr<events::EventLog> files_;
  std::unique_ptr<events::FaultyLog> faulty_log_;
  std::unique_ptr<Exporter> exporter_;
};

TEST_F(PartitionsTest, WritesOnePartOfAKeyHoweverManyPartitionsThereAre) {
  events::MemoryLog log(16);
  open(log);
  for (int turn = 0; turn < 3; ++turn)
    for (int account = 0; account < 20; ++account) send(log, "buy", std::to_string(account));
  clock_.advance(std::chrono::minutes(16));
  while (exporter_->run_batch().value()) {
  }
  std::size_t parts = 0;
  EXPECT_EQ(rows(&parts).size(), 20U);
  EXPECT_EQ(parts, 20U);
  for (unsigned p = 0; p < log.partitions(); ++p)
    EXPECT_EQ(kept_->ledger.consumed(p).value(), log.stats(p)->end);
  const auto counts = kept_->ledger.counts().value();
  EXPECT_EQ(counts.at("7").duplicates, 2U) << "repeats meet in one partition";
  std::size_t lists = 0;
  for (unsigned p = 0; p < log.partitions(); ++p) lists += kept_->ledger.seen(p)->empty() ? 0 : 1;
  EXPECT_GT(lists, 4U) << "each has a list of its own";
}

TEST_F(PartitionsTest, ExportsThePartitionsThatAreDueAndLeavesTheOthers) {
  open_files();
  send(*files_, "early", "12");
  clock_.advance(std::chrono::minutes(10));
  for (int account = 13; account < 20; ++account) send(*files_, "late", std::to_string(account));
  clock_.advance(std::chrono::minutes(6));
  EXPECT_TRUE(exporter_->run_batch().value());
  EXPECT_FALSE(exporter_->run_batch().value()) << "the times of the others have not come";
  EXPECT_TRUE(rows().contains("12/early"));
  EXPECT_LT(rows().size(), 8U);
  clock_.advance(std::chrono::minutes(16));
  while (exporter_->run_batch().value()) {
  }
  EXPECT_EQ(rows().size(), 8U);
}

// The folder of a release whose log had one partition: exported up to the middle of a frame, a batch under way that
// ends in the middle of another, and more that waits.
class FirstFormatTest : public PartitionsTest {
 protected:
  static constexpr int kOld = 18, kExported = 9, kBegun = 13;
  static std::string name(int i) { return fmt::format("old{:02}", i); }
  static std::string account(int i) { return std::to_string(12 + i % 6); }

  void make_folder() {
    close_files();
    kept_ = std::make_unique<Kept>();
    fs::remove_all(folder_.path() / "events");
    std::vector<events::OldFrame> frames(3);
    for (int i = 0; i < kOld; ++i) {
      frames[i / 6].records += record_of(name(i), account(i), kNoon);
      ++frames[i / 6].count;
    }
    write_old_segment(folder_.path() / "events", 0, frames, *keys_.get(), kNoon);
    Deduplicator exported;
    for (int i = 0; i < kExported; ++i) exported.add(digest_of(account(i), name(i)), 0);
    exported.sort();
    PartPublisher publisher(kept_->store, kNoon);
    ASSERT_TRUE(publisher.add_bytes("internal/seen/first", exported.serialize()));
    ASSERT_TRUE(publisher.flush());
    ExportResult result;
    result.seen = {{"internal/seen/first", date_of(kNoon), exported.size()}};
    auto& ledger = kept_->ledger;
    const auto lease = ledger.take_lease(0).value();
    ASSERT_TRUE(ledger.finish(lease, ledger.begin(lease, 0, kExported).value(), result, kNoon));
    ASSERT_TRUE(ledger.begin(lease, kExported, kBegun));
    open_files();
  }
  // New events, and each of the old ones once more.
  void send_all() {
    for (int i = 0; i < 6; ++i) send(*files_, "new", account(i));
    for (int i = 0; i < kOld; ++i) send(*files_, name(i), account(i));
  }
  void finish_and_check(const std::string& when) {
    const auto drained = exporter_->drain();
    ASSERT_TRUE(drained) << when << ": " << drained.error().detail;
    std::map<std::string, std::uint64_t> expected;  // the others' rows were written before
    for (int i = 0; i < 6; ++i) expected[account(i) + "/new"] = 1;
    for (int i = kExported; i < kOld; ++i) expected[account(i) + "/" + name(i)] = 1;
    EXPECT_EQ(rows(), expected) << when;
    EXPECT_EQ(kept_->ledger.consumed(0).value(), static_cast<std::uint64_t>(kOld));
    for (unsigned p = 0; p < files_->partitions(); ++p)
      EXPECT_EQ(files_->stats(p)->events, 0U) << when;
  }
};

TEST_F(FirstFormatTest, GoesOnWithNothingLostAndNothingTwice) {
  make_folder();
  send_all();
  finish_and_check("at once");
  send_all();
  finish_and_check("when all of it is sent again");
  clock_.advance(std::chrono::days(9));
  send(*files_, "later", "12");
  ASSERT_TRUE(exporter_->drain());
  EXPECT_TRUE(kept_->ledger.seen(0)->empty()) << "its list of uuids ends with the window";
}

TEST_F(FirstFormatTest, GoesOnWhereverItWasKilledInTheStore) {
  for (std::uint64_t call = 1;; call += 5) {
    make_folder();
    send_all();
    kept_->faulty_store.fail_call(call);
    const bool done = exporter_->drain().has_value();
    kept_->faulty_store.fail_call(0);
    open_files();
    finish_and_check(fmt::format("store call {}", call));
    if (!done) continue;
    EXPECT_GT(call, 30U);
    return;
  }
}

TEST_F(FirstFormatTest, GoesOnWhereverItWasKilledInTheLedgerOrTheLog) {
  for (std::uint64_t call = 1;; call += 5) {
    make_folder();
    send_all();
    kept_->calls.fail_from(call);
    const bool done = exporter_->drain().has_value();
    kept_->calls.fail_call(0);
    open_files();
    finish_and_check(fmt::format("call {}", call));
    if (!done) continue;
    EXPECT_GT(call, 30U);
    return;
  }
}

}  // namespace
}  // namespace valetkey::exporter

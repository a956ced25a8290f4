// SPDX-License-Identifier: Apache-2.0
// The real log, store, ledger and DuckDB in a folder of their own, under a clock that a test turns.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "events/file_log.h"
#include "events/testing/faulty_log.h"
#include "exporter/exporter.h"
#include "exporter/part_publisher.h"
#include "exporter/sql_ledger.h"
#include "exporter/testing/faulty_ledger.h"
#include "exporter/testing/library.h"
#include "layout/part_key.h"
#include "storage/disk_store.h"
#include "storage/testing/faulty_store.h"

namespace valetkey::exporter {

namespace fs = std::filesystem;
using std::chrono::days;

// The partition of account 12.
inline const unsigned kMine = 1 + events::partition_of({"12", "v"}, events::kFilePartitions - 1, 1);

class ExporterTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kLibrary)) GTEST_SKIP() << "libduckdb is not installed: run script/bootstrap";
    folder_ = temporary_.emplace().path();
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

  // An activation of so many decisions by a visitor of so many attributes.
  static std::string wide_event(const std::string& uuid, const std::string& account,
                                std::size_t decisions, std::size_t attributes) {
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
  std::optional<TemporaryFolder> temporary_;  // a new one with each SetUp()
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

}  // namespace valetkey::exporter

// SPDX-License-Identifier: Apache-2.0
// The loop over the real log, stores and DuckDB, under a clock that the test turns.
#include "server/export_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>

#include "admin/command_context.h"
#include "admin/engines.h"
#include "admin/testing/test_machine.h"
#include "base/crypto.h"
#include "base/testing/manual_clock.h"
#include "events/event.h"

namespace valetkey::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// After every key of the keyring became active, whenever this runs.
constexpr auto kNoon =
    std::chrono::sys_days(std::chrono::year(2100) / 3 / 10) + std::chrono::hours(12);

class ExportLoopTest : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path library =
        VALETKEY_SOURCE_DIR "/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so";
    if (!fs::exists(library)) GTEST_SKIP() << "libduckdb is not installed: run script/bootstrap";
    machine_.prepare();
    config_.exporting.duckdb_library = library;
    keys_ = context_.open_keys().value();
    control_ = context_.open_control().value();
    objects_ = context_.open_objects(*keys_).value();
    const admin::Engines engines(config_, machine_.env(), machine_.data(), clock_);
    ledger_ = engines.databases().open_ledger().value();
    log_ = engines.open_log(*ledger_, *keys_).value();
  }

  void start() {
    loop_ = std::make_unique<ExportLoop>(
        admin::ExporterParts{*log_, *objects_, *ledger_, *control_, clock_}, config_.exporting,
        intake_);
    loop_->start();
  }
  void send(const std::string& uuid, const std::string& visitor = "v") {
    events::Event event;
    event.account_id = "12";
    event.uuid = uuid;
    event.visitor_id = visitor;
    event.event_name = "buy";
    event.received = event.timestamp = clock_.now();
    std::string record;
    encode_event(event, record);
    std::promise<Result<void>> done;
    log_->append({event.account_id, event.visitor_id}, record, 1,
                 [&](Result<void> r) { done.set_value(std::move(r)); });
    ASSERT_TRUE(done.get_future().get());
  }
  static bool eventually(const std::function<bool()>& holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < until) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return holds();
  }
  std::uint64_t rows() const { return loop_->health().totals.rows; }
  bool exists(const std::string& key) const { return objects_->head(key).has_value(); }

  admin::TestMachine machine_;
  ManualClock clock_{kNoon};
  std::ostringstream out_, err_;
  admin::CommandContext context_{out_, err_, clock_, machine_.env(), false, false, machine_.data(),
                                 {},   {}};
  config::Config config_;
  std::unique_ptr<KeySource> keys_;
  std::unique_ptr<control::ControlStore> control_;
  std::unique_ptr<storage::ObjectStore> objects_;
  std::unique_ptr<exporter::Ledger> ledger_;
  std::unique_ptr<events::EventLog> log_;
  IntakeCounters intake_;
  std::unique_ptr<ExportLoop> loop_;  // the last one: it uses all the others
};

TEST_F(ExportLoopTest, ExportsWhatIsDueAndTellsWhatWaits) {
  start();
  send("a");
  EXPECT_TRUE(eventually([&] { return loop_->health().waiting_events == 1; }));
  clock_.advance(config_.exporting.longest_wait - std::chrono::seconds(1));
  EXPECT_TRUE(eventually([&] { return loop_->health().lag > std::chrono::minutes(14); }));
  EXPECT_EQ(rows(), 0U);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(eventually([&] { return rows() == 1; }));
  EXPECT_EQ(loop_->health().waiting_events, 0U);
  EXPECT_EQ(loop_->health().lag.count(), 0);
}

TEST_F(ExportLoopTest, WritesDownWhatWasDropped) {
  const AccountId account = AccountId::parse("12").value();
  start();
  intake_.dropped(account.str(), "rate_limit", 3);
  intake_.dropped("", "unknown_account", 8);
  intake_.unknown("99", 8);
  EXPECT_TRUE(eventually([&] { return !ledger_->losses().value().empty(); }));
  intake_.unknown("98", 1);
  intake_.altered(account, "number", 2);
  intake_.dropped(account.str(), "rate_limit", 4);
  intake_.dropped(account.str(), "no_uuid", 1);
  loop_->stop();
  const auto kept = ledger_->losses().value();
  const exporter::LossCounts all = {{"12", {{"rate_limit", 7}, {"no_uuid", 1}}}};
  EXPECT_EQ(kept.dropped, all) << "what came just before the end counts as well";
  EXPECT_EQ(kept.altered, (exporter::LossCounts{{"12", {{"number", 2}}}}));
  EXPECT_EQ(kept.unknown_events, 9U);
  EXPECT_EQ(kept.last_unknown, "98");
}

TEST_F(ExportLoopTest, TellsWhoAskedWhyItFailedAndTriesAtOnceWhenAskedAgain) {
  const auto library = std::exchange(config_.exporting.duckdb_library, machine_.data() / "none.so");
  start();
  send("a");
  for (int pauses = 0; pauses < 3; ++pauses) {  // the pause after a failure grows
    const auto asked = clock_.now();
    ASSERT_TRUE(ledger_->request_run(asked));
    const auto why = [&] { return ledger_->failed_since(asked).value().value_or(""); };
    ASSERT_TRUE(eventually([&] { return !why().empty(); }));
    EXPECT_THAT(why(), HasSubstr("none.so"));
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(ledger_->failed_since(clock_.now()).value(), std::nullopt) << "an earlier attempt";
  }
  fs::create_symlink(library, machine_.data() / "none.so");
  ASSERT_TRUE(ledger_->request_run(clock_.now()));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] { return rows() == 1; }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(7))
      << "the next pause would have been 8 s";
}

TEST_F(ExportLoopTest, ExportsAtOnceWhenAsked) {
  start();
  send("a");
  ASSERT_TRUE(ledger_->request_run(clock_.now()));
  EXPECT_TRUE(eventually([&] { return rows() == 1; }));
}

TEST_F(ExportLoopTest, ClosesADayAfterItsGraceAndCountsWhatIsLate) {
  send("a");
  start();
  ASSERT_TRUE(ledger_->request_run(clock_.now()));
  ASSERT_TRUE(eventually([&] { return rows() == 1; }));
  const std::string success = "v1/account_id=12/type=events/date=2100-03-10/_SUCCESS";
  EXPECT_FALSE(exists(success));
  clock_.advance(std::chrono::hours(12) + config_.exporting.grace);
  EXPECT_TRUE(eventually([&] { return exists(success); }));
  clock_.advance(-std::chrono::hours(13));
  send("late");
  ASSERT_TRUE(ledger_->request_run(clock_.now()));
  EXPECT_TRUE(eventually([&] { return loop_->health().totals.late == 1; }));
}

TEST_F(ExportLoopTest, ErasesAVisitorThatIsAskedFor) {
  send("a", "ann");
  send("b", "bob");
  const auto id = ledger_->request_erasure("12", sha256_hex("ann"), clock_.now());
  ASSERT_TRUE(id);
  // As an attempt before the server's end left it.
  ASSERT_TRUE(ledger_->note_erased(ledger_->take_lease(exporter::kDays).value(), *id,
                                   "v1/account_id=12/type=events/another.parquet", 2));
  start();
  EXPECT_TRUE(eventually([&] { return ledger_->erased(*id)->has_value(); }));
  EXPECT_EQ(ledger_->erased(*id)->value().rows, 3U);
  EXPECT_FALSE(ledger_->next_erasure()->has_value());
}

TEST_F(ExportLoopTest, KeepsEventsAndSaysWhyWhenItCannotExport) {
  config_.exporting.duckdb_library = machine_.folder() / "missing.so";
  send("a");
  start();
  EXPECT_TRUE(eventually([&] { return loop_->health().failures > 0; }));
  EXPECT_THAT(loop_->health().problem, HasSubstr("missing.so"));
  EXPECT_EQ(loop_->health().waiting_events, 1U);
  loop_->stop();
}

TEST_F(ExportLoopTest, StopsAtOnceWhileItWaits) {
  start();
  const auto began = std::chrono::steady_clock::now();
  loop_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
}

}  // namespace
}  // namespace valetkey::server

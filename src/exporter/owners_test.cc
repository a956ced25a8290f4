// SPDX-License-Identifier: Apache-2.0
// Nodes that share the work of the export: who owns what, and that no row is lost or shown twice when one of them stops,
// sleeps or comes back.
#include "exporter/owners.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <map>

#include "base/testing/faulty_calls.h"
#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "events/event.h"
#include "events/testing/memory_log.h"
#include "exporter/exporter.h"
#include "exporter/holdings.h"
#include "exporter/testing/faulty_owners.h"
#include "exporter/testing/library.h"
#include "exporter/testing/memory_ledger.h"
#include "exporter/testing/memory_owners.h"
#include "storage/testing/faulty_store.h"
#include "storage/testing/memory_store.h"

namespace valetkey::exporter {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kPartitions = 4;
const std::vector<Work> kAll = {kDays, 0, 1, 2, 3};

class OwnersTest : public testing::Test {
 protected:
  std::unique_ptr<Holdings> node(const std::string& id) {
    return std::make_unique<Holdings>(faulty_, NodeState{id, id, "test", kNoon, kNoon, true}, kAll,
                                      clock_, steady_);
  }
  std::vector<Work> held(const Holdings& node) const {
    std::vector<Work> works;
    for (const Work work : kAll)
      if (node.holds(work)) works.push_back(work);
    return works;
  }
  void pass(milliseconds time) {
    clock_.advance(time);
    steady_.advance(time);
  }
  // Renewals as often as the thread makes them.
  void pass_renewing(std::chrono::seconds time, const std::vector<Holdings*>& nodes) {
    for (auto left = time; left > left.zero(); left -= kOwnershipRenewed) {
      pass(kOwnershipRenewed);
      for (auto* each : nodes) ASSERT_TRUE(each->renew());
    }
  }

  ManualClock clock_{kNoon};
  ManualSteadyClock steady_;
  MemoryOwners owners_{clock_};
  FaultyCalls calls_;
  FaultyOwners faulty_{owners_, calls_};
};

TEST_F(OwnersTest, GivesAFreshNodeItsPartWithinTenSeconds) {
  const auto first = node("first"), second = node("second");
  ASSERT_TRUE(first->renew());
  EXPECT_EQ(held(*first), kAll);
  ASSERT_TRUE(second->renew());
  EXPECT_TRUE(held(*second).empty()) << "nothing is free yet";
  pass_renewing(std::chrono::seconds(10), {first.get(), second.get()});
  EXPECT_EQ(held(*first).size(), 3U);
  EXPECT_EQ(held(*second).size(), 2U);
  for (const Work work : kAll) EXPECT_NE(first->holds(work), second->holds(work)) << work;
}

TEST_F(OwnersTest, TakesUpWhatADeadNodeDidWithinThirtyFiveSeconds) {
  const auto first = node("first"), second = node("second");
  ASSERT_TRUE(first->renew());
  pass_renewing(std::chrono::seconds(15), {first.get(), second.get()});
  const auto before = second->gained();
  pass_renewing(std::chrono::seconds(35), {second.get()});
  EXPECT_EQ(held(*second), kAll);
  EXPECT_GT(second->gained(), before);
  EXPECT_TRUE(held(*first).empty());
}

TEST_F(OwnersTest, HandsOverAtOnceWhenANodeEnds) {
  const auto first = node("first"), second = node("second");
  ASSERT_TRUE(first->renew());
  ASSERT_TRUE(second->renew());
  first->stop();
  EXPECT_TRUE(held(*first).empty());
  ASSERT_TRUE(second->renew());
  EXPECT_EQ(held(*second), kAll);
}

TEST_F(OwnersTest, TakesNothingBeforeItMayShare) {
  const auto early = node("early"), other = node("other");
  bool may = false;
  early->share_once([&may]() -> Result<void> {
    return may ? Result<void>() : fail(ErrorCode::unavailable, "the log is away");
  });
  ASSERT_TRUE(early->renew());
  EXPECT_TRUE(held(*early).empty());
  EXPECT_FALSE(owners_.nodes().value().at(0).fit);
  ASSERT_TRUE(other->renew());
  EXPECT_EQ(held(*other), kAll) << "it counts for nothing";
  may = true;
  pass_renewing(std::chrono::seconds(15), {early.get(), other.get()});
  EXPECT_EQ(held(*early).size(), 2U);
  EXPECT_TRUE(owners_.nodes().value().at(0).fit);
}

TEST_F(OwnersTest, OffersTheWorkOfANodeWhoseExportsFailToOthers) {
  const auto first = node("first"), second = node("second");
  ASSERT_TRUE(first->renew());
  pass_renewing(std::chrono::seconds(15), {first.get(), second.get()});
  first->note_export(false);
  pass_renewing(std::chrono::seconds(55), {first.get(), second.get()});
  EXPECT_FALSE(held(*first).empty()) << "a minute is no reason yet";
  first->note_export(false);
  pass_renewing(std::chrono::seconds(15), {first.get(), second.get()});
  EXPECT_TRUE(held(*first).empty());
  EXPECT_EQ(held(*second), kAll);
  EXPECT_FALSE(owners_.nodes()->front().fit);
  first->note_export(true);  // it had nothing to do
  pass_renewing(std::chrono::seconds(100), {first.get(), second.get()});
  EXPECT_TRUE(held(*first).empty());
  pass_renewing(std::chrono::seconds(30), {first.get(), second.get()});
  EXPECT_FALSE(held(*first).empty()) << "it tries again after two minutes";
  first->note_export(false);
  pass_renewing(std::chrono::seconds(75), {first.get(), second.get()});
  EXPECT_TRUE(held(*first).empty());
  pass_renewing(std::chrono::seconds(200), {first.get(), second.get()});
  EXPECT_TRUE(held(*first).empty()) << "later and later";
  pass_renewing(std::chrono::seconds(60), {first.get(), second.get()});
  EXPECT_FALSE(held(*first).empty());
}

TEST_F(OwnersTest, KeepsTheWorkWhereEveryNodesExportsFail) {
  const auto first = node("first"), second = node("second");
  ASSERT_TRUE(first->renew());
  pass_renewing(std::chrono::seconds(15), {first.get(), second.get()});
  for (const auto& each : {first.get(), second.get()}) each->note_export(false);
  pass_renewing(std::chrono::seconds(90), {first.get(), second.get()});
  EXPECT_EQ(held(*first).size() + held(*second).size(), kAll.size());
  first->note_export(true);
  pass_renewing(std::chrono::seconds(15), {first.get(), second.get()});
  EXPECT_EQ(held(*first), kAll) << "the first that works does all of it";
}

TEST_F(OwnersTest, GivesWhatIsNotSharedToTheOwnerOfTheDays) {
  const auto first = node("first"), second = node("second");
  ASSERT_TRUE(first->renew());
  pass_renewing(std::chrono::seconds(15), {first.get(), second.get()});
  EXPECT_NE(first->holds(kDays), second->holds(kDays));
  EXPECT_EQ(first->holds(77), first->holds(kDays));
  EXPECT_EQ(second->holds(77), second->holds(kDays));
}

TEST_F(OwnersTest, CountsAnewGainedDaysApart) {
  const auto first = node("first"), second = node("second");
  ASSERT_TRUE(first->renew());
  EXPECT_EQ(first->gained_days(), 1U);
  pass_renewing(std::chrono::seconds(15), {first.get(), second.get()});
  const auto before = first->gained();
  pass_renewing(std::chrono::seconds(40), {first.get()});
  EXPECT_GT(first->gained(), before) << "what the other had";
  EXPECT_EQ(first->gained_days(), 1U) << "it had them all the time";
}

TEST_F(OwnersTest, TrustsInNothingThatItCannotRenewForLong) {
  const auto first = node("first");
  ASSERT_TRUE(first->renew());
  calls_.fail_from(1);
  pass(std::chrono::seconds(14));
  EXPECT_FALSE(first->renew());
  EXPECT_EQ(held(*first), kAll);
  pass(std::chrono::seconds(1));
  EXPECT_TRUE(held(*first).empty());
  calls_.fail_call(0);
  ASSERT_TRUE(first->renew());
  EXPECT_EQ(held(*first), kAll);
}

TEST_F(OwnersTest, HandsOverLaterWhenANodeEndsThatCannotSaySo) {
  const auto first = node("first"), second = node("second");
  ASSERT_TRUE(first->renew());
  ASSERT_TRUE(second->renew());
  calls_.fail_call(1);
  first->stop();
  EXPECT_TRUE(held(*first).empty());
  ASSERT_TRUE(second->renew());
  EXPECT_TRUE(held(*second).empty());
  pass_renewing(kOwnershipLasts, {second.get()});
  EXPECT_EQ(held(*second), kAll);
}

TEST_F(OwnersTest, TrustsInNothingAfterASleepThatOneClockDidNotNotice) {
  const auto first = node("first");
  ASSERT_TRUE(first->renew());
  clock_.advance(std::chrono::seconds(16));
  EXPECT_TRUE(held(*first).empty());
  ASSERT_TRUE(first->renew());
  steady_.advance(std::chrono::seconds(16));
  EXPECT_TRUE(held(*first).empty());
}

std::string record_of(const std::string& name, const std::string& account, Timestamp received) {
  events::Event event;
  event.account_id = account;
  event.uuid = name;
  event.visitor_id = "v";
  event.received = event.timestamp = received;
  event.event_name = "buy";
  std::string out;
  events::encode_event(event, out);
  return out;
}

// Two nodes over one log, one ledger and one store.
class NodesTest : public OwnersTest {
 protected:
  struct Node {
    std::unique_ptr<Holdings> holdings;
    std::unique_ptr<storage::FaultyStore> store;
    std::unique_ptr<Exporter> exporter;
  };
  void SetUp() override {
    if (!fs::exists(kLibrary)) GTEST_SKIP() << "libduckdb is not installed: run script/bootstrap";
  }
  Node start(const std::string& id, milliseconds fence) {
    Node made;
    made.holdings = node(id);
    made.store = std::make_unique<storage::FaultyStore>(store_);
    ExporterOptions options;
    options.duckdb = {.library = kLibrary, .sha256 = "", .folder = folder_.path() / id};
    options.fence = fence;
    made.exporter = std::make_unique<Exporter>(
        ExportParts{log_, *made.store, ledger_, clock_,
                    []() -> Result<std::vector<ExportedAccount>> {
                      return std::vector<ExportedAccount>{{*AccountId::parse("12"), std::nullopt}};
                    },
                    options, *made.holdings});
    return made;
  }
  void send(const std::string& name, const std::string& account = "12") {
    std::promise<Result<void>> done;
    log_.append({account, "v"}, record_of(name, account, clock_.now()), 1,
                [&](Result<void> r) { done.set_value(std::move(r)); });
    ASSERT_TRUE(done.get_future().get());
  }
  // By account.
  std::map<std::string, std::uint64_t> rows() {
    std::map<std::string, std::uint64_t> found;
    const auto page = store_.list({"v1/", "", "", 1000, 0}).value();
    for (const auto& entry : page.entries) {
      const auto account = entry.info.key.find("account_id=") + 11;
      found[entry.info.key.substr(account, entry.info.key.find('/', account) - account)] +=
          entry.info.rows.value_or(0);
    }
    return found;
  }
  bool is_complete() {
    return store_.head("v1/account_id=12/type=events/date=2026-03-10/_SUCCESS").has_value();
  }

  // A part for each of three events, the last by a node that falls asleep before its PUT until the other has taken over,
  // and gone on as far as it gets.
  void export_with_a_sleeper(Node& sleeper, Node& other, const std::function<void()>& further) {
    ASSERT_TRUE(sleeper.holdings->renew());
    for (const auto* name : {"a", "b"}) {
      send(name);
      ASSERT_TRUE(sleeper.exporter->drain());
    }
    send("c");
    sleeper.store->meanwhile = [&] {
      for (int i = 0; i < 8; ++i) {
        pass(kOwnershipRenewed);
        ASSERT_TRUE(other.holdings->renew());
      }
      ASSERT_FALSE(sleeper.holdings->holds(0));
      const auto drained = other.exporter->drain();
      ASSERT_TRUE(drained) << drained.error().detail;
      further();
    };
    const auto drained = sleeper.exporter->drain();
    ASSERT_FALSE(drained);
    EXPECT_EQ(drained.error().code, ErrorCode::busy) << drained.error().detail;
  }
  void close_day(Node& node) {
    clock_.set(date_of(kNoon) + std::chrono::days(1) + std::chrono::minutes(5));
    ASSERT_TRUE(node.holdings->renew());
    const auto closed = node.exporter->close_days();
    ASSERT_TRUE(closed) << closed.error().detail;
  }

  TemporaryFolder folder_;
  events::MemoryLog log_{kPartitions};
  storage::MemoryStore store_;
  MemoryLedger ledger_;
};

TEST_F(NodesTest, ExportEachEventOnceAndTheDaysWhenAllHaveDoneTheirs) {
  auto first = start("first", milliseconds(0)), second = start("second", milliseconds(0));
  clock_.set(date_of(kNoon) + std::chrono::hours(24) - std::chrono::minutes(1));
  ASSERT_TRUE(first.holdings->renew());
  ASSERT_TRUE(first.exporter->close_days()) << "the owner of the days notes where they begin";
  pass_renewing(std::chrono::seconds(15), {first.holdings.get(), second.holdings.get()});
  for (int account = 0; account < 20; ++account) send("x", std::to_string(account));
  ASSERT_TRUE(first.exporter->drain());
  const auto some = rows().size();
  EXPECT_GT(some, 0U);
  EXPECT_LT(some, 20U);
  pass_renewing(std::chrono::minutes(6), {first.holdings.get(), second.holdings.get()});
  EXPECT_EQ(first.exporter->close_days().value(), 0U) << "the other node has not exported yet";
  EXPECT_FALSE(is_complete());
  ASSERT_TRUE(second.exporter->drain());
  EXPECT_EQ(first.exporter->close_days().value(), 1U);
  EXPECT_EQ(*ledger_.closed_through(), date_of(kNoon));
  EXPECT_TRUE(is_complete());
  const auto found = rows();
  EXPECT_EQ(found.size(), 20U);
  for (const auto& [account, count] : found) EXPECT_EQ(count, 1U) << account;
  EXPECT_EQ(second.exporter->close_days().value(), 0U) << "the days are not its own";
}

TEST_F(NodesTest, TidyOnlyTheListsOfTheirOwnPartitions) {
  auto first = start("first", milliseconds(0)), second = start("second", milliseconds(0));
  ASSERT_TRUE(first.holdings->renew());
  ASSERT_TRUE(first.exporter->close_days());
  for (int account = 0; account < 20; ++account) send("x", std::to_string(account));
  ASSERT_TRUE(first.exporter->drain());
  const auto lists = ledger_.all_seen().value().size();
  ASSERT_EQ(lists, kPartitions);
  clock_.advance(std::chrono::days(9));
  ASSERT_TRUE(first.holdings->renew());
  pass_renewing(std::chrono::seconds(15), {first.holdings.get(), second.holdings.get()});
  for (auto* node : {&first, &second}) {
    for (int account = 0; account < 20; ++account) send("y", std::to_string(account));
    const auto drained = node->exporter->drain();
    ASSERT_TRUE(drained) << drained.error().detail;
  }
  for (const auto& file : ledger_.all_seen().value())
    EXPECT_GT(file.day, date_of(kNoon)) << "the window has passed the former ones";
}

TEST_F(NodesTest, WaitsForWhatABatchHoldsAndTheLogDoesNotShowYet) {
  auto node = start("node", milliseconds(0));
  ASSERT_TRUE(node.holdings->renew());
  ASSERT_TRUE(node.exporter->close_days());
  send("a");
  const unsigned partition = events::partition_of({"12", "v"}, kPartitions, 1);
  ASSERT_TRUE(ledger_.begin(ledger_.take_lease(partition).value(), 0, 2));
  const auto early = node.exporter->drain();
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::unavailable) << early.error().detail;
  EXPECT_EQ(ledger_.consumed(partition).value(), 0U);
  send("b");
  const auto drained = node.exporter->drain();
  ASSERT_TRUE(drained) << drained.error().detail;
  EXPECT_EQ(rows()["12"], 2U);
}

TEST_F(NodesTest, ASleeperWritesNothingTwiceIntoADayThatTheFenceKeepsOpen) {
  const milliseconds fence = std::chrono::minutes(20);
  auto sleeper = start("sleeper", fence), other = start("other", fence);
  export_with_a_sleeper(sleeper, other, [&] {
    close_day(other);
    EXPECT_FALSE(is_complete());
  });
  EXPECT_EQ(rows()["12"], 3U);
  pass(fence);
  ASSERT_TRUE(other.holdings->renew());
  EXPECT_EQ(other.exporter->close_days().value(), 1U);
  EXPECT_TRUE(is_complete());
  EXPECT_EQ(rows()["12"], 3U);
}

// What the fence is for: the same, without one.
TEST_F(NodesTest, WithoutAFenceASleeperWritesAPartAgainThatWasMergedMeanwhile) {
  auto sleeper = start("sleeper", milliseconds(0)), other = start("other", milliseconds(0));
  export_with_a_sleeper(sleeper, other, [&] {
    close_day(other);
    EXPECT_TRUE(is_complete());
    EXPECT_EQ(rows()["12"], 3U);
  });
  EXPECT_EQ(rows()["12"], 4U);
}

TEST_F(NodesTest, AnErasureWaitsForTheOtherNodesAndTheFence) {
  const milliseconds fence = std::chrono::minutes(20);
  auto first = start("first", fence), second = start("second", fence);
  ASSERT_TRUE(first.holdings->renew());
  ASSERT_TRUE(first.exporter->close_days());
  pass_renewing(std::chrono::seconds(15), {first.holdings.get(), second.holdings.get()});
  for (int account = 12; account < 32; ++account) send("x", std::to_string(account));
  const auto account = *AccountId::parse("12");
  const bool own = first.holdings->holds(events::partition_of({"12", "v"}, kPartitions, 1));
  EXPECT_FALSE(first.exporter->is_ready_to_erase(account, "").value()) << own;
  EXPECT_EQ(first.exporter->erase_account(account).error().code, ErrorCode::unavailable);
  ASSERT_TRUE(second.exporter->drain());
  EXPECT_FALSE(first.exporter->is_ready_to_erase(account, "").value()) << "the fence";
  pass(fence);
  ASSERT_TRUE(first.holdings->renew());
  EXPECT_TRUE(first.exporter->is_ready_to_erase(account, "").value());
  ASSERT_TRUE(first.exporter->erase_account(account));
  EXPECT_FALSE(rows().contains("12"));
  EXPECT_EQ(rows().size(), 19U);
}

}  // namespace
}  // namespace valetkey::exporter

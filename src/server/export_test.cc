// SPDX-License-Identifier: Apache-2.0
// The commands about events, through the front door.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "server/health.h"
#include "server/intake_counters.h"
#include "server/test_machine.h"

namespace valetkey::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

TEST(Export, OfAFolderWithoutEventsDoesNothingAndSaysSo) {
  const TestMachine machine;
  machine.prepare();
  const auto status = machine.must({"export", "status", "--json"}).json();
  EXPECT_EQ(status.at("waiting"), 0);
  EXPECT_TRUE(status.at("closed_through").is_null());
  EXPECT_EQ(machine.must({"export", "status"}).out, "No events have come yet.\n");
}

TEST(AccountSet, ChangesOnlyWhatIsNamed) {
  const TestMachine machine;
  machine.prepare();
  machine.must({"account", "set", "12", "--retention", "90d", "--events-per-s", "7"});
  const auto policy =
      machine.must({"account", "set", "12", "--origins", "https://a.example", "--json"}).json();
  EXPECT_EQ(policy.at("retention_days"), 90);
  EXPECT_EQ(policy.at("events_per_s"), 7);
  EXPECT_EQ(policy.at("origins").as_array().size(), 1u);
  EXPECT_THAT(machine.must({"account", "set", "12", "--retention", "none"}).out,
              HasSubstr("retention none"));
  EXPECT_EQ(machine.run({"account", "set", "12", "--retention", "12h"}).status, 1);
  EXPECT_EQ(machine.run({"account", "set", "13"}).status, 1);
  const auto negative = machine.run({"account", "set", "12", "--bytes-per-day", "-1"});
  EXPECT_EQ(negative.status, 2);
  EXPECT_THAT(negative.err, HasSubstr("--bytes-per-day takes a size such as 500, 10MiB or 1.5GB"));
}

TEST(AccountSet, ShowsAnIngestKeyOnceAndStoresItsHash) {
  const TestMachine machine;
  machine.prepare();
  const auto made = machine.must({"account", "set", "12", "--ingest-key", "new", "--json"}).json();
  const std::string key = made.at("ingest_key").as_string().c_str();
  EXPECT_THAT(key, HasSubstr("vkingest_"));
  EXPECT_EQ(made.at("needs_ingest_key"), true);
  for (const auto& entry : fs::recursive_directory_iterator(machine.data())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    const std::string content(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(content, Not(HasSubstr(key))) << entry.path();
  }
  EXPECT_THAT(machine.must({"account", "set", "12"}).out, HasSubstr("ingest key needed"));
  EXPECT_THAT(machine.must({"account", "set", "12", "--ingest-key", "none"}).out,
              HasSubstr("not needed"));
}

TEST(Health, WarnsOfAnExportThatFailsAndStaysReady) {
  const Timestamp now = from_epoch_ms(1'000'000);
  Health health;
  health.looked = now;
  health.control_fresh = true;
  health.exporting.emplace().problem = "there is no libduckdb.so";
  EXPECT_TRUE(health.problems(now).empty());
  ASSERT_EQ(health.warnings(now).size(), 1u);
  EXPECT_THAT(health.warnings(now)[0], HasSubstr("no libduckdb.so"));
}

TEST(IntakeCounters, CountsReasonsUpToALimit) {
  IntakeCounters counters;
  for (int i = 0; i < 100; ++i) counters.dropped("", std::to_string(i), 2);
  EXPECT_EQ(counters.drops().size(), 65u);
  EXPECT_EQ(counters.drops().at("other"), 72u);
}

TEST(IntakeCounters, TakesBackWhatCouldNotBeWrittenDown) {
  IntakeCounters counters;
  const AccountId account = AccountId::parse("12").value();
  counters.dropped("12", "uuid", 1);
  counters.unknown("98", 2);
  auto taken = counters.take_losses();
  EXPECT_TRUE(counters.take_losses().empty());
  counters.altered(account, "text", 1);
  counters.unknown("99", 3);
  counters.give_back(std::move(taken));
  const auto all = counters.take_losses();
  EXPECT_EQ(all.dropped.at("12").at("uuid"), 1u);
  EXPECT_EQ(all.altered.at("12").at("text"), 1u);
  EXPECT_EQ(all.unknown_events, 5u);
  EXPECT_EQ(all.last_unknown, "99");
}

}  // namespace
}  // namespace valetkey::server

// SPDX-License-Identifier: Apache-2.0
// The commands about events, through the front door.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "admin/testing/test_machine.h"

namespace valetkey::admin {
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
  EXPECT_EQ(machine.run({"account", "set", "12", "--retention", "12h"}).status, 2);
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

}  // namespace
}  // namespace valetkey::admin

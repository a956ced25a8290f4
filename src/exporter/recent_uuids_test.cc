// SPDX-License-Identifier: Apache-2.0
#include "exporter/recent_uuids.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "exporter/seen_name.h"

namespace valetkey::exporter {
namespace {

SeenFile file_at(std::uint64_t end, unsigned partition = 1) {
  return {seen_key(partition, end, fmt::format("{}", end)), Date(), 1};
}

TEST(RecentUuids, KeepsTheNewestWithinItsBound) {
  RecentUuids recent(100);
  for (std::uint64_t end = 1; end <= 50; ++end) {
    recent.add(1, file_at(end), std::string(30, 'x'));
    EXPECT_LE(recent.bytes(), 100U);
  }
  for (std::uint64_t end = 1; end <= 50; ++end)
    EXPECT_EQ(recent.find(1, file_at(end).key) != nullptr, end > 47) << end;
}

TEST(RecentUuids, TellsAgeByTheEndOfABatchAndNotByWhenItCame) {
  RecentUuids recent(100);
  for (const std::uint64_t end : {10U, 9U, 2U, 11U})
    recent.add(1, file_at(end), std::string(30, 'x'));
  EXPECT_FALSE(recent.find(1, file_at(2).key));
  EXPECT_TRUE(recent.find(1, file_at(9).key));
}

TEST(RecentUuids, TakesWhatIsTooMuchFromThePartitionThatHasMost) {
  RecentUuids recent(100);
  recent.add(1, file_at(1, 1), std::string(10, 'x'));
  for (std::uint64_t end = 1; end <= 20; ++end)
    recent.add(2, file_at(end, 2), std::string(10, 'x'));
  EXPECT_TRUE(recent.find(1, file_at(1, 1).key)) << "a quiet partition keeps its own";
  EXPECT_EQ(recent.bytes(), 100U);
  EXPECT_TRUE(recent.has_room(1, 30)) << "the other one would give way";
  EXPECT_FALSE(recent.has_room(2, 10)) << "its own older ones would go for it";
}

TEST(RecentUuids, KeepsAFileThatIsTooLargeUntilTheNextOneComes) {
  RecentUuids recent(100);
  recent.add(1, file_at(1), std::string(500, 'x'));
  EXPECT_TRUE(recent.find(1, file_at(1).key));
  recent.add(1, file_at(2), std::string(10, 'x'));
  EXPECT_EQ(recent.bytes(), 10U);
}

TEST(RecentUuids, ForgetsWhatTheLedgerDoesNotNameAnyMore) {
  RecentUuids recent(100);
  for (std::uint64_t end = 1; end <= 3; ++end) recent.add(1, file_at(end), std::string(10, 'x'));
  recent.keep_only(1, {file_at(2)});
  EXPECT_EQ(recent.bytes(), 10U);
  EXPECT_TRUE(recent.find(1, file_at(2).key));
}

}  // namespace
}  // namespace valetkey::exporter

// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/check_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/file_log.h"
#include "exporter/testing/memory_ledger.h"
#include "storage/testing/memory_store.h"

namespace valetkey::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Silent final : upkeep::CheckProgress {
  void advanced(std::uint64_t, std::uint64_t) override {}
};

class CheckParts : public testing::Test {
 protected:
  // A batch that exported five rows, whose part nobody finds.
  void export_and_lose() {
    const auto lease = ledger_.take_lease(1).value();
    const auto batch = ledger_.begin(lease, 0, 10).value();
    exporter::ExportResult result;
    result.counts["12"].rows = 5;
    ASSERT_TRUE(ledger_.finish(lease, batch, result, kNow));
  }
  std::vector<std::string> problems() {
    Silent silent;
    return check_parts({store_, ledger_, {{account_, std::nullopt}}}, silent).value().problems;
  }

  static constexpr auto kNow = Timestamp(std::chrono::milliseconds(1'600'000'000'000));
  const AccountId account_ = AccountId::parse("12").value();
  exporter::MemoryLedger ledger_;
  storage::MemoryStore store_;
};

TEST_F(CheckParts, MissesRowsThatWereExported) {
  EXPECT_THAT(problems(), IsEmpty());
  export_and_lose();
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("5 of 5 exported rows are missing")));
}

// Rows may be there before the ledger counts them, or the other way round.
TEST_F(CheckParts, CountsNothingWhileABatchOfAnyPartitionIsUnderWay) {
  export_and_lose();
  for (unsigned partition = 0; partition < events::kFilePartitions; ++partition) {
    const auto lease = ledger_.take_lease(static_cast<exporter::Work>(partition)).value();
    const auto batch = ledger_.begin(lease, 20, 30).value();
    EXPECT_THAT(problems(), IsEmpty()) << partition;
    ASSERT_TRUE(ledger_.finish(lease, batch, {}, kNow));
  }
  EXPECT_THAT(problems(), testing::SizeIs(1));
}

TEST_F(CheckParts, MissesAFileOfSeenUuids) {
  const auto lease = ledger_.take_lease(1).value();
  const auto batch = ledger_.begin(lease, 0, 10).value();
  exporter::ExportResult result;
  result.seen.push_back({.key = "internal/seen/1", .day = date_of(kNow), .uuids = 3});
  ASSERT_TRUE(ledger_.finish(lease, batch, result, kNow));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("internal/seen/1")));
}

}  // namespace
}  // namespace valetkey::admin

// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/backlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "admin/testing/test_machine.h"
#include "base/testing/manual_clock.h"
#include "events/event.h"
#include "events/file_log.h"

namespace valetkey::admin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const unsigned kMine = 1 + events::partition_of({"12", "v"}, events::kFilePartitions - 1, 1);

class BacklogTest : public testing::Test {
 protected:
  std::unique_ptr<events::EventLog> open() {
    events::FileLogOptions options;
    options.folder = folder();
    return events::open_file_log(options, keys_, clock_).value();
  }
  fs::path folder() const { return machine_.folder() / "events"; }
  void append(events::EventLog& log, int count, std::string_view account = "12") {
    std::string records;
    for (int i = 0; i < count; ++i) {
      events::Event event;
      event.account_id = account;
      event.uuid = "u";
      event.visitor_id = "v";
      event.received = clock_.now();
      encode_event(event, records);
    }
    std::promise<Result<void>> done;
    log.append({account, "v"}, records, static_cast<std::size_t>(count),
               [&](Result<void> r) { done.set_value(std::move(r)); });
    ASSERT_TRUE(done.get_future().get());
  }
  // Of account 12's partition that much is consumed.
  Backlog look(events::Offset consumed = 0, bool everything = false) {
    std::vector<events::Offset> all(events::kFilePartitions);
    all[kMine] = consumed;
    auto found = read_backlog(folder(), *keys_.get(), all, everything);
    EXPECT_TRUE(found);
    return std::move(*found);
  }
  fs::path segment() const {
    for (const auto& entry : fs::directory_iterator(folder()))
      if (entry.path().extension() == ".log") return entry.path();
    return {};
  }

  TestMachine machine_;
  ManualClock clock_{from_epoch_ms(1'000'000)};
  FixedKeySource keys_{Keyring::make(from_epoch_ms(0))};
};

TEST_F(BacklogTest, OfNoFolderIsEmpty) {
  const auto found = look();
  EXPECT_EQ(found.events, 0U);
  EXPECT_EQ(found.bytes, 0U);
  EXPECT_EQ(found.lag(clock_.now()).count(), 0);
  EXPECT_TRUE(found.problems.empty());
}

TEST_F(BacklogTest, CountsWhatWaitsBesideARunningLog) {
  const auto log = open();
  append(*log, 3);
  clock_.advance(std::chrono::seconds(5));
  append(*log, 4);
  const auto all = look();
  EXPECT_EQ(all.events, 7U);
  EXPECT_EQ(all.ends[kMine], 7U);
  EXPECT_GT(all.bytes, 0U);
  EXPECT_EQ(all.lag(clock_.now()), std::chrono::seconds(5));
  const auto rest = look(5);
  EXPECT_EQ(rest.events, 2U);
  EXPECT_LT(rest.bytes, all.bytes);
  EXPECT_EQ(rest.lag(clock_.now()).count(), 0);
  EXPECT_EQ(look(7).events, 0U);
  EXPECT_EQ(look(7).oldest, std::nullopt);
}

TEST_F(BacklogTest, TellsWhoseEventsWait) {
  const auto log = open();
  append(*log, 3);
  clock_.advance(std::chrono::seconds(5));
  append(*log, 4, "13");
  append(*log, 1);
  const auto all = look(2, true);
  ASSERT_EQ(all.accounts.size(), 2U);
  EXPECT_EQ(all.accounts.at("12").events, 2U);
  EXPECT_EQ(all.accounts.at("13").events, 4U);
  EXPECT_EQ(all.accounts.at("13").oldest - all.accounts.at("12").oldest, std::chrono::seconds(5));
  EXPECT_TRUE(look(2).accounts.empty()) << "only where everything is looked at";
}

TEST_F(BacklogTest, TakesATornTailForWhatIsBeingWritten) {
  append(*open(), 3);
  fs::resize_file(segment(), fs::file_size(segment()) - 5);
  const auto found = look();
  EXPECT_EQ(found.events, 0U);
  EXPECT_TRUE(found.problems.empty());
}

TEST_F(BacklogTest, NamesWhatIsDamagedWhereEverythingIsLookedAt) {
  {
    const auto log = open();
    append(*log, 3);
    append(*log, 3);
  }
  std::fstream file(segment(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-3, std::ios::end);
  file.put('\x7f');
  file.close();
  EXPECT_TRUE(look().problems.empty()) << "the first stretch is sound";
  const auto found = look(0, true);
  ASSERT_EQ(found.problems.size(), 1U);
  EXPECT_THAT(found.problems[0], HasSubstr("is damaged at byte"));
}

TEST_F(BacklogTest, SaysThatAnotherKeyringCannotReadIt) {
  append(*open(), 1);
  const auto found = read_backlog(folder(), Keyring::make(from_epoch_ms(0)), {});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->problems.size(), 1U);
  EXPECT_EQ(found->events, 0U);
}

}  // namespace
}  // namespace valetkey::admin

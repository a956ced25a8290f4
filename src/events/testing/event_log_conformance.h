// SPDX-License-Identifier: Apache-2.0
// For tests: what every EventLog does. Each implementation's test gives a LogUnderTest and instantiates the suite.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "events/event_log.h"
#include "events/testing/log_events.h"

namespace valetkey::events {

// Holds a log, empty at first, and what it needs.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  virtual EventLog& log() = 0;
  // As after a restart of the program; a log that forgets then is left open.
  virtual void reopen() {}
};
using MakeLogUnderTest = std::unique_ptr<LogUnderTest> (*)();

class EventLogConformance : public testing::TestWithParam<MakeLogUnderTest> {
 protected:
  EventLog& log() { return test_->log(); }
  // Where the account's events go: seen by sending one.
  unsigned partition_of_account(std::string_view account) {
    std::vector<Offset> before;
    for (unsigned p = 0; p < log().partitions(); ++p) before.push_back(log().stats(p)->end);
    EXPECT_TRUE(append_events(log(), {"probe"}, account));
    for (unsigned p = 0; p < log().partitions(); ++p)
      if (log().stats(p)->end != before[p]) return p;
    ADD_FAILURE() << "it went nowhere";
    return 0;
  }
  std::unique_ptr<LogUnderTest> test_ = GetParam()();
};

TEST_P(EventLogConformance, GivesBackWhatWasAppendedInOrder) {
  const auto partition = partition_of_account("12");
  ASSERT_TRUE(append_events(log(), {"a", "b"}));
  ASSERT_TRUE(append_events(log(), {"c"}));
  const auto read = read_events(log(), partition);
  EXPECT_EQ(read.uuids, (std::vector<std::string>{"probe", "a", "b", "c"}));
  EXPECT_EQ(read.next, log().stats(partition)->end);
}

TEST_P(EventLogConformance, GoesOnAtEveryPlaceThatAPieceEndedAt) {
  const auto partition = partition_of_account("12");
  for (const auto* uuid : {"a", "b", "c"}) ASSERT_TRUE(append_events(log(), {uuid}));
  const auto all = read_events(log(), partition);
  ASSERT_EQ(all.uuids.size(), 4U);
  for (const auto from : all.places) {
    const auto head = read_events(log(), partition, 0, from);
    const auto tail = read_events(log(), partition, from);
    EXPECT_EQ(head.next, from);
    auto joined = head.uuids;
    joined.insert(joined.end(), tail.uuids.begin(), tail.uuids.end());
    EXPECT_EQ(joined, all.uuids) << "from " << from;
  }
  EXPECT_TRUE(read_events(log(), partition, all.next).uuids.empty());
}

TEST_P(EventLogConformance, AReaderSeesWhatComesAfterItReachedTheEnd) {
  const auto partition = partition_of_account("12");
  const auto reader = log().open(partition, 0).value();
  const auto first = read_events(*reader, 0);
  EXPECT_EQ(first.uuids, std::vector<std::string>{"probe"});
  ASSERT_TRUE(append_events(log(), {"a"}));
  EXPECT_EQ(read_events(*reader, first.next).uuids, std::vector<std::string>{"a"});
}

TEST_P(EventLogConformance, KeepsAnAccountInOnePartitionAndUsesMoreThanOne) {
  std::map<std::string, unsigned> where;
  for (int i = 0; i < 64; ++i) where[std::to_string(i)] = partition_of_account(std::to_string(i));
  std::set<unsigned> used;
  for (const auto& [account, partition] : where) {
    EXPECT_EQ(partition_of_account(account), partition) << account;
    EXPECT_TRUE(log().routed(partition));
    used.insert(partition);
  }
  EXPECT_GT(used.size(), 1U);
  std::size_t events = 0;
  for (unsigned p = 0; p < log().partitions(); ++p) events += read_events(log(), p).uuids.size();
  EXPECT_EQ(events, 128U);
}

TEST_P(EventLogConformance, DoesNotGiveWhatWasReleased) {
  const auto partition = partition_of_account("12");
  const auto reader = log().open(partition, 0).value();
  ASSERT_TRUE(append_events(log(), {"a"}));
  ASSERT_TRUE(append_events(log(), {"b"}));
  const auto all = read_events(log(), partition);
  ASSERT_GE(all.places.size(), 2U);
  const auto place = all.places[all.places.size() - 2];
  for (int twice = 0; twice < 2; ++twice) ASSERT_TRUE(log().release(partition, place));
  EXPECT_EQ(log().open(partition, 0).error().code, ErrorCode::not_found);
  std::string records;
  EXPECT_EQ(reader->next(records).error().code, ErrorCode::not_found);
  EXPECT_TRUE(records.empty());
  ASSERT_TRUE(log().release(partition, 0)) << "never goes back";
  EXPECT_EQ(read_events(log(), partition, place).uuids, std::vector<std::string>{"b"});
  EXPECT_EQ(log().stats(partition)->end, all.next);
  EXPECT_EQ(log().stats(partition)->events.value_or(1), 1U);
}

TEST_P(EventLogConformance, ReleasesOnePartitionWithoutTheOthers) {
  const auto mine = partition_of_account("12");
  std::string other;
  for (int i = 0; other.empty(); ++i)
    if (partition_of_account(std::to_string(100 + i)) != mine) other = std::to_string(100 + i);
  const auto theirs = partition_of_account(other);
  const auto kept = read_events(log(), theirs).uuids.size();
  ASSERT_TRUE(log().release(mine, log().stats(mine)->end));
  EXPECT_EQ(log().stats(mine)->events.value_or(0), 0U);
  EXPECT_EQ(read_events(log(), theirs).uuids.size(), kept);
}

TEST_P(EventLogConformance, GoesOnAfterItsPiecesWereEnded) {
  const auto partition = partition_of_account("12");
  ASSERT_TRUE(log().rotate());
  ASSERT_TRUE(log().rotate());
  const auto end = log().stats(partition)->end;
  ASSERT_TRUE(log().release(partition, end));
  EXPECT_EQ(log().stats(partition)->bytes.value_or(0), 0U) << "all of it may go";
  ASSERT_TRUE(append_events(log(), {"a"}));
  EXPECT_EQ(read_events(log(), partition, end).uuids, std::vector<std::string>{"a"});
}

TEST_P(EventLogConformance, KeepsPlacesAndEventsThroughARestart) {
  const auto partition = partition_of_account("12");
  ASSERT_TRUE(append_events(log(), {"a", "b"}));
  const auto before = read_events(log(), partition);
  test_->reopen();
  EXPECT_EQ(log().stats(partition)->end, before.next);
  ASSERT_TRUE(append_events(log(), {"c"}));
  EXPECT_EQ(read_events(log(), partition, before.next).uuids, std::vector<std::string>{"c"});
  EXPECT_EQ(read_events(log(), partition).uuids.size(), 4U);
}

TEST_P(EventLogConformance, KeepsEachOfManyAppendsAtOnceInTheOrderOfItsSender) {
  constexpr int kSenders = 4, kEach = 100;
  const auto account = [](int sender) { return std::to_string(sender); };
  std::vector<std::thread> senders;
  senders.reserve(kSenders);
  for (int s = 0; s < kSenders; ++s)
    senders.emplace_back([&, s] {
      for (int i = 0; i < kEach; ++i)
        EXPECT_TRUE(append_events(log(), {account(s) + "-" + std::to_string(i)}, account(s)));
    });
  for (auto& each : senders) each.join();
  std::map<std::string, int> next;  // by sender
  for (unsigned p = 0; p < log().partitions(); ++p)
    for (const auto& uuid : read_events(log(), p).uuids) {
      const auto sender = uuid.substr(0, uuid.find('-'));
      EXPECT_EQ(uuid, sender + "-" + std::to_string(next[sender]++));
    }
  for (int s = 0; s < kSenders; ++s) EXPECT_EQ(next[account(s)], kEach);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EventLogConformance);

}  // namespace valetkey::events

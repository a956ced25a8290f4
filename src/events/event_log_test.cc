// SPDX-License-Identifier: Apache-2.0
// What every event log must do, on each form: in files, in memory, and the faulty one, which passes calls on.
#include "events/event_log.h"

#include <gtest/gtest.h>

#include "base/testing/faulty_calls.h"
#include "base/testing/temporary_folder.h"
#include "events/file_log.h"
#include "events/joined_log.h"
#include "events/testing/event_log_conformance.h"
#include "events/testing/faulty_log.h"
#include "events/testing/memory_log.h"

namespace valetkey::events {
namespace {

class InFiles final : public LogUnderTest {
 public:
  InFiles() { reopen(); }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    log_ =
        open_file_log({.folder = folder_.path() / "events", .segment_bytes = 2000}, keys_, clock_)
            .value();
  }

 private:
  TemporaryFolder folder_;
  SystemClock clock_;
  FixedKeySource keys_{Keyring::make(clock_.now())};
  std::unique_ptr<EventLog> log_;
};
class InMemory final : public LogUnderTest {
 public:
  EventLog& log() override { return log_; }

 private:
  MemoryLog log_;
};
class Faulty final : public LogUnderTest {
 public:
  EventLog& log() override { return faulty_; }

 private:
  MemoryLog log_;
  FaultyCalls calls_;
  FaultyLog faulty_{log_, calls_};
};
class Joined final : public LogUnderTest {
 public:
  EventLog& log() override { return *log_; }

 private:
  std::unique_ptr<EventLog> log_ =
      join_logs(std::make_unique<MemoryLog>(2), std::make_unique<MemoryLog>());
};
template <class T>
std::unique_ptr<LogUnderTest> make() {
  return std::make_unique<T>();
}

std::string form_name(const testing::TestParamInfo<MakeLogUnderTest>& info) {
  constexpr const char* kNames[] = {"Files", "Memory", "Faulty", "Joined"};
  return kNames[info.index];
}
INSTANTIATE_TEST_SUITE_P(Forms, EventLogConformance,
                         testing::Values(&make<InFiles>, &make<InMemory>, &make<Faulty>,
                                         &make<Joined>),
                         form_name);

TEST(JoinedLog, IsReadToItsEndWhereItBeganAndGoesOnInTheOther) {
  auto former = std::make_unique<MemoryLog>(1);
  ASSERT_TRUE(append_events(*former, {"a"}));
  const auto log = join_logs(std::move(former), std::make_unique<MemoryLog>(1));
  ASSERT_TRUE(append_events(*log, {"b"}));
  ASSERT_EQ(log->partitions(), 2U);
  EXPECT_EQ(read_events(*log, 0).uuids, std::vector<std::string>{"a"});
  EXPECT_EQ(read_events(*log, 1).uuids, std::vector<std::string>{"b"});
  EXPECT_FALSE(log->routed(0)) << "an event of it may be sent again, and lie in the other";
  ASSERT_TRUE(log->release(0, 1));
  EXPECT_EQ(log->stats(0)->events.value_or(9), 0U);
  EXPECT_EQ(log->stats(1)->events.value_or(9), 1U);
}

TEST(JoinedLog, TellsOfItsFirstPartWhileTheOtherIsAway) {
  MemoryLog present(1);
  FaultyCalls calls;
  const auto log =
      join_logs(std::make_unique<MemoryLog>(1), std::make_unique<FaultyLog>(present, calls));
  calls.fail_call(1);
  const auto stats = log->stats(0);
  ASSERT_TRUE(stats);
  EXPECT_NE(stats->problem, "") << "events are refused";
  EXPECT_EQ(log->stats(0)->problem, "");
  calls.fail_call(1);
  EXPECT_FALSE(log->stats(1));
}

TEST(FaultyLog, FailsTheCallThatItIsToldToAndMayKeepTheEvents) {
  MemoryLog inner(1);
  FaultyCalls calls;
  FaultyLog log(inner, calls);
  calls.fail_call(1);
  EXPECT_EQ(append_events(log, {"a"}).error().code, ErrorCode::io);
  EXPECT_TRUE(append_events(log, {"b"}));
  log.keeps_what_fails = true;
  calls.fail_call(1);
  EXPECT_EQ(append_events(log, {"c"}).error().code, ErrorCode::io);
  EXPECT_EQ(read_events(inner, 0).uuids, (std::vector<std::string>{"b", "c"}));
  calls.fail_call(2);
  const auto reader = log.open(0, 0).value();
  std::string records;
  EXPECT_EQ(reader->next(records).error().code, ErrorCode::io);
  EXPECT_EQ(read_events(*reader, 0).uuids.size(), 2U);
}

TEST(Route, HasAPlaceThatStays) {
  // Waiting events and the lists of seen uuids lie by it. By a second implementation.
  EXPECT_EQ(partition_of({"596780373", "v"}, 4, 1), 1U);
  EXPECT_EQ(partition_of({"12", "v"}, 4, 1), 1U);
  EXPECT_EQ(partition_of({"13", "v"}, 4, 1), 0U);
  EXPECT_EQ(partition_of({"7", "v"}, 4, 1), 2U);
  EXPECT_EQ(partition_of({"12", "ann"}, 64, 8), 9U);
  EXPECT_EQ(partition_of({"12", "bob"}, 64, 8), 12U);
  EXPECT_EQ(partition_of({"12", "another"}, 4, 1), partition_of({"12", "v"}, 4, 1));
}

TEST(Route, SpreadsAccountsEvenlyAndVisitorsOverAsManyAsItMay) {
  std::vector<int> counts(4);
  for (int i = 0; i < 4000; ++i) ++counts[partition_of({std::to_string(i), "v"}, 4, 1)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
  for (const unsigned spread : {2U, 8U, 64U}) {
    std::set<unsigned> used;
    for (int i = 0; i < 2000; ++i) used.insert(partition_of({"12", std::to_string(i)}, 64, spread));
    EXPECT_LE(used.size(), spread);
    EXPECT_GT(used.size(), spread / 2);
  }
}

}  // namespace
}  // namespace valetkey::events

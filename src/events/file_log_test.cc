// SPDX-License-Identifier: Apache-2.0
#include "events/file_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <random>
#include <thread>

#include "base/file.h"
#include "events/event.h"
#include "events/segment.h"
#include "events/testing/file_log_fixture.h"
#include "events/testing/log_events.h"
#include "events/testing/old_segment.h"

namespace valetkey::events {
namespace {

namespace fs = std::filesystem;

// Two accounts of other partitions.
constexpr const char *kOther = "13", *kThird = "14";

// A batch of the first release may begin and end at any event.
TEST_F(FileLogTest, ReadsFromAnyEventToAnyOther) {
  auto log = open();
  append(*log, {"a", "b", "c"}).value();
  append(*log, {"d", "e"}).value();
  const std::vector<std::string> all = {"a", "b", "c", "d", "e"};
  for (Offset from = 0; from <= 5; ++from)
    for (Offset until = from; until <= 5; ++until) {
      const auto read = read_events(*log, kMine, from, until);
      EXPECT_EQ(read.uuids, std::vector<std::string>(all.begin() + from, all.begin() + until));
      EXPECT_EQ(read.next, until);
    }
  const auto reader = log->open(kMine, 0).value();
  EXPECT_EQ(read_events(*reader, 0, 2).uuids.size(), 2U);
  EXPECT_EQ(read_events(*reader, 2).uuids, (std::vector<std::string>{"c", "d", "e"}));
}

TEST_F(FileLogTest, NeverGivesAnOffsetTwiceEvenWhereTheFilesAreGone) {
  options_.first_offset = [](unsigned p) { return Result<Offset>(p == kMine ? 500 : 7); };
  auto log = open();
  append(*log, {"a"}).value();
  EXPECT_EQ(end(*log), 501U);
  EXPECT_EQ(log->stats(0)->end, 7U);
  EXPECT_EQ(read_all(*log, 500), std::vector<std::string>{"a"});
}

TEST_F(FileLogTest, StoresNoPlaintext) {
  append(*open(), {"a-very-telling-visitor-name"}).value();
  for (const auto& path : segments()) {
    const auto bytes = read_file(path, 1 << 20).value();
    EXPECT_EQ(bytes.find("telling"), std::string::npos);
  }
}

TEST_F(FileLogTest, RotatesAndReleasesWholeSegments) {
  options_.segment_bytes = 300;
  auto log = open();
  std::vector<std::string> all;
  for (int i = 0; i < 40; ++i) {
    all.push_back(std::to_string(i));
    append(*log, {all.back()}).value();
  }
  EXPECT_EQ(read_all(*log), all);
  const auto before = segments().size();
  EXPECT_GT(before, 5U);
  ASSERT_TRUE(log->release(kMine, 20));
  EXPECT_LT(segments().size(), before);
  EXPECT_EQ(read_all(*log, 20), std::vector<std::string>(all.begin() + 20, all.end()));
}

TEST_F(FileLogTest, KeepsASegmentUntilEveryPartitionHasReleasedIt) {
  auto log = open();
  append(*log, {"a"}).value();
  append_events(*log, {"b"}, kOther).value();
  ASSERT_TRUE(log->rotate());
  append(*log, {"c"}).value();
  ASSERT_TRUE(log->rotate());
  append_events(*log, {"d"}, kThird).value();
  ASSERT_TRUE(log->rotate());
  ASSERT_EQ(segments().size(), 3U);
  const auto theirs = 1 + partition_of({kOther, "v"}, kFilePartitions - 1, 1);
  ASSERT_NE(theirs, kMine);
  ASSERT_TRUE(log->release(kMine, 2));
  EXPECT_EQ(segments().size(), 2U) << "the one in the middle is free";
  EXPECT_EQ(log->stats(kMine)->bytes, 0U);
  EXPECT_EQ(*log->stats(theirs)->bytes, fs::file_size(segments()[0])) << "what it holds back";
  EXPECT_EQ(read_events(*log, theirs).uuids, std::vector<std::string>{"b"});
  ASSERT_TRUE(log->release(theirs, 1));
  EXPECT_EQ(segments().size(), 1U);
  log.reset();
  log = open();
  append(*log, {"e"}).value();
  EXPECT_EQ(end(*log), 1U) << "without a ledger, nothing shows what is gone";
}

// Partition 0 is theirs, and nothing else comes there.
TEST_F(FileLogTest, GoesOnBehindTheSegmentsOfTheFirstFormat) {
  write_old_segment(options_.folder, 7,
                    {{records_of({"a", "b"}), 2}, {records_of({"c"}, kOther), 1}}, *keys_.get(),
                    clock_.now());
  for (int restart = 0; restart < 3; ++restart) {
    auto log = open();
    EXPECT_FALSE(log->routed(0));
    EXPECT_EQ(read_events(*log, 0, 0).uuids, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(read_events(*log, 0, 8).uuids, (std::vector<std::string>{"b", "c"}));
    EXPECT_EQ(log->stats(0)->end, 10U);
    EXPECT_EQ(log->stats(0)->events, 3U);
    append(*log, {"d"}).value();
    EXPECT_EQ(end(*log), static_cast<Offset>(restart) + 1) << "its places are its own";
  }
  auto log = open();
  EXPECT_EQ(read_all(*log), (std::vector<std::string>{"d", "d", "d"}));
  ASSERT_TRUE(log->release(0, 10));
  EXPECT_EQ(segments().size(), 3U);
}

TEST_F(FileLogTest, RefusesWhatANewerVersionWrote) {
  append(*open(), {"a"}).value();
  const auto path = segments().at(0);
  const auto good = read_file(path, 1 << 20).value();
  auto next_format = good.substr(0, kSegmentHeaderBytes);
  next_format[7] = '3';
  const auto sum = crc32(0, next_format.substr(0, 80));
  for (unsigned i = 0; i < 4; ++i) next_format[80 + i] = static_cast<char>(sum >> (24 - 8 * i));
  auto header = decode_frame_header(good.substr(kSegmentHeaderBytes, kFrameHeaderBytes)).value();
  header.partition = kFilePartitions;
  auto more_partitions = good;
  more_partitions.replace(kSegmentHeaderBytes, kFrameHeaderBytes, encode_frame_header(header));
  for (const auto& newer : {next_format, more_partitions}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << newer;
    const auto refused = open_file_log(options_, keys_, clock_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_NE(refused.error().detail.find("newer version"), std::string::npos);
    EXPECT_EQ(read_file(path, 1 << 20).value(), newer) << "left as it is";
  }
}

// Damage may take the newest events of one partition: a segment's name is beyond all others all the same.
TEST_F(FileLogTest, KeepsTheOrderOfItsSegmentsWhereDamageTookOne) {
  {
    auto log = open();
    append_events(*log, {"x", "y", "z"}, kOther).value();
    ASSERT_TRUE(log->rotate());
    append(*log, {"a"}).value();
  }
  std::ofstream(segments().at(0), std::ios::binary | std::ios::trunc) << std::string(200, 'x');
  for (const auto* uuid : {"b", "c"}) append(*open(), {uuid}).value();
  auto log = open();
  EXPECT_EQ(read_all(*log), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(FileLogTest, LetsGoOfEverythingOnceItWasRotated) {
  auto log = open();
  append(*log, {"a", "b"}).value();
  ASSERT_TRUE(log->release(kMine, 2));
  EXPECT_EQ(segments().size(), 1U) << "the segment that is being written stays";
  ASSERT_TRUE(log->rotate());
  ASSERT_TRUE(log->rotate());
  ASSERT_TRUE(log->release(kMine, 2));
  EXPECT_TRUE(segments().empty());
  append(*log, {"c"}).value();
  EXPECT_EQ(end(*log), 3U);
  EXPECT_EQ(read_all(*log, 2), std::vector<std::string>{"c"});
  log.reset();
  EXPECT_EQ(read_all(*open(), 2), std::vector<std::string>{"c"});
}

TEST_F(FileLogTest, RotatesWhileItIsWrittenTo) {
  auto log = open();
  std::atomic<bool> stop = false;
  std::vector<std::string> all;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      all.push_back(std::to_string(i));
      append(*log, {all.back()}).value();
    }
  });
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(log->rotate());
  stop = true;
  writer.join();
  EXPECT_EQ(read_all(*log), all);
  log.reset();
  EXPECT_EQ(read_all(*open()), all);
}

TEST_F(FileLogTest, IsLockedWhileOpen) {
  auto log = open();
  EXPECT_EQ(open_file_log(options_, keys_, clock_).error().code, ErrorCode::busy);
}

TEST_F(FileLogTest, AsksWhereItsOffsetsBeginOnceItIsLocked) {
  const auto log = open();
  bool asked = false;
  options_.first_offset = [&](unsigned) {
    asked = true;
    return Result<Offset>(0);
  };
  EXPECT_FALSE(open_file_log(options_, keys_, clock_));
  EXPECT_FALSE(asked) << "the holder of the lock may still consume events";
}

TEST_F(FileLogTest, SaysWhenItIsTooFarBehind) {
  options_.max_waiting_bytes = 200;
  auto log = open();
  Result<void> last;
  for (int i = 0; i < 10 && last; ++i) last = append(*log, {"x"});
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::unavailable);
  EXPECT_NE(log->stats(kMine)->problem, "") << "who watches must know, too";
}

TEST_F(FileLogTest, SharesCommitsAmongManyAppends) {
  auto log = open();
  constexpr int kMany = 2000;
  std::atomic<int> done = 0;
  for (int i = 0; i < kMany; ++i)
    log->append({std::to_string(i % 8), "v"},
                records_of({std::to_string(i)}, std::to_string(i % 8)), 1,
                [&](Result<void> r) { done += r.has_value() ? 1 : 0; });
  log.reset();  // closing completes what is queued
  EXPECT_EQ(done, kMany);
  log = open();
  std::size_t kept = 0;
  for (unsigned p = 0; p < kFilePartitions; ++p) kept += read_events(*log, p).uuids.size();
  EXPECT_EQ(kept, static_cast<std::size_t>(kMany));
}

}  // namespace
}  // namespace valetkey::events

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
#include "events/testing/log_events.h"
#include "events/testing/old_segment.h"

namespace valetkey::events {
namespace {

namespace fs = std::filesystem;

// Of account 12, whose events all are but where it is said; and two of others.
const unsigned kMine = 1 + partition_of({"12", "v"}, kFilePartitions - 1, 1);
constexpr const char *kOther = "13", *kThird = "14";

class FileLogTest : public testing::Test {
 protected:
  FileLogTest() : keys_(Keyring::make(clock_.now())) {
    std::string name = (fs::temp_directory_path() / "event_log_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    options_.folder = fs::path(name) / "events";
  }
  ~FileLogTest() override { fs::remove_all(options_.folder.parent_path()); }

  std::unique_ptr<EventLog> open() {
    auto log = open_file_log(options_, keys_, clock_);
    EXPECT_TRUE(log) << (log ? "" : log.error().detail);
    return log ? std::move(*log) : nullptr;
  }
  static std::string record(const std::string& uuid) { return records_of({uuid}); }
  static Result<void> append(EventLog& log, const std::vector<std::string>& uuids) {
    return append_events(log, uuids);
  }
  static Offset end(const EventLog& log) { return log.stats(kMine)->end; }
  // The uuids from `from` on, in order.
  static std::vector<std::string> read_all(EventLog& log, Offset from = 0) {
    return read_events(log, kMine, from).uuids;
  }
  std::vector<fs::path> segments() const {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(options_.folder))
      if (entry.path().extension() == ".log") paths.push_back(entry.path());
    std::ranges::sort(paths);
    return paths;
  }

  SystemClock clock_;
  FixedKeySource keys_;
  FileLogOptions options_;
};

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
  EXPECT_EQ(end(*log), 1U) << "without a ledger, nothing tells of what is gone";
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

TEST_F(FileLogTest, CutsATornTailWhereverItWasTorn) {
  {
    append(*open(), {"a"}).value();
  }
  const auto path = segments().at(0);
  const auto whole = fs::file_size(path);
  {
    auto log = open();  // a restart writes to a new segment
    append(*log, {"b"}).value();
  }
  const auto second = segments().at(1);
  const auto bytes = read_file(second, 1 << 20).value();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::ofstream(second, std::ios::binary | std::ios::trunc) << bytes.substr(0, n);
    auto log = open();
    EXPECT_EQ(read_all(*log), std::vector<std::string>{"a"}) << n;
    append(*log, {"c"}).value();
    EXPECT_EQ(end(*log), 2U);
    EXPECT_EQ(read_all(*log), (std::vector<std::string>{"a", "c"})) << n;
    log.reset();
    for (const auto& p : segments())
      if (p != path) fs::remove(p);
  }
  EXPECT_EQ(fs::file_size(path), whole);
}

TEST_F(FileLogTest, SetsADamagedStretchAsideAndKeepsWhatFollows) {
  {
    auto log = open();
    for (const auto* uuid : {"a", "b", "c"}) append(*log, {uuid}).value();
  }
  const auto path = segments().at(0);
  const auto good = read_file(path, 1 << 20).value();
  const std::size_t frame = (good.size() - kSegmentHeaderBytes) / 3;
  for (std::size_t at = kSegmentHeaderBytes + frame; at < kSegmentHeaderBytes + 2 * frame;
       at += 3) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
    auto log = open();
    EXPECT_EQ(read_all(*log), (std::vector<std::string>{"a", "c"})) << at;
    EXPECT_EQ(log->stats(kMine)->set_aside, 1U) << at;
    EXPECT_FALSE(fs::is_empty(options_.folder / "bad"));
  }
}

TEST_F(FileLogTest, TellsADamagedEndFromATornOne) {
  append(*open(), {"a"}).value();
  auto bad = read_file(segments().at(0), 1 << 20).value();
  bad[kSegmentHeaderBytes + 5] = static_cast<char>(bad[kSegmentHeaderBytes + 5] ^ 1);
  std::ofstream(segments().at(0), std::ios::binary | std::ios::trunc) << bad;
  auto log = open();
  EXPECT_EQ(log->stats(kMine)->set_aside, 1U);
  EXPECT_FALSE(fs::is_empty(options_.folder / "bad"));
}

TEST_F(FileLogTest, RefusesAnotherKeyringAndLosesNothing) {
  append(*open(), {"a"}).value();
  const auto fresh =
      Keyring::make(clock_.now()).with_new_key(KeyPurpose::object, clock_.now(), clock_.now());
  // The same ids with other material: nothing may be taken for damage and moved away.
  const FixedKeySource other{fresh};
  EXPECT_EQ(open_file_log(options_, other, clock_).error().code, ErrorCode::unavailable);
  EXPECT_EQ(read_all(*open()), std::vector<std::string>{"a"}) << "the right keyring still opens it";
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
  EXPECT_FALSE(asked) << "whoever holds the lock may still consume events";
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

// While it lives, files of this process cannot grow beyond `bytes`: a full disk, but for its number.
class FullDisk {
 public:
  explicit FullDisk(std::uint64_t bytes) {
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &former_), 0);
    ignored_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, former_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &former_);
    (void)std::signal(SIGXFSZ, ignored_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit former_{};
  void (*ignored_)(int) = nullptr;
};

bool takes_events_again(const EventLog& log) {
  for (int i = 0; i < 500 && !log.stats(kMine)->problem.empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return log.stats(kMine)->problem.empty();
}

// At every length at which the disk may turn out to be full, from the first byte of a segment on.
TEST_F(FileLogTest, GoesOnByItselfWhereverTheDiskBecameFull) {
  auto log = open();
  std::vector<std::string> kept;
  int refused = 1;
  std::uint64_t room = 0;
  for (; refused > 0; room += 13) {
    SCOPED_TRACE(room);
    refused = 0;
    ASSERT_TRUE(log->rotate());
    {
      const FullDisk disk(room);
      for (int i = 0; i < 3; ++i) {
        const auto uuid = fmt::format("u{}-{}", room, i);
        const bool taken = append(*log, {uuid}).has_value();
        EXPECT_EQ(taken, log->stats(kMine)->problem.empty());
        if (taken) kept.push_back(uuid);
        refused += taken ? 0 : 1;
      }
    }
    // By itself, or by the next event.
    if (room % 2 == 0) ASSERT_TRUE(takes_events_again(*log)) << log->stats(kMine)->problem;
    kept.push_back(fmt::format("room-{}", room));
    ASSERT_TRUE(append(*log, {kept.back()}));
  }
  EXPECT_GT(room, kSegmentHeaderBytes + 2 * kFrameHeaderBytes);
  EXPECT_EQ(read_all(*log), kept);
  log.reset();
  EXPECT_EQ(read_all(*open()), kept) << "nothing that was refused is left in the files";
}

TEST_F(FileLogTest, TakesOverWhatAFailedCreationLeft) {
  auto log = open();
  append(*log, {"a"}).value();
  ASSERT_TRUE(log->rotate());
  std::ofstream(segment_path(options_.folder, 1)).close();
  append(*log, {"b"}).value();
  EXPECT_EQ(segments().size(), 2U);
  EXPECT_EQ(read_all(*log), (std::vector<std::string>{"a", "b"}));
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

// Acknowledged events survive a kill at any moment, each once and in order.
TEST_F(FileLogTest, KeepsEveryAcknowledgedEventThroughKills) {
  std::mt19937 random(1);
  std::vector<std::string> acknowledged;
  for (int round = 0; round < 8; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(pipe_ends[0]);
      auto log = open_file_log(options_, keys_, clock_);
      for (int i = 0; log; ++i) {
        const std::string uuid = std::to_string(round * 1'000'000 + i);
        (*log)->append({"12", "v"}, record(uuid), 1, [&, uuid](Result<void> r) {
          if (r) (void)!write(pipe_ends[1], (uuid + "\n").data(), uuid.size() + 1);
        });
        if (i % 16 == 0) usleep(200);
      }
      _exit(1);
    }
    close(pipe_ends[1]);
    usleep(30'000 + random() % 60'000);
    kill(child, SIGKILL);
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(n));
    close(pipe_ends[0]);
    waitpid(child, nullptr, 0);
    std::size_t start = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
      acknowledged.push_back(text.substr(start, end - start));
      start = end + 1;
    }
  }
  EXPECT_GT(acknowledged.size(), 50U);
  const auto kept = read_all(*open());
  auto it = kept.begin();
  for (const auto& uuid : acknowledged) {
    it = std::find(it, kept.end(), uuid);
    ASSERT_NE(it, kept.end()) << uuid << " was acknowledged and is gone";
  }
  EXPECT_EQ(std::set<std::string>(kept.begin(), kept.end()).size(), kept.size());
}

}  // namespace
}  // namespace valetkey::events

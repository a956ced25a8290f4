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

namespace valetkey::events {
namespace {

namespace fs = std::filesystem;

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
  static std::string record(const std::string& uuid) {
    Event e;
    e.account_id = "12";
    e.uuid = uuid;
    e.visitor_id = "v";
    std::string out;
    encode_event(e, out);
    return out;
  }
  static Result<Offset> append(EventLog& log, const std::vector<std::string>& uuids) {
    std::string records;
    for (const auto& uuid : uuids) records += record(uuid);
    std::promise<Result<Offset>> done;
    log.append(records, uuids.size(), [&](Result<Offset> r) { done.set_value(std::move(r)); });
    return done.get_future().get();
  }
  // The uuids from `from` on, in order.
  static std::vector<std::string> read_all(EventLog& log, Offset from = 0,
                                           std::size_t max_bytes = 100) {
    std::vector<std::string> uuids;
    while (true) {
      const auto batch = log.read(0, from, max_bytes);
      EXPECT_TRUE(batch) << (batch ? "" : batch.error().detail);
      if (!batch || (batch->count == 0 && batch->first == from)) return uuids;
      EXPECT_GE(batch->first, from);
      std::size_t at = 0;
      for (std::uint64_t i = 0; i < batch->count; ++i) {
        Event e;
        EXPECT_TRUE(decode_event(batch->records, at, e));
        uuids.emplace_back(e.uuid);
      }
      EXPECT_EQ(at, batch->records.size());
      from = batch->next();
    }
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

TEST_F(FileLogTest, GivesBackWhatWasAppendedInOrder) {
  auto log = open();
  EXPECT_EQ(append(*log, {"a", "b"}).value(), 0U);
  EXPECT_EQ(append(*log, {"c"}).value(), 2U);
  EXPECT_EQ(read_all(*log), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(read_all(*log, 1), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(log->read(0, 3, 100)->count, 0U);
  EXPECT_EQ(log->stats(0).end, 3U);
}

TEST_F(FileLogTest, GoesOnBehindItsOffsetsAfterARestart) {
  append(*open(), {"a", "b"}).value();
  auto log = open();
  EXPECT_EQ(append(*log, {"c"}).value(), 2U);
  EXPECT_EQ(read_all(*log), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(FileLogTest, NeverGivesAnOffsetTwiceEvenWhereTheFilesAreGone) {
  options_.first_offset = [] { return Result<Offset>(500); };
  EXPECT_EQ(append(*open(), {"a"}).value(), 500U);
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
  ASSERT_TRUE(log->release(0, 20));
  EXPECT_LT(segments().size(), before);
  EXPECT_EQ(read_all(*log, 20), std::vector<std::string>(all.begin() + 20, all.end()));
  EXPECT_EQ(log->read(0, 0, 100).error().code, ErrorCode::not_found);
  ASSERT_TRUE(log->release(0, 20));
}

TEST_F(FileLogTest, LetsGoOfEverythingOnceItWasRotated) {
  auto log = open();
  append(*log, {"a", "b"}).value();
  ASSERT_TRUE(log->release(0, 2));
  EXPECT_EQ(segments().size(), 1U) << "the segment that is being written stays";
  ASSERT_TRUE(log->rotate(0));
  ASSERT_TRUE(log->rotate(0));
  ASSERT_TRUE(log->release(0, 2));
  EXPECT_TRUE(segments().empty());
  EXPECT_EQ(append(*log, {"c"}).value(), 2U);
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
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(log->rotate(0));
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
    EXPECT_EQ(append(*log, {"c"}).value(), 1U);
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
    EXPECT_EQ(log->stats(0).set_aside, 1U) << at;
    EXPECT_FALSE(fs::is_empty(options_.folder / "bad"));
  }
}

TEST_F(FileLogTest, TellsADamagedEndFromATornOne) {
  append(*open(), {"a"}).value();
  auto bad = read_file(segments().at(0), 1 << 20).value();
  bad[kSegmentHeaderBytes + 5] = static_cast<char>(bad[kSegmentHeaderBytes + 5] ^ 1);
  std::ofstream(segments().at(0), std::ios::binary | std::ios::trunc) << bad;
  auto log = open();
  EXPECT_EQ(log->stats(0).set_aside, 1U);
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
  options_.first_offset = [&] {
    asked = true;
    return Result<Offset>(0);
  };
  EXPECT_FALSE(open_file_log(options_, keys_, clock_));
  EXPECT_FALSE(asked) << "whoever holds the lock may still consume events";
}

TEST_F(FileLogTest, SaysWhenItIsTooFarBehind) {
  options_.max_waiting_bytes = 200;
  auto log = open();
  Result<Offset> last = 0;
  for (int i = 0; i < 10 && last; ++i) last = append(*log, {"x"});
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::unavailable);
  EXPECT_NE(log->stats(0).problem, "") << "who watches must know, too";
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
  for (int i = 0; i < 500 && !log.stats(0).problem.empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return log.stats(0).problem.empty();
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
    ASSERT_TRUE(log->rotate(0));
    {
      const FullDisk disk(room);
      for (int i = 0; i < 3; ++i) {
        const auto uuid = fmt::format("u{}-{}", room, i);
        const bool taken = append(*log, {uuid}).has_value();
        EXPECT_EQ(taken, log->stats(0).problem.empty());
        if (taken) kept.push_back(uuid);
        refused += taken ? 0 : 1;
      }
    }
    // By itself, or by the next event.
    if (room % 2 == 0) ASSERT_TRUE(takes_events_again(*log)) << log->stats(0).problem;
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
  ASSERT_TRUE(log->rotate(0));
  std::ofstream(segment_path(options_.folder, 1)).close();
  EXPECT_EQ(append(*log, {"b"}).value(), 1U);
  EXPECT_EQ(read_all(*log), (std::vector<std::string>{"a", "b"}));
}

TEST_F(FileLogTest, SharesCommitsAmongManyAppends) {
  auto log = open();
  constexpr int kMany = 2000;
  std::atomic<int> done = 0;
  for (int i = 0; i < kMany; ++i)
    log->append(record(std::to_string(i)), 1,
                [&](Result<Offset> r) { done += r.has_value() ? 1 : 0; });
  log.reset();  // closing completes what is queued
  EXPECT_EQ(done, kMany);
  EXPECT_EQ(read_all(*open(), 0, 1 << 20).size(), static_cast<std::size_t>(kMany));
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
        (*log)->append(record(uuid), 1, [&, uuid](Result<Offset> r) {
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
  const auto kept = read_all(*open(), 0, 1 << 20);
  auto it = kept.begin();
  for (const auto& uuid : acknowledged) {
    it = std::find(it, kept.end(), uuid);
    ASSERT_NE(it, kept.end()) << uuid << " was acknowledged and is gone";
  }
  EXPECT_EQ(std::set<std::string>(kept.begin(), kept.end()).size(), kept.size());
}

}  // namespace
}  // namespace valetkey::events

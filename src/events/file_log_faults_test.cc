// SPDX-License-Identifier: Apache-2.0
// What the file log keeps where it is torn, damaged, out of space or killed.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "base/file.h"
#include "events/segment.h"
#include "events/testing/file_log_fixture.h"

namespace valetkey::events {
namespace {

namespace fs = std::filesystem;

class FileLogFaults : public FileLogTest {};

TEST_F(FileLogFaults, CutsATornTailWhereverItWasTorn) {
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

TEST_F(FileLogFaults, SetsADamagedStretchAsideAndKeepsWhatFollows) {
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

TEST_F(FileLogFaults, TellsADamagedEndFromATornOne) {
  append(*open(), {"a"}).value();
  auto bad = read_file(segments().at(0), 1 << 20).value();
  bad[kSegmentHeaderBytes + 5] = static_cast<char>(bad[kSegmentHeaderBytes + 5] ^ 1);
  std::ofstream(segments().at(0), std::ios::binary | std::ios::trunc) << bad;
  auto log = open();
  EXPECT_EQ(log->stats(kMine)->set_aside, 1U);
  EXPECT_FALSE(fs::is_empty(options_.folder / "bad"));
}

TEST_F(FileLogFaults, RefusesAnotherKeyringAndLosesNothing) {
  append(*open(), {"a"}).value();
  const auto fresh =
      Keyring::make(clock_.now()).with_new_key(KeyPurpose::object, clock_.now(), clock_.now());
  // The same ids with other material: nothing may be taken for damage and moved away.
  const FixedKeySource other{fresh};
  EXPECT_EQ(open_file_log(options_, other, clock_).error().code, ErrorCode::unavailable);
  EXPECT_EQ(read_all(*open()), std::vector<std::string>{"a"}) << "the right keyring still opens it";
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
TEST_F(FileLogFaults, GoesOnByItselfWhereverTheDiskBecameFull) {
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

TEST_F(FileLogFaults, TakesOverWhatAFailedCreationLeft) {
  auto log = open();
  append(*log, {"a"}).value();
  ASSERT_TRUE(log->rotate());
  std::ofstream(segment_path(options_.folder, 1)).close();
  append(*log, {"b"}).value();
  EXPECT_EQ(segments().size(), 2U);
  EXPECT_EQ(read_all(*log), (std::vector<std::string>{"a", "b"}));
}

// Acknowledged events survive a kill at any moment, each once and in order.
TEST_F(FileLogFaults, KeepsEveryAcknowledgedEventThroughKills) {
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

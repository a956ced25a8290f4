// SPDX-License-Identifier: Apache-2.0
// What remains when a process is killed, the disk is full or the folder cannot be written.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "base/testing/manual_clock.h"
#include "storage/disk_store.h"
#include "storage/testing/disk_fixture.h"
#include "upkeep/check.h"
#include "upkeep/import.h"

namespace valetkey::upkeep {
namespace {

namespace fs = std::filesystem;

class Silent : public ImportProgress, public CheckProgress {
 public:
  void advanced(const ImportTotals&) override {}
  void refused(const std::string&, const Error&) override {}
  void advanced(std::uint64_t, std::uint64_t) override {}
};

// Kills its process at the n-th report of progress.
class Deadly final : public Silent {
 public:
  explicit Deadly(int at) : left_(at) {}
  void advanced(const ImportTotals&) override {
    if (--left_ == 0) kill(getpid(), SIGKILL);
  }

 private:
  int left_;
};

class Crash : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 40; ++i) {
      const auto path = tree() / ("v1/account_id=1/d" + std::to_string(i % 4));
      fs::create_directories(path);
      ASSERT_TRUE(replace_file(path / std::to_string(i), content(i)));
    }
  }
  fs::path tree() const { return temporary_.path() / "tree"; }
  fs::path data() const { return temporary_.path() / "data"; }
  static std::string content(int i) {
    return storage::some_bytes(static_cast<std::size_t>(i) * 5'000, 3);
  }

  Result<ImportSummary> import(ImportProgress& progress, const fs::path& data) {
    return import(progress, data, tree());
  }
  Result<ImportSummary> import(ImportProgress& progress, const fs::path& data,
                               const fs::path& from) {
    VALETKEY_TRY(const auto store, storage::open_disk_store({data, "bucket"}, keys_, clock_));
    return import_tree(*store, clock_, {from, 2, {}, nullptr}, progress);
  }
  // Imports in a child that dies; false if it lived to the end.
  bool import_and_die(int at_progress, milliseconds kill_after) {
    const pid_t child = fork();
    if (child == 0) {
      Deadly deadly(at_progress);
      _exit(import(deadly, data()) ? 0 : 1);
    }
    if (kill_after.count() > 0) {
      std::this_thread::sleep_for(kill_after);
      kill(child, SIGKILL);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
  }
  void expect_sound() {
    const auto store = storage::open_disk_store({data(), "bucket"}, keys_, clock_);
    ASSERT_TRUE(store) << store.error().detail;
    Silent silent;
    EXPECT_EQ(check_objects(**store, {}, storage::kTestTime, silent)->problems,
              std::vector<std::string>{});
  }

  TemporaryFolder temporary_;
  ManualClock clock_{storage::kTestTime};
  FixedKeySource keys_{Keyring::make(storage::kTestTime)};
};

TEST_F(Crash, LeavesASoundFolderAtEveryPointOfAnImport) {
  for (int at = 1; at < 120; at += 4) {
    if (!import_and_die(at, milliseconds(0))) continue;
    expect_sound();
    if (at % 5 == 0) fs::remove_all(data());
  }
  Silent silent;
  ASSERT_TRUE(import(silent, data()));
  expect_sound();
  const auto again = import(silent, data());
  EXPECT_EQ(again->unchanged, 40U);
}

TEST_F(Crash, LeavesASoundFolderAtAnyTimeOfAnImport) {
  int died = 0;
  for (int i = 0; i < 25; ++i) {
    died += import_and_die(0, milliseconds(2 + i * 7)) ? 1 : 0;
    expect_sound();
    if (i % 6 == 5) fs::remove_all(data());
  }
  EXPECT_GT(died, 3);
  Silent silent;
  const auto rest = import(silent, data());
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->added + rest->unchanged, 40U);
  expect_sound();
}

TEST_F(Crash, KeepsWhatWasPublishedBefore) {
  Silent silent;
  ASSERT_TRUE(import(silent, data()));
  ASSERT_TRUE(replace_file(tree() / "v1/account_id=1/d0/0", "changed"));
  for (int at = 1; at < 60; at += 9) {
    import_and_die(at, milliseconds(0));
    const auto store = storage::open_disk_store({data(), "bucket"}, keys_, clock_);
    EXPECT_EQ((*store)->list({})->entries.size(), 40U);
    for (int i = 1; i < 40; i += 13) {
      auto reader =
          (*store)->open("v1/account_id=1/d" + std::to_string(i % 4) + "/" + std::to_string(i));
      std::string read(content(i).size(), '\0');
      EXPECT_TRUE(reader && (*reader)->read(0, read, storage::ReadMode::blocking));
      EXPECT_EQ(read, content(i));
    }
  }
}

// Runs `look` in a process of its own with a small file system mounted on `at`. 77: not possible
// here.
int run_on_small_disk(const fs::path& at, const char* options, const std::function<int()>& look) {
  fs::create_directories(at);
  const pid_t child = fork();
  if (child == 0) {
    const std::string user = std::to_string(getuid());
    if (unshare(CLONE_NEWNS) != 0) {
      if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(77);
      std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    }
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(77);
    if (mount("none", at.c_str(), "tmpfs", 0, options) != 0) _exit(77);
    _exit(look());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

TEST_F(Crash, LosesNothingOnAFullDisk) {
  const fs::path one = temporary_.path() / "one";
  const int result = run_on_small_disk(data(), "size=3m", [&] {
    Silent silent;
    const std::string first = "v1/account_id=1/first";
    fs::create_directories(one / "v1/account_id=1");
    if (!replace_file(one / first, content(7)) || !import(silent, data(), one)) return 5;
    const auto summary = import(silent, data());
    if (summary) return 1;
    if (summary.error().code != ErrorCode::full) return 2;
    const auto store = storage::open_disk_store({data(), "bucket"}, keys_, clock_);
    if (!store) return 3;
    // What was there before is there now. How many of the others are depends on how the workers
    // took turns: none, where files that were still being written filled the disk before the first
    // commit.
    auto reader = (*store)->open(first);
    std::string read(content(7).size(), '\0');
    if (!reader || !(*reader)->read(0, read, storage::ReadMode::blocking) || read != content(7))
      return 6;
    const auto report = check_objects(**store, {}, storage::kTestTime, silent);
    return report && report->clean() ? 0 : 4;
  });
  if (result == 77) GTEST_SKIP() << "mounting a file system is not allowed here";
  EXPECT_EQ(result, 0);
}

TEST_F(Crash, SaysThatTheFolderIsReadOnly) {
  const int result = run_on_small_disk(data(), "size=64m", [&] {
    Silent silent;
    if (!import(silent, data())) return 1;
    if (mount("none", data().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return 77;
    const auto opened = storage::open_disk_store({data(), "bucket"}, keys_, clock_);
    if (opened) return 2;
    if (opened.error().code != ErrorCode::denied) return 3;
    return opened.error().detail.find(data().string()) != std::string::npos ? 0 : 4;
  });
  if (result == 77) GTEST_SKIP() << "mounting a file system is not allowed here";
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace valetkey::upkeep

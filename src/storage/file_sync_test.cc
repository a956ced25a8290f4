// SPDX-License-Identifier: Apache-2.0
// Nothing is in the index before its bytes and its name are durable.
#include "storage/file_sync.h"

#include <gtest/gtest.h>

#include <set>

#include "base/file.h"
#include "base/testing/manual_clock.h"
#include "storage/disk_parts.h"
#include "storage/testing/disk_fixture.h"

namespace valetkey::storage {
namespace {

namespace fs = std::filesystem;

// Keeps what was synced as a disk would when the power goes, and fails when it is told to.
class WatchingSync final : public FileSync {
 public:
  std::uint64_t failures() const override { return failures_; }
  Result<void> sync(const std::vector<WrittenFile>& files, std::uint64_t since) override {
    since_.insert(since);
    if (fails) return fail(ErrorCode::io, "the disk failed");
    for (const auto& file : files) {
      before(file.path);
      fs::copy_file(file.path, disk_.path() / file.path.filename());
      calls_.push_back(file);
    }
    return {};
  }
  std::function<void(const fs::path&)> before = [](const fs::path&) {};
  bool fails = false;
  void count_failure() { ++failures_; }
  const fs::path& disk() const { return disk_.path(); }
  const std::vector<WrittenFile>& files() const { return calls_; }
  const std::set<std::uint64_t>& since() const { return since_; }

 private:
  TemporaryFolder disk_;
  std::vector<WrittenFile> calls_;
  std::set<std::uint64_t> since_;
  std::uint64_t failures_ = 0;
};

class Synced : public testing::Test {
 protected:
  std::unique_ptr<DiskStore> open(const fs::path& folder, FileSync* sync) {
    auto store = open_disk_store({folder, "bucket", milliseconds(200), sync}, keys_, clock_);
    EXPECT_TRUE(store) << store.error().detail;
    return std::move(*store);
  }
  static std::unique_ptr<StagedObject> write(DiskStore& store, const std::string& key,
                                             std::size_t size = 10) {
    auto writer = store.create(key, kTestTime);
    EXPECT_TRUE((*writer)->write(std::string(size, 'x')));
    return std::move(*(*writer)->finish({}));
  }
  static Publication many(DiskStore& store, int count) {
    Publication publication;
    for (int i = 0; i < count; ++i)
      publication.add.push_back(write(store, "key" + std::to_string(i)));
    return publication;
  }
  static std::size_t listed(DiskStore& store) { return store.list({})->entries.size(); }

  TemporaryFolder temporary_;
  fs::path folder_ = temporary_.path() / "data";
  ManualClock clock_{kTestTime};
  FixedKeySource keys_{Keyring::make(kTestTime)};
  WatchingSync sync_;
};

TEST_F(Synced, NamesNothingInTheIndexBeforeItIsOnTheDisk) {
  const auto store = open(folder_, &sync_);
  sync_.before = [&](const fs::path&) { EXPECT_EQ(listed(*store), 0U); };
  ASSERT_TRUE(store->publish(many(*store, 30)));
  EXPECT_EQ(sync_.files().size(), 30U);
  EXPECT_EQ(listed(*store), 30U);
}

// The index as it is after each publication, with the files that were durable then and no others.
TEST_F(Synced, IsSoundWhenThePowerGoesAfterAnyPublication) {
  const auto store = open(folder_, &sync_);
  for (const int count : {1, 3, 40, 7}) {
    const auto unpublished = write(*store, "never");
    ASSERT_TRUE(store->publish(many(*store, count)));
    const fs::path after = temporary_.path() / ("after" + std::to_string(count));
    fs::create_directories(after);
    for (const char* file : {"objects.db", "objects.db-wal"})
      if (fs::exists(folder_ / file)) fs::copy_file(folder_ / file, after / file);
    for (const auto& entry : fs::directory_iterator(sync_.disk())) {
      const auto name = entry.path().filename().string();
      fs::create_directories(after / "objects" / name.substr(0, 2));
      fs::copy_file(entry.path(), after / "objects" / name.substr(0, 2) / name);
    }
    const auto survivor = open(after, nullptr);
    for (const auto& entry : survivor->list({})->entries) {
      const auto reader = survivor->open(entry.info.key);
      ASSERT_TRUE(reader) << entry.info.key;
      std::string content(entry.info.size, '\0');
      EXPECT_EQ((*reader)->read(0, content, ReadMode::blocking), content.size()) << entry.info.key;
    }
  }
}

TEST_F(Synced, PublishesNothingThatCannotBeMadeDurable) {
  auto store = open(folder_, &sync_);
  ASSERT_TRUE(store->publish(many(*store, 1)));
  sync_.fails = true;
  const auto published = store->publish(many(*store, 20));
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, ErrorCode::io);
  EXPECT_EQ(listed(*store), 1U);
  EXPECT_TRUE(store->open("key0"));
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "objects"))
    files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 1U);
  store.reset();
  EXPECT_TRUE(fs::is_empty(folder_ / "staging")) << "a note remained";
}

TEST_F(Synced, SaysSinceWhenTheFirstOfItsFilesWasOpen) {
  const auto store = open(folder_, &sync_);
  Publication publication;
  publication.add.push_back(write(*store, "a"));
  sync_.count_failure();
  publication.add.push_back(write(*store, "b"));
  ASSERT_TRUE(store->publish(std::move(publication)));
  EXPECT_EQ(sync_.since(), std::set<std::uint64_t>{0});
}

TEST_F(Synced, SyncsTheBytesOfLargeObjectsWhereTheyAreWritten) {
  const auto store = open(folder_, &sync_);
  Publication publication;
  publication.add.push_back(write(*store, "small"));
  publication.add.push_back(write(*store, "large", 2 << 20));
  ASSERT_TRUE(store->publish(std::move(publication)));
  ASSERT_EQ(sync_.files().size(), 2U);
  EXPECT_FALSE(sync_.files()[0].synced);
  EXPECT_TRUE(sync_.files()[1].synced);
}

TEST(DiskFileSync, SyncsFewFilesAndMany) {
  const TemporaryFolder folder;
  const auto sync = DiskFileSync::open(folder.path());
  ASSERT_TRUE(sync);
  std::vector<WrittenFile> files;
  for (std::size_t i = 0; i <= 2 * DiskFileSync::kFew; ++i) {
    files.push_back({folder.path() / std::to_string(i)});
    ASSERT_TRUE(replace_file(files.back().path, "x"));
    EXPECT_TRUE((*sync)->sync(files, 0)) << i;
  }
}

TEST(DiskFileSync, NamesTheFileThatItCannotSync) {
  const TemporaryFolder folder;
  const auto synced = (*DiskFileSync::open(folder.path()))->sync({{folder.path() / "gone"}}, 0);
  ASSERT_FALSE(synced);
  EXPECT_NE(synced.error().detail.find("gone"), std::string::npos);
}

TEST(DiskFileSync, ReliesOnNothingThatWasWrittenBeforeASyncFailed) {
  const TemporaryFolder folder;
  ASSERT_TRUE(replace_file(folder.path() / "a", "x"));
  const auto sync = DiskFileSync::open(folder.path());
  EXPECT_TRUE((*sync)->sync({{folder.path() / "a"}}, 0));
  // As if one had failed since: what counts is that the number is no longer the file's.
  EXPECT_EQ((*sync)->sync({{folder.path() / "a"}}, 1).error().code, ErrorCode::io);
}

}  // namespace
}  // namespace valetkey::storage

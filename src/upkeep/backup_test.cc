// SPDX-License-Identifier: Apache-2.0
#include "upkeep/backup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/file.h"
#include "storage/testing/disk_fixture.h"
#include "upkeep/check.h"

namespace valetkey::upkeep {
namespace {

namespace fs = std::filesystem;

class Silent final : public CheckProgress {
 public:
  void advanced(std::uint64_t, std::uint64_t) override {}
};

class BackupTest : public testing::Test {
 protected:
  fs::path backup() const { return disk_.temporary() / "backup"; }
  fs::path restored() const { return disk_.temporary() / "restored"; }
  std::unique_ptr<storage::DiskStore> open_restored() {
    auto store = storage::open_disk_store({restored(), "bucket"}, disk_.keys(), disk_.clock());
    EXPECT_TRUE(store) << store.error().detail;
    return std::move(*store);
  }
  static std::vector<std::string> problems(storage::DiskStore& store) {
    Silent silent;
    return check_objects(store, {}, storage::kTestTime, silent)->problems;
  }
  static std::string get(storage::DiskStore& store, std::string_view key) {
    auto reader = store.open(key);
    if (!reader) return "failed: " + reader.error().detail;
    std::string content((*reader)->info().size, '\0');
    EXPECT_TRUE((*reader)->read(0, content, storage::ReadMode::blocking));
    return content;
  }

  storage::DiskFixture disk_;
};

TEST_F(BackupTest, BringsEverythingBack) {
  disk_.put("a", storage::some_bytes(100'000));
  disk_.put("b", "");
  const auto summary = backup_objects(disk_.store(), backup());
  ASSERT_TRUE(summary) << summary.error().detail;
  EXPECT_EQ(summary->objects, 2U);
  EXPECT_EQ(summary->copied, 0U);
  disk_.put("a", "changed since");
  ASSERT_TRUE(disk_.store().publish({{}, {"b"}, {}, {}}));

  ASSERT_TRUE(restore_objects(backup(), restored()));
  const auto store = open_restored();
  EXPECT_EQ(get(*store, "a"), storage::some_bytes(100'000));
  EXPECT_EQ(get(*store, "b"), "");
  EXPECT_EQ(problems(*store), std::vector<std::string>{});
}

TEST_F(BackupTest, DoesNotMixWithWhatIsThere) {
  disk_.put("a", "1");
  ASSERT_TRUE(backup_objects(disk_.store(), backup()));
  EXPECT_EQ(backup_objects(disk_.store(), backup()).error().code, ErrorCode::already_exists);
  EXPECT_EQ(restore_objects(backup(), disk_.folder()).error().code, ErrorCode::already_exists);
  EXPECT_EQ(restore_objects(disk_.temporary() / "none", restored()).error().code,
            ErrorCode::not_found);
}

TEST_F(BackupTest, CanBeRepeatedAfterAnInterruption) {
  disk_.put("a", storage::some_bytes(100'000));
  ASSERT_TRUE(backup_objects(disk_.store(), backup()));
  fs::rename(backup() / "objects.db", backup() / "objects.db.partial");
  EXPECT_EQ(restore_objects(backup(), restored()).error().code, ErrorCode::not_found);
  ASSERT_TRUE(backup_objects(disk_.store(), backup()));
  ASSERT_TRUE(restore_objects(backup(), restored()));
  fs::remove(restored() / "objects.db");
  ASSERT_TRUE(restore_objects(backup(), restored()));
  EXPECT_EQ(get(*open_restored(), "a"), storage::some_bytes(100'000));
}

TEST_F(BackupTest, NamesTheObjectWhoseFileABackupLacks) {
  disk_.put("a", "x");
  ASSERT_TRUE(backup_objects(disk_.store(), backup()));
  fs::remove_all(backup() / "objects");
  const auto result = restore_objects(backup(), restored());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::corrupt);
  EXPECT_NE(result.error().detail.find("object a"), std::string::npos);
  EXPECT_FALSE(fs::exists(restored() / "objects.db"));
}

TEST_F(BackupTest, IsWholeWhileObjectsAreReplacedAndRemoved) {
  for (int i = 0; i < 40; ++i) disk_.put("k" + std::to_string(i), "first");
  std::atomic<bool> stop = false;
  std::jthread writer([&] {
    for (int i = 0; !stop; ++i) {
      disk_.put("k" + std::to_string(i % 40), "next");
      if (i % 7 == 0)
        EXPECT_TRUE(disk_.store().publish({{}, {"k" + std::to_string(i % 40)}, {}, {}}));
    }
  });
  for (int i = 0; i < 5; ++i) {
    const auto to = disk_.temporary() / ("backup" + std::to_string(i));
    const auto made = backup_objects(disk_.store(), to);
    ASSERT_TRUE(made) << made.error().detail;
    fs::remove_all(restored());
    const auto back = restore_objects(to, restored());
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(problems(*open_restored()), std::vector<std::string>{});
  }
  stop = true;
}

}  // namespace
}  // namespace valetkey::upkeep

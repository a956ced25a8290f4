// SPDX-License-Identifier: Apache-2.0
#include "storage/disk_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/file.h"
#include "base/testing/manual_clock.h"
#include "storage/disk_parts.h"
#include "storage/testing/disk_fixture.h"

namespace valetkey::storage {
namespace {

namespace fs = std::filesystem;

void run_sql(const DiskFixture& disk, const char* sql) {
  auto database =
      sqlite::Database::open(disk.folder() / "objects.db", sqlite::Database::Mode::read_write);
  ASSERT_TRUE(database);
  ASSERT_TRUE((*database)->execute(sql));
}

TEST(DiskStore, TellsTheMd5AsETagAndTheCrc32AndRows) {
  DiskFixture disk;
  disk.put("k", "123456789");
  const auto info = disk.store().head("k");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->etag, "25f9e794323b453885f5181f1b624d0b");
  EXPECT_EQ(info->crc32, 0xCBF43926U);
  auto writer = disk.store().create("p", kTestTime);
  ASSERT_TRUE(writer);
  Publication one;
  one.add.push_back((*writer)->finish(42).value());
  ASSERT_TRUE(disk.store().publish(std::move(one)));
  EXPECT_EQ(disk.store().head("p")->rows, 42U);
}

TEST(DiskStore, HoldsNoPlaintext) {
  DiskFixture disk;
  disk.put("a", std::string(100'000, 'P'));
  for (const auto& file : disk.files())
    EXPECT_EQ(read_file(file, 1'000'000)->find("PPPPPPPP"), std::string::npos);
}

TEST(DiskStore, KeepsEverythingForItsUserAlone) {
  DiskFixture disk;
  disk.put("a", "x");
  for (const auto& path : {disk.folder(), disk.folder() / "objects", disk.folder() / "objects/00",
                           disk.folder() / "staging", disk.files().at(0)})
    EXPECT_EQ(fs::status(path).permissions() & (fs::perms::group_all | fs::perms::others_all),
              fs::perms::none)
        << path;
}

TEST(DiskStore, FindsItsObjectsAgainAfterARestart) {
  DiskFixture disk;
  disk.put("a", "kept");
  const auto generation = disk.store().generation();
  disk.reopen();
  EXPECT_EQ(disk.get("a"), "kept");
  EXPECT_EQ(disk.store().generation(), generation);
}

TEST(DiskStore, RemovesTheFileOfWhatIsReplacedRemovedOrAbandoned) {
  DiskFixture disk;
  disk.put("a", "1");
  disk.put("a", "2");
  EXPECT_EQ(disk.files().size(), 1U);
  {
    auto unfinished = disk.store().create("b", kTestTime);
    auto finished = disk.store().create("c", kTestTime);
    auto staged = (*finished)->finish({});
    EXPECT_EQ(disk.files().size(), 3U);
  }
  EXPECT_EQ(disk.files().size(), 1U);
  ASSERT_TRUE(disk.store().publish({{}, {"a"}, {}, {}}));
  EXPECT_TRUE(disk.files().empty());
  disk.close();
  EXPECT_TRUE(fs::is_empty(disk.folder() / "staging")) << "a note remained";
}

TEST(DiskStore, SettlesTheLinksThatAnEarlierProgramLeft) {
  DiskFixture disk;
  disk.put("a", "kept");
  const auto kept = disk.files().at(0).filename().string();
  disk.close();
  const auto orphan = ObjectId::make();
  ASSERT_TRUE(replace_file(disk.folder() / "objects" / orphan.file_path(), "x"));
  const auto dead = disk.folder() / "staging/0123456789abcdef";
  fs::create_directories(dead);
  fs::create_symlink("a", dead / kept);
  fs::create_symlink("b", dead / orphan.str());
  EXPECT_EQ(Staging::noted(disk.folder())->size(), 2U);
  disk.reopen();
  EXPECT_EQ(disk.files().size(), 1U);
  EXPECT_EQ(disk.get("a"), "kept");
  EXPECT_FALSE(fs::exists(dead));
}

TEST(DiskStore, ServesASmallObjectThatIsReadAgainFromMemoryUntilItChanges) {
  DiskFixture disk;
  disk.put("a", "first");
  (*disk.store().open("a"))->remember();
  const auto cached = [&]() -> std::string {
    const auto reader = disk.store().open_cached("a");
    if (!reader || !*reader) return "not in memory";
    std::string content((**reader)->info().size, '\0');
    const auto got = (**reader)->read(0, content, ReadMode::blocking);
    return got ? content.substr(0, *got) : "failed";
  };
  EXPECT_EQ(cached(), "first");
  ASSERT_TRUE(fs::remove(disk.files().at(0)));
  EXPECT_EQ(cached(), "first");
  const auto reader = disk.store().open_cached("a");
  ASSERT_TRUE(reader && *reader);
  char middle[3];
  EXPECT_EQ((**reader)->read(1, middle, ReadMode::cached_only).value(), 3U);
  EXPECT_EQ(std::string_view(middle, 3), "irs");
  EXPECT_EQ((**reader)->read(5, middle, ReadMode::cached_only).value(), 0U);

  disk.put("a", "second");
  (*disk.store().open("a"))->remember();
  EXPECT_EQ(cached(), "second");
  ASSERT_TRUE(disk.store().publish({{}, {"a"}, {}, {}}));
  EXPECT_EQ(cached(), "not in memory");
}

TEST(DiskStore, RefusesExchangedFilesAndCountsThem) {
  DiskFixture disk;
  disk.put("a", "1");
  disk.put("b", "2");
  const auto files = disk.files();
  fs::rename(files[0], disk.temporary() / "x");
  fs::rename(files[1], files[0]);
  fs::rename(disk.temporary() / "x", files[1]);
  EXPECT_EQ(disk.get("a"), "failed: read");
  EXPECT_EQ(disk.get("b"), "failed: read");
  EXPECT_EQ(disk.store().stats()->corrupt, 2U);
}

TEST(DiskStore, RefusesExchangedIndexRows) {
  DiskFixture disk;
  disk.put("v1/account_id=1/a", "1");
  disk.put("v1/account_id=2/a", "2");
  run_sql(disk,
          "UPDATE objects SET key = 'x' WHERE key = 'v1/account_id=1/a';"
          "UPDATE objects SET key = 'v1/account_id=1/a' WHERE key = 'v1/account_id=2/a';"
          "UPDATE objects SET key = 'v1/account_id=2/a' WHERE key = 'x'");
  disk.reopen();  // forgets what the threads know
  for (const char* key : {"v1/account_id=1/a", "v1/account_id=2/a"}) {
    EXPECT_EQ(disk.store().head(key).error().code, ErrorCode::corrupt);
    EXPECT_EQ(disk.store().open(key).error().code, ErrorCode::corrupt);
  }
  // Only the contents exchanged, keys in place.
  DiskFixture other;
  other.put("a", "1");
  other.put("b", "2");
  run_sql(
      other,
      "CREATE TEMP TABLE t AS SELECT * FROM objects;"
      "UPDATE objects SET (id, md5, data_key) = (SELECT id, md5, data_key FROM t WHERE t.key <> "
      "objects.key)");
  other.reopen();
  EXPECT_EQ(other.store().open("a").error().code, ErrorCode::corrupt);
}

TEST(DiskStore, NamesAnObjectWhoseFileIsMissing) {
  DiskFixture disk;
  disk.put("a", "1");
  fs::remove(disk.files().at(0));
  const auto opened = disk.store().open("a");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
  EXPECT_NE(opened.error().detail.find("object a"), std::string::npos);
}

TEST(DiskStore, RefusesObjectsWithoutTheirIndex) {
  DiskFixture disk;
  disk.put("a", "1");
  disk.close();
  fs::remove(disk.folder() / "objects.db");
  const auto opened = open_disk_store({disk.folder(), "bucket"}, disk.keys(), disk.clock());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().detail.find("no objects.db"), std::string::npos);
  EXPECT_EQ(disk.files().size(), 1U);
}

TEST(DiskStore, AnswersFromMemoryWithoutTouchingTheIndex) {
  DiskFixture disk;
  disk.put("a", "1");
  EXPECT_FALSE(disk.store().open_cached("a"));
  ASSERT_TRUE(disk.store().open("a"));
  const auto cached = disk.store().open_cached("a");
  ASSERT_TRUE(cached && *cached);
  EXPECT_EQ((**cached)->info().size, 1U);
  EXPECT_FALSE(disk.store().open_cached("b"));
  // Another thread knows nothing of it until it is told.
  std::jthread([&] {
    EXPECT_FALSE(disk.store().open_cached("a"));
    (**cached)->remember();
    EXPECT_TRUE(disk.store().open_cached("a"));
  }).join();
}

TEST(DiskStore, RemembersNothingThatHasChangedSince) {
  DiskFixture disk;
  disk.put("a", "1");
  const auto reader = disk.store().open("a").value();
  disk.put("a", "22");
  reader->remember();
  EXPECT_FALSE(disk.store().open_cached("a"));
  EXPECT_EQ(disk.store().open("a").value()->info().size, 2U);
}

TEST(DiskStore, DoesNotOpenWhatItRemembersOnceItsTimeHasCome) {
  DiskFixture disk;
  disk.put("a", "1");
  Publication publication;
  publication.unlist = {"a"};
  publication.readable_until = kTestTime + milliseconds(1000);
  ASSERT_TRUE(disk.store().publish(std::move(publication)));
  ASSERT_TRUE(disk.store().open("a"));
  EXPECT_TRUE(disk.store().open_cached("a"));
  disk.set_time(kTestTime + milliseconds(1000));
  EXPECT_FALSE(disk.store().open_cached("a"));
  EXPECT_EQ(disk.store().open("a").error().code, ErrorCode::not_found);
}

TEST(DiskStore, SeesWhatAnotherProcessPublishesWithinASecond) {
  DiskFixture disk;
  disk.put("a", "1");
  ASSERT_EQ(disk.get("a"), "1");
  const auto before = disk.store().generation();
  const auto other = open_disk_store({disk.folder(), "bucket"}, disk.keys(), disk.clock());
  ASSERT_TRUE(other);
  auto writer = (*other)->create("a", kTestTime);
  ASSERT_TRUE((*writer)->write("22"));
  Publication publication;
  publication.add.push_back(std::move(*(*writer)->finish({})));
  ASSERT_TRUE((*other)->publish(std::move(publication)));
  EXPECT_EQ(disk.get("a"), "22");  // the file that it remembers is gone
  for (int i = 0; i < 100 && disk.store().generation() == before; ++i)
    std::this_thread::sleep_for(milliseconds(10));
  EXPECT_GT(disk.store().generation(), before);
}

TEST(DiskStore, SweepsUnlistedObjectsWhoseTimeHasCome) {
  DiskFixture disk;
  disk.put("a", "1");
  disk.put("b", "2");
  ASSERT_TRUE(disk.store().publish({{}, {}, {"a"}, kTestTime + seconds(5)}));
  EXPECT_EQ(disk.store().sweep(kTestTime + seconds(4)), 0U);
  EXPECT_EQ(disk.store().sweep(kTestTime + seconds(5)), 1U);
  EXPECT_EQ(disk.files().size(), 1U);
  EXPECT_EQ(disk.store().stats()->objects, 1U);
  disk.close();
  EXPECT_TRUE(fs::is_empty(disk.folder() / "staging")) << "a note remained";
}

TEST(DiskStore, RewrapsDataKeysUnderTheActiveObjectKey) {
  TemporaryFolder folder;
  const ManualClock clock(kTestTime);
  const Keyring old = Keyring::make(kTestTime);
  const Keyring both = old.with_new_key(KeyPurpose::object, kTestTime, kTestTime);
  const auto open = [&](const KeySource& keys) {
    return std::move(*open_disk_store({folder.path() / "d", "bucket"}, keys, clock));
  };
  FixedKeySource old_keys(old);
  FixedKeySource both_keys(both);
  const auto put = [&](DiskStore& store, std::string_view key) {
    auto writer = store.create(key, kTestTime);
    ASSERT_TRUE((*writer)->write(key));
    Publication publication;
    publication.add.push_back(std::move(*(*writer)->finish({})));
    ASSERT_TRUE(store.publish(std::move(publication)));
  };
  {
    const auto store = open(old_keys);
    for (int i = 0; i < 20; ++i) put(*store, "k" + std::to_string(i));
  }
  const auto store = open(both_keys);
  put(*store, "new");
  const std::uint32_t active = both.active(KeyPurpose::object, kTestTime)->id;
  EXPECT_EQ(store->count_by_object_key()->size(), 2U);
  const auto summary = store->rewrap(kTestTime);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->rewrapped, 20U);
  EXPECT_TRUE(summary->failed.empty());
  EXPECT_EQ(store->count_by_object_key().value(),
            (std::map<std::uint32_t, std::uint64_t>{{active, 21}}));
  EXPECT_EQ(store->rewrap(kTestTime)->rewrapped, 0U);
  std::string content(2, '\0');
  EXPECT_EQ((*store->open("k7"))->read(0, content, ReadMode::blocking), 2U);
  EXPECT_EQ(content, "k7");
}

TEST(DiskStore, ServesReadersWhileWritersReplaceWhatTheyRead) {
  DiskFixture disk;
  const std::string first(150'000, 'a');
  for (int i = 0; i < 4; ++i) disk.put("k" + std::to_string(i), first);
  std::atomic<bool> stop = false;
  std::vector<std::jthread> threads;
  threads.reserve(4);
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 60; ++i)
        disk.put("k" + std::to_string((i + t) % 4),
                 std::string(150'000, static_cast<char>('a' + i % 26)));
      stop = true;
    });
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      for (int i = 0; !stop; ++i) {
        const std::string key = "k" + std::to_string(i % 4);
        auto cached = disk.store().open_cached(key);
        auto reader = cached ? std::move(*cached) : disk.store().open(key);
        ASSERT_TRUE(reader) << reader.error().detail;
        std::string content(150'000, '\0');
        ASSERT_EQ((*reader)->read(0, content, ReadMode::blocking), content.size());
        EXPECT_EQ(content, std::string(content.size(), content[0]));
        EXPECT_EQ(disk.store().list({})->entries.size(), 4U);
      }
    });
}

}  // namespace
}  // namespace valetkey::storage

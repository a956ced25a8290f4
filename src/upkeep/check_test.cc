// SPDX-License-Identifier: Apache-2.0
#include "upkeep/check.h"

#include <gtest/gtest.h>
#include <utime.h>

#include "base/file.h"
#include "sqlite/database.h"
#include "storage/object_id.h"
#include "storage/testing/disk_fixture.h"

namespace valetkey::upkeep {
namespace {

namespace fs = std::filesystem;

class Silent final : public CheckProgress {
 public:
  void advanced(std::uint64_t, std::uint64_t) override {}
};

class CheckTest : public testing::Test {
 protected:
  CheckReport check(bool repair = false) {
    Silent silent;
    const Timestamp now = SystemClock().now();  // files have the system's times
    auto report = check_objects(disk_.store(), {2, repair}, now, silent);
    EXPECT_TRUE(report) << report.error().detail;
    return report ? *report : CheckReport{};
  }
  void run_sql(const char* sql) const {
    auto database =
        sqlite::Database::open(disk_.folder() / "objects.db", sqlite::Database::Mode::read_write);
    ASSERT_TRUE((*database)->execute(sql));
  }
  void flip(const fs::path& path, std::size_t at) const {
    std::string bytes = read_file(path, 10'000'000).value();
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    ASSERT_TRUE(replace_file(path, bytes));
  }
  fs::path add_orphan(int age_hours) const {
    const auto path = disk_.folder() / "objects" / storage::ObjectId::make().file_path();
    EXPECT_TRUE(replace_file(path, "left behind"));
    const utimbuf times{std::time(nullptr) - age_hours * 3600,
                        std::time(nullptr) - age_hours * 3600};
    EXPECT_EQ(utime(path.c_str(), &times), 0);
    return path;
  }
  // The only problem there is names all of these.
  static void expect_problem(const CheckReport& report, std::initializer_list<std::string> parts) {
    ASSERT_EQ(report.problems.size(), 1U) << testing::PrintToString(report.problems);
    for (const auto& part : parts)
      EXPECT_NE(report.problems[0].find(part), std::string::npos) << report.problems[0];
  }

  storage::DiskFixture disk_;
};

TEST_F(CheckTest, FindsNothingInASoundFolder) {
  disk_.put("a", storage::some_bytes(300'000));
  disk_.put("b", "");
  const auto report = check();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.objects, 2U);
  EXPECT_EQ(report.bytes, 300'000U);
}

TEST_F(CheckTest, SaysWhetherAKeyringOpensWhatIsStored) {
  const Keyring stranger = Keyring::make(storage::kTestTime);
  EXPECT_EQ(is_opened_by(disk_.store(), stranger).value(), std::nullopt);
  disk_.put("a", "x");
  disk_.put("b", "y");
  EXPECT_EQ(is_opened_by(disk_.store(), *disk_.keys().get()).value(), true);
  EXPECT_EQ(is_opened_by(disk_.store(), stranger).value(), false);
  run_sql("UPDATE objects SET data_key = zeroblob(length(data_key)) WHERE key = 'a'");
  EXPECT_EQ(is_opened_by(disk_.store(), *disk_.keys().get()).value(), true);
}

TEST_F(CheckTest, NamesTheChunkThatDoesNotAuthenticate) {
  disk_.put("a", storage::some_bytes(300'000));
  flip(disk_.files().at(0), 24 + 2 * (65'536 + 16) + 5);
  expect_problem(check(), {"object a", "chunk 2"});
}

TEST_F(CheckTest, NamesAFileThatIsMissingOrHasAnotherLength) {
  disk_.put("a", "x");
  const auto path = disk_.files().at(0);
  fs::resize_file(path, 20);
  expect_problem(check(), {"object a", "20 bytes"});
  fs::remove(path);
  expect_problem(check(), {"object a", "No such file"});
}

TEST_F(CheckTest, NamesRowsWhoseContentOrSumsDiffer) {
  disk_.put("a", "x");
  run_sql("UPDATE objects SET crc32 = crc32 + 1");
  expect_problem(check(), {"object a", "CRC-32"});
  run_sql("UPDATE objects SET crc32 = crc32 - 1, md5 = zeroblob(16)");
  expect_problem(check(), {"object a", "does not authenticate"});
}

TEST_F(CheckTest, GoesOnBehindADamagedRow) {
  for (const char* key : {"a", "b", "c", "d"}) disk_.put(key, std::string("of ") + key);
  run_sql(
      "PRAGMA ignore_check_constraints = 1; UPDATE objects SET md5 = x'00' WHERE key IN ('a', "
      "'c')");
  run_sql("UPDATE objects SET crc32 = crc32 + 1 WHERE key = 'd'");
  const auto report = check();
  ASSERT_EQ(report.problems.size(), 3U) << testing::PrintToString(report.problems);
  const std::string all = testing::PrintToString(report.problems);
  for (const char* part : {"object a", "object c", "object d: its CRC-32"})
    EXPECT_NE(all.find(part), std::string::npos) << all;
  EXPECT_EQ(report.objects, 2U);
}

TEST_F(CheckTest, NamesExchangedRowsAndExchangedFiles) {
  disk_.put("a", "1");
  disk_.put("b", "2");
  const auto files = disk_.files();
  fs::rename(files[0], disk_.temporary() / "x");
  fs::rename(files[1], files[0]);
  fs::rename(disk_.temporary() / "x", files[1]);
  EXPECT_EQ(check().problems.size(), 2U);
  fs::rename(files[0], disk_.temporary() / "x");
  fs::rename(files[1], files[0]);
  fs::rename(disk_.temporary() / "x", files[1]);
  EXPECT_TRUE(check().clean());
  run_sql(
      "UPDATE objects SET key = 'c' WHERE key = 'a'; UPDATE objects SET key = 'a' WHERE key = "
      "'b'; UPDATE objects SET key = 'b' WHERE key = 'c'");
  EXPECT_EQ(check().problems.size(), 2U);
}

TEST_F(CheckTest, NamesOrphansAndRemovesOldOnesOnlyWhenAsked) {
  disk_.put("a", "x");
  const auto old = add_orphan(2);
  expect_problem(check(), {old.filename().string(), "no index row"});
  EXPECT_TRUE(fs::exists(old));
  const auto report = check(true);
  EXPECT_TRUE(report.clean());
  ASSERT_EQ(report.repaired.size(), 1U);
  EXPECT_NE(report.repaired[0].find(old.filename().string()), std::string::npos);
  EXPECT_FALSE(fs::exists(old));
  EXPECT_EQ(disk_.get("a"), "x");
}

TEST_F(CheckTest, SparesYoungFilesAndThoseOfRunningWriters) {
  const auto young = add_orphan(0);
  expect_problem(check(true), {young.filename().string(), "younger than an hour"});
  EXPECT_TRUE(fs::exists(young));
  fs::remove(young);

  auto writer = disk_.store().create("a", storage::kTestTime);
  auto staged = (*writer)->finish({});
  const auto path = disk_.files().at(0);
  const utimbuf times{1, 1};
  ASSERT_EQ(utime(path.c_str(), &times), 0);
  EXPECT_TRUE(check(true).clean());
  storage::Publication publication;
  publication.add.push_back(std::move(*staged));
  ASSERT_TRUE(disk_.store().publish(std::move(publication)));
  EXPECT_EQ(disk_.get("a"), "");
}

TEST_F(CheckTest, NamesWhatDoesNotBelongAndLeavesIt) {
  ASSERT_TRUE(replace_file(disk_.folder() / "objects" / "note.txt", "x"));
  expect_problem(check(true), {"note.txt"});
  EXPECT_TRUE(fs::exists(disk_.folder() / "objects" / "note.txt"));
}

}  // namespace
}  // namespace valetkey::upkeep

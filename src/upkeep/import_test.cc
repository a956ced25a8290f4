// SPDX-License-Identifier: Apache-2.0
#include "upkeep/import.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "storage/testing/disk_fixture.h"
#include "storage/testing/faulty_store.h"
#include "upkeep/check.h"

namespace valetkey::upkeep {
namespace {

namespace fs = std::filesystem;

class Silent : public ImportProgress, public CheckProgress {
 public:
  void advanced(const ImportTotals& totals) override { totals_ = totals; }
  void refused(const std::string& path, const Error&) override { refused_.push_back(path); }
  void advanced(std::uint64_t, std::uint64_t) override {}

  ImportTotals totals_;
  std::vector<std::string> refused_;
};

class ImportTest : public testing::Test {
 protected:
  fs::path tree() const { return disk_.temporary() / "tree"; }
  static std::string key(std::string_view name) { return "v1/account_id=12/" + std::string(name); }
  void write(const std::string& path, std::string_view content) const {
    fs::create_directories((tree() / path).parent_path());
    ASSERT_TRUE(replace_file(tree() / path, content));
  }
  Result<ImportSummary> import(storage::ObjectStore& store, ReadPart read_part = {}) {
    return import_tree(store, disk_.clock(), {tree(), 3, std::move(read_part), nullptr}, silent_);
  }
  ImportSummary import() {
    auto summary = import(disk_.store());
    EXPECT_TRUE(summary) << summary.error().detail;
    return summary ? *summary : ImportSummary{};
  }
  void write_some() const {
    for (int i = 0; i < 30; ++i)
      write(
          key("d" + std::to_string(i % 3) + "/f" + std::to_string(i)),
          storage::some_bytes(static_cast<std::size_t>(i) * 9'000, static_cast<std::uint32_t>(i)));
  }
  void expect_some() {
    for (int i = 0; i < 30; ++i)
      EXPECT_EQ(
          disk_.get(key("d" + std::to_string(i % 3) + "/f" + std::to_string(i))),
          storage::some_bytes(static_cast<std::size_t>(i) * 9'000, static_cast<std::uint32_t>(i)));
  }
  std::vector<std::string> problems() {
    return check_objects(disk_.store(), {}, disk_.clock().now(), silent_)->problems;
  }

  storage::DiskFixture disk_;
  Silent silent_;
};

TEST_F(ImportTest, TakesEveryFileUnderItsPath) {
  write_some();
  write(key("date=2020-09-14/_SUCCESS"), "");
  write("README.md", "beside v1 and none of our business");
  const auto summary = import();
  EXPECT_TRUE(summary.complete());
  EXPECT_EQ(summary.added, 31U);
  EXPECT_EQ(silent_.totals_.files, 31U);
  EXPECT_EQ(silent_.totals_.files_done, 31U);
  EXPECT_EQ(silent_.totals_.bytes_done, silent_.totals_.bytes);
  expect_some();
  EXPECT_EQ(disk_.get(key("date=2020-09-14/_SUCCESS")), "");
  EXPECT_EQ(disk_.store().list({})->entries.size(), 31U);
  EXPECT_EQ(problems(), std::vector<std::string>{});
}

TEST_F(ImportTest, LeavesAloneWhatIsThereAlready) {
  write_some();
  import();
  const auto generation = disk_.store().generation();
  const auto again = import();
  EXPECT_EQ(again.unchanged, 30U);
  EXPECT_EQ(again.added + again.replaced, 0U);
  EXPECT_EQ(disk_.store().generation(), generation);
}

TEST_F(ImportTest, ReplacesChangedContentEvenOfTheSameSizeAndTime) {
  write(key("a"), "one");
  write(key("b"), "same");
  import();
  const auto before = fs::last_write_time(tree() / key("a"));
  write(key("a"), "two");
  fs::last_write_time(tree() / key("a"), before);
  const auto summary = import();
  EXPECT_EQ(summary.replaced, 1U);
  EXPECT_EQ(summary.unchanged, 1U);
  EXPECT_EQ(disk_.get(key("a")), "two");
  EXPECT_EQ(disk_.files().size(), 2U);
}

TEST_F(ImportTest, RefusesLinksAndSpecialFilesAndGoesOn) {
  write(key("good"), "x");
  write(key("hard"), "x");
  write("outside", "secret");
  fs::create_hard_link(tree() / key("hard"), tree() / key("hard2"));
  fs::create_symlink(tree() / "outside", tree() / key("soft"));
  fs::create_directory_symlink("/etc", tree() / key("folder"));
  ASSERT_EQ(mkfifo((tree() / key("fifo")).c_str(), 0600), 0);
  const auto summary = import();
  EXPECT_EQ(summary.added, 1U);
  EXPECT_EQ(summary.refused, 5U);
  EXPECT_FALSE(summary.complete());
  ASSERT_EQ(summary.reasons.size(), 5U);
  for (const auto& reason : summary.reasons)
    EXPECT_NE(reason.detail.find("v1/account_id=12/"), std::string::npos) << reason.detail;
  EXPECT_EQ(disk_.store().list({})->entries.size(), 1U);
}

TEST_F(ImportTest, RefusesNamesThatCannotBeKeys) {
  write(key("good"), "x");
  write(key("bad\xFF"), "x");
  write(key(std::string(200, 'l') + "/" + std::string(200, 'l') + "/" + std::string(200, 'l') +
            "/" + std::string(200, 'l') + "/" + std::string(210, 'l')),
        "x");
  write("v1/account_id=abc/f", "x");
  write("v1/stray", "x");
  const auto summary = import();
  EXPECT_EQ(summary.added, 1U);
  EXPECT_EQ(summary.refused, 4U);
}

TEST_F(ImportTest, RefusesWhatLiesWhereTablesHaveTheirMetadata) {
  write("v1/account_id=12/type=events/_iceberg/snap-1.avro", "x");
  write("v1/account_id=12/type=events/date=2020-09-14/_iceberg/part", "x");
  write("v1/account_id=12/_iceberg/part", "x");
  const auto summary = import();
  EXPECT_EQ(summary.added, 2U);
  ASSERT_EQ(summary.reasons.size(), 1U);
  EXPECT_NE(summary.reasons[0].detail.find("type=events/_iceberg"), std::string::npos);
}

TEST_F(ImportTest, RefusesATreeThatIsNone) {
  fs::create_directories(tree() / "v1");
  const auto empty = import(disk_.store());
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::invalid);
  EXPECT_NE(empty.error().detail.find("name the folder above v1"), std::string::npos);
  fs::remove(tree() / "v1");
  EXPECT_EQ(import(disk_.store()).error().code, ErrorCode::invalid);
  fs::remove(tree());
  EXPECT_EQ(import(disk_.store()).error().code, ErrorCode::not_found);
}

TEST_F(ImportTest, RefusesATreeBehindALink) {
  write("v1/account_id=12/a", "x");
  fs::rename(tree() / "v1", disk_.temporary() / "elsewhere");
  fs::create_directory_symlink(disk_.temporary() / "elsewhere", tree() / "v1");
  EXPECT_EQ(import(disk_.store()).error().code, ErrorCode::denied);
}

TEST_F(ImportTest, RefusesAFileThatChangesWhileItIsRead) {
  write(key("a.parquet"), storage::some_bytes(100'000));
  write(key("b.parquet"), storage::some_bytes(100'000));
  const auto summary = import(disk_.store(), [&](const std::string&, std::uint64_t, const ReadAt&) {
    std::filesystem::resize_file(tree() / key("a.parquet"), 100'001);
    return Result<layout::PartStatistics>(layout::PartStatistics{});
  });
  ASSERT_TRUE(summary) << summary.error().detail;
  EXPECT_GE(summary->refused, 1U);
  EXPECT_EQ(disk_.store().head(key("a.parquet")).has_value(), false);
  EXPECT_NE(summary->reasons[0].detail.find("changed while it was read"), std::string::npos);
}

TEST_F(ImportTest, CountsTheRowsOfParquetFiles) {
  write(key("part.parquet"), "0123456789");
  write(key("other"), "0123456789");
  const auto read = [](const std::string& key, std::uint64_t size,
                       const ReadAt& read_at) -> Result<layout::PartStatistics> {
    EXPECT_TRUE(key.ends_with("/part.parquet"));
    std::string last(1, '\0');
    VALETKEY_CHECK(read_at(size - 1, last));
    layout::PartStatistics statistics;
    statistics.rows = static_cast<std::uint64_t>(last[0] - '0');
    statistics.timestamps = layout::TimestampUnit::milliseconds;
    return statistics;
  };
  const auto summary = import(disk_.store(), read);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->not_microseconds, 1U);
  EXPECT_EQ(disk_.store().head(key("part.parquet"))->rows, 9U);
  EXPECT_TRUE(disk_.store().unread_parts(10)->empty());
  EXPECT_EQ(disk_.store().count_without_microseconds().value(), 1U);
  EXPECT_EQ(disk_.store().head(key("other"))->rows, std::nullopt);
}

TEST_F(ImportTest, NamesAParquetFileThatIsNone) {
  write(key("part.parquet"), "x");
  const auto summary = import(disk_.store(), [](const std::string&, std::uint64_t, const ReadAt&) {
    return Result<layout::PartStatistics>(fail(ErrorCode::corrupt, "it has no footer"));
  });
  ASSERT_TRUE(summary);
  ASSERT_EQ(summary->refused, 1U);
  EXPECT_EQ(summary->reasons[0].detail,
            key("part.parquet") + " is not a readable Parquet file: it has no footer");
}

TEST_F(ImportTest, StopsWhenItIsTold) {
  write_some();
  const std::atomic<bool> stop = true;
  const auto summary = import_tree(disk_.store(), disk_.clock(), {tree(), 2, {}, &stop}, silent_);
  ASSERT_TRUE(summary);
  EXPECT_TRUE(summary->stopped);
  EXPECT_FALSE(summary->complete());
  EXPECT_EQ(import().added, 30U);
}

TEST_F(ImportTest, EndsWithTheStoresFailureAndCompletesLater) {
  write_some();
  storage::FaultyStore faulty(disk_.store());
  std::uint64_t failures = 0;
  for (std::uint64_t call = 1; call < 200; call += 9) {
    faulty.fail_call(call, ErrorCode::full);
    const auto summary = import(faulty);
    if (!summary) {
      EXPECT_EQ(summary.error().code, ErrorCode::full);
      ++failures;
    }
    EXPECT_EQ(problems(), std::vector<std::string>{}) << call;
    EXPECT_EQ(disk_.files().size(), disk_.store().list({})->entries.size());
    if (call % 2 == 0)
      ASSERT_TRUE(disk_.store().publish({{}, {key("d0/f0"), key("d1/f1")}, {}, {}}));
  }
  EXPECT_GT(failures, 3U);
  import();
  expect_some();
}

}  // namespace
}  // namespace valetkey::upkeep

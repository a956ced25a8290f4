// SPDX-License-Identifier: Apache-2.0
#include "exporter/seen_uuids.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <utility>

namespace valetkey::exporter {
namespace {

// A file in memory that counts what is read of it.
class MemoryFile final : public storage::ObjectReader {
 public:
  explicit MemoryFile(std::string bytes) : bytes_(std::move(bytes)) { info_.size = bytes_.size(); }
  const storage::ObjectInfo& info() const override { return info_; }
  Result<std::size_t, storage::ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                                 storage::ReadMode) override {
    if (failure) return std::unexpected(*failure);
    const auto n = std::min<std::size_t>(out.size(), bytes_.size() - offset);
    std::memcpy(out.data(), bytes_.data() + offset, n);
    ++reads;
    if (expected_ == std::pair(offset, std::uint64_t{n})) ++reads_alone;
    return n;
  }
  void expect(std::uint64_t offset, std::uint64_t length) override {
    expected_ = {offset, std::min(length, info_.size - offset)};
  }
  std::size_t reads = 0;
  std::size_t reads_alone = 0;  // of exactly what was said to be needed
  std::optional<storage::ReadFailure> failure;

 private:
  std::string bytes_;
  storage::ObjectInfo info_;
  std::pair<std::uint64_t, std::uint64_t> expected_{0, 0};
};

std::string file_of(const std::vector<int>& uuids) {
  Deduplicator all;
  for (const int n : uuids) all.add(digest_of("12", fmt::format("u{}", n)), 0);
  all.sort();
  return all.serialize();
}

TEST(Deduplicator, KeepsTheFirstOfEachUuid) {
  Deduplicator batch;
  for (std::uint32_t i = 0; i < 6; ++i)
    batch.add(digest_of("12", fmt::format("u{}", i % 3)), 5 - i);
  batch.sort();
  EXPECT_EQ(batch.kept(6), (std::vector<bool>{true, true, true, false, false, false}));
}

TEST(Deduplicator, TellsAccountsApart) {
  EXPECT_NE(digest_of("1", "23"), digest_of("12", "3"));
  EXPECT_EQ(digest_of("12", "3"), digest_of("12", "3"));
  EXPECT_NE(digest_of("12", "3", true), digest_of("12", "3"))
      << "what came without the ingest key is never taken for what came with it";
}

// Files of many blocks against batches from a handful to as many as the file: the naive answer each
// time.
TEST(Deduplicator, SubtractsExactlyWhatAFileHolds) {
  std::mt19937 random(5);
  for (const int held : {0, 1, 4095, 4096, 4097, 50'000}) {
    std::vector<int> numbers;
    for (int i = 0; i < held; ++i) numbers.push_back(static_cast<int>(random() % 200'000));
    MemoryFile file(file_of(numbers));
    const std::set<int> seen(numbers.begin(), numbers.end());
    for (const std::uint32_t asked : {1U, 7U, 500U, 30'000U}) {
      Deduplicator batch;
      std::vector<bool> expected(asked);
      std::set<int> in_batch;
      for (std::uint32_t i = 0; i < asked; ++i) {
        const int n = static_cast<int>(random() % 200'000);
        batch.add(digest_of("12", fmt::format("u{}", n)), i);
        expected[i] = in_batch.insert(n).second && !seen.contains(n);
      }
      batch.sort();
      auto in_memory = batch;
      in_memory.subtract(file_of(numbers));
      ASSERT_EQ(in_memory.kept(asked), expected) << held << " held, " << asked << " asked";
      ASSERT_TRUE(batch.subtract(file));
      ASSERT_EQ(batch.kept(asked), expected) << held << " held, " << asked << " asked";
    }
  }
}

TEST(Deduplicator, ReadsOfALargeFileOnlyWhatItNeeds) {
  std::vector<int> numbers(200'000);
  std::iota(numbers.begin(), numbers.end(), 0);
  MemoryFile file(file_of(numbers));  // 49 blocks
  Deduplicator batch;
  batch.add(digest_of("12", "u77"), 0);
  batch.sort();
  ASSERT_TRUE(batch.subtract(file));
  EXPECT_EQ(batch.size(), 0U);
  EXPECT_LE(file.reads, 8U);
}

// A bucket sends what lies behind, too, unless it is told.
TEST(Deduplicator, TellsTheStoreWhichBlocksItReadsAlone) {
  std::vector<int> numbers(200'000);
  std::iota(numbers.begin(), numbers.end(), 0);
  for (const std::uint32_t asked : {1U, 40U, 5'000U}) {
    MemoryFile file(file_of(numbers));  // 49 blocks
    Deduplicator batch;
    for (std::uint32_t i = 0; i < asked; ++i) batch.add(digest_of("12", fmt::format("v{}", i)), i);
    batch.sort();
    ASSERT_TRUE(batch.subtract(file));
    EXPECT_EQ(batch.size(), asked);
    EXPECT_EQ(file.reads_alone, asked < 49 ? file.reads : 0) << asked;
  }
}

TEST(Deduplicator, RefusesAFileThatIsCut) {
  MemoryFile file(file_of({1, 2, 3}).substr(0, 40));
  Deduplicator batch;
  batch.add(digest_of("12", "u9"), 0);
  batch.sort();
  EXPECT_FALSE(batch.subtract(file));
}

// A bucket that is away for a moment must not make anybody give up a good file.
TEST(Deduplicator, OffersToGiveUpADamagedFileOnly) {
  MemoryFile file(file_of({1, 2, 3}));
  const auto failed_by = [&](storage::ReadFailure why) {
    file.failure = why;
    Deduplicator batch;
    batch.add(digest_of("12", "u9"), 0);
    return batch.subtract(file).error();
  };
  const auto damaged = failed_by(storage::ReadFailure::corrupt);
  EXPECT_EQ(damaged.code, ErrorCode::corrupt);
  EXPECT_THAT(damaged.detail, testing::HasSubstr("check --repair"));
  for (const auto why : {storage::ReadFailure::io, storage::ReadFailure::changed}) {
    EXPECT_NE(failed_by(why).code, ErrorCode::corrupt);
    EXPECT_THAT(failed_by(why).detail, testing::Not(testing::HasSubstr("--repair")));
  }
}

TEST(MergeSeen, GivesOneSortedFileWithoutRepeats) {
  std::vector<int> odd, even, both;
  for (int i = 0; i < 20'000; ++i) {
    (i % 2 == 0 ? even : odd).push_back(i);
    if (i % 5 == 0) both.push_back(i);
  }
  MemoryFile a(file_of(odd)), b(file_of(even)), c(file_of(both)), none("");
  std::string merged;
  const auto count = merge_seen({&a, &b, &c, &none}, [&](std::string_view piece) -> Result<void> {
    merged += piece;
    return {};
  });
  odd.insert(odd.end(), even.begin(), even.end());
  EXPECT_EQ(count.value(), 20'000U);
  EXPECT_EQ(merged, file_of(odd));
}

TEST(MergeSeen, KeepsTwiceWhatFilesHoldMoreThanOnceWhereThatIsWanted) {
  MemoryFile a(file_of({1, 2})), b(file_of({2, 3})), c(file_of({2}));
  std::string merged;
  const auto take = [&](std::string_view piece) -> Result<void> {
    merged += piece;
    return {};
  };
  EXPECT_EQ(merge_seen({&a, &b, &c}, take, Keep::twice).value(), 4U);
  MemoryFile again(merged);
  std::size_t repeats = 0;
  ASSERT_TRUE(for_each_seen({&again}, [&](const UuidDigest&, bool repeat) -> Result<void> {
    repeats += repeat ? 1 : 0;
    return {};
  }));
  EXPECT_EQ(repeats, 1U);
}

}  // namespace
}  // namespace valetkey::exporter

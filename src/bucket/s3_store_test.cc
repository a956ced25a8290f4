// SPDX-License-Identifier: Apache-2.0
#include "bucket/internal/s3_store.h"

#include "bucket/testing/fake_bucket.h"
#include "storage/testing/conformance.h"

namespace valetkey::storage {
namespace {

class S3Fixture final : public StoreFixture {
 public:
  ObjectStore& store() override { return bench_.store; }
  void set_time(Timestamp now) override { bench_.clock.set(now); }
  void expect_written_at(Timestamp, Timestamp) override {}  // by the engine's own clock

 private:
  bucket::testing::Bench bench_{parse_iso8601("2026-11-24T08:00:00Z").value()};
};
std::unique_ptr<StoreFixture> make_s3_fixture() { return std::make_unique<S3Fixture>(); }
INSTANTIATE_TEST_SUITE_P(S3, ObjectStoreConformance, testing::Values(&make_s3_fixture));

}  // namespace
}  // namespace valetkey::storage

namespace valetkey::bucket {
namespace {

using storage::Publication;
using storage::some_bytes;
using testing::Bench;
using testing::FakeBucket;
const Timestamp kNow = parse_iso8601("2026-11-29T10:00:00Z").value();

std::unique_ptr<storage::StagedObject> stage(S3Store& store, const std::string& key,
                                             std::string_view content,
                                             std::optional<std::uint64_t> rows = {}) {
  auto writer = store.create(key, kNow).value();
  for (std::size_t at = 0; at < content.size(); at += 30'000)
    EXPECT_TRUE(writer->write(content.substr(at, 30'000)));
  auto staged = writer->finish(rows);
  EXPECT_TRUE(staged) << staged.error().detail;
  return *std::move(staged);
}
Result<void> put(S3Store& store, const std::string& key, std::string_view content) {
  Publication publication;
  publication.add.push_back(stage(store, key, content, 7));
  return store.publish(std::move(publication));
}

TEST(S3Store, SendsLargeObjectsInParts) {
  Bench bench(kNow);
  const std::string content = some_bytes(450'000);
  Publication publication;
  publication.add.push_back(stage(bench.store, "a", content));
  EXPECT_EQ(bench.fake.uploads.size(), 1u);
  EXPECT_TRUE(bench.fake.objects.empty()) << "nothing shows before it is published";
  ASSERT_TRUE(bench.store.publish(std::move(publication)));
  EXPECT_EQ(bench.fake.objects["lake/a"].content, content);
  EXPECT_TRUE(bench.fake.objects["lake/a"].etag.ends_with("-5"));
  EXPECT_TRUE(bench.fake.uploads.empty());
}

TEST(S3Store, LeavesNothingOfAnObjectThatWasNotPublished) {
  Bench bench(kNow);
  (void)stage(bench.store, "a", some_bytes(450'000));
  EXPECT_TRUE(bench.fake.uploads.empty());
  EXPECT_TRUE(bench.fake.objects.empty());
}

TEST(S3Store, KeepsNoMoreInMemoryThanItMay) {
  Bench bench(kNow, {.bucket = "lake", .part_bytes = 100'000, .staged_bytes = 150'000});
  Publication publication;
  for (int i = 0; i < 5; ++i)
    publication.add.push_back(stage(bench.store, "k" + std::to_string(i), some_bytes(60'000)));
  EXPECT_LE(bench.store.staged(), 150'000u);
  EXPECT_EQ(bench.fake.uploads.size(), 3u);
  ASSERT_TRUE(bench.store.publish(std::move(publication)));
  EXPECT_EQ(bench.fake.objects.size(), 5u);
  EXPECT_EQ(bench.store.staged(), 0u);
}

TEST(S3Store, KeepsWhatIsInternalInABucketOfItsOwn) {
  Bench bench(kNow);
  ASSERT_TRUE(put(bench.store, "internal/seen/1", "x"));
  ASSERT_TRUE(put(bench.store, "v1/a", "y"));
  EXPECT_TRUE(bench.fake.objects.contains("inside/internal/seen/1"));
  storage::ListQuery inside;
  inside.prefix = "internal/";
  EXPECT_EQ(bench.store.list(inside)->entries.size(), 1u);
  EXPECT_EQ(bench.store.list({})->entries.size(), 1u);
  ASSERT_TRUE(bench.store.publish({{}, {"internal/seen/1", "v1/a"}, {}, {}}));
  EXPECT_TRUE(bench.fake.objects.empty());
}

TEST(S3Store, AsksForEncryptionAsConfigured) {
  Bench bench(kNow, {.bucket = "lake", .encryption = "aws:kms", .kms_key_id = "key-1"});
  ASSERT_TRUE(put(bench.store, "a", "x"));
  auto& metadata = bench.fake.objects["lake/a"].metadata;
  EXPECT_EQ(metadata["x-amz-server-side-encryption"], "aws:kms");
  EXPECT_EQ(metadata["x-amz-server-side-encryption-aws-kms-key-id"], "key-1");
  EXPECT_EQ(metadata["x-amz-meta-rows"], "7");
}

TEST(S3Store, AddsBeforeItRemoves) {
  Bench bench(kNow);
  ASSERT_TRUE(put(bench.store, "small", "1"));
  Publication merge;
  merge.add.push_back(stage(bench.store, "merged", "1"));
  merge.unlist = {"small"};
  bench.fake.fail_next(FakeBucket::Fault::internal, 100);
  EXPECT_EQ(bench.store.publish(std::move(merge)).error().code, ErrorCode::unavailable);
  EXPECT_TRUE(bench.fake.objects.contains("lake/small"));
}

// Each request of a publication and of a reading, failed in each way, as often as it takes.
TEST(S3Store, GetsOverFaultsThatPass) {
  using Fault = FakeBucket::Fault;
  for (const auto fault :
       {Fault::slow_down, Fault::internal, Fault::drop_before, Fault::drop_after}) {
    for (int at = 0; at < 8; ++at) {
      Bench bench(kNow);
      const std::string content = some_bytes(250'000);
      auto writer = bench.store.create("a", kNow).value();
      const auto fail_at = [&](int step) {
        if (step == at) bench.fake.fail_next(fault, 2);
      };
      fail_at(0);
      ASSERT_TRUE(writer->write(content));
      fail_at(1);
      auto staged = writer->finish(std::nullopt);
      ASSERT_TRUE(staged) << staged.error().detail;
      Publication publication;
      publication.add.push_back(*std::move(staged));
      fail_at(2);
      const auto published = bench.store.publish(std::move(publication));
      ASSERT_TRUE(published) << published.error().detail;
      fail_at(3);
      ASSERT_TRUE(bench.store.list({}));
      fail_at(4);
      const auto reader = bench.store.open("a");
      ASSERT_TRUE(reader);
      std::string read(content.size(), '\0');
      fail_at(5);
      for (std::size_t done = 0; done < read.size();) {
        const auto got = (*reader)->read(done, {read.data() + done, read.size() - done},
                                         storage::ReadMode::blocking);
        ASSERT_TRUE(got);
        done += *got;
      }
      EXPECT_EQ(read, content);
      fail_at(6);
      ASSERT_TRUE(bench.store.publish({{}, {"a"}, {}, {}}));
    }
  }
}

TEST(S3Store, GivesUpWhatDoesNotPass) {
  Bench bench(kNow);
  bench.fake.fail_next(FakeBucket::Fault::slow_down, 100);
  const auto listed = bench.store.list({});
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, ErrorCode::unavailable);
  EXPECT_EQ(bench.fake.requests, kAttempts);
}

TEST(S3Store, TellsAReaderThatItsObjectChanged) {
  Bench bench(kNow);
  ASSERT_TRUE(put(bench.store, "a", some_bytes(60'000, 1)));
  const auto reader = bench.store.open("a").value();
  ASSERT_TRUE(put(bench.store, "a", some_bytes(60'000, 2)));
  std::string out(10, '\0');
  EXPECT_EQ(reader->read(0, out, storage::ReadMode::blocking).error(),
            storage::ReadFailure::changed);
}

std::string read_span(storage::ObjectReader& reader, std::uint64_t from, std::uint64_t count,
                      std::size_t at_once) {
  std::string bytes, piece(at_once, '\0');
  while (bytes.size() < count) {
    const std::size_t wanted = std::min<std::uint64_t>(at_once, count - bytes.size());
    const auto got =
        reader.read(from + bytes.size(), {piece.data(), wanted}, storage::ReadMode::blocking);
    if (!got || *got != wanted) return "failed";
    bytes.append(piece, 0, *got);
  }
  return bytes;
}

TEST(S3Store, AsksOnceForWhatAReaderIsSaidToRead) {
  Bench bench(kNow);
  const std::string content = some_bytes(2'000'000);
  ASSERT_TRUE(put(bench.store, "a", content));
  const auto reader = bench.store.open("a").value();
  reader->expect(100, 1'500'000);
  EXPECT_TRUE(read_span(*reader, 100, 1'500'000, 65'536) == content.substr(100, 1'500'000));
  EXPECT_EQ(bench.fake.ranges, std::vector<std::string>{"bytes=100-1500099"});
}

TEST(S3Store, AsksForMoreAndMoreOfWhatIsReadInOrder) {
  Bench bench(kNow);
  const std::string content = some_bytes(2'000'000);
  ASSERT_TRUE(put(bench.store, "a", content));
  const auto reader = bench.store.open("a").value();
  EXPECT_TRUE(read_span(*reader, 0, content.size(), 65'536) == content);
  EXPECT_EQ(bench.fake.ranges,
            (std::vector<std::string>{"bytes=0-262143", "bytes=262144-786431",
                                      "bytes=786432-1835007", "bytes=1835008-1999999"}));
  // Elsewhere it begins small again.
  EXPECT_TRUE(read_span(*reader, 5, 10, 10) == content.substr(5, 10));
  EXPECT_EQ(bench.fake.ranges.back(), "bytes=5-262148");
}

TEST(S3Store, GivesWhatHasComeToOneWhoCannotWait) {
  Bench bench(kNow);
  const std::string content = some_bytes(100'000);
  ASSERT_TRUE(put(bench.store, "a", content));
  const auto reader = bench.store.open("a").value();
  std::string out(content.size(), '\0');
  const auto now = [&](std::size_t at) {
    return reader->read(at, std::span(out).subspan(at), storage::ReadMode::cached_only);
  };
  EXPECT_EQ(now(0).error(), storage::ReadFailure::would_block) << "nothing was asked for";
  reader->expect(0, content.size());
  std::size_t at = reader->read(0, std::span(out).first(10), storage::ReadMode::blocking).value();
  EXPECT_EQ(now(5).error(), storage::ReadFailure::would_block) << "not what comes next";
  while (at < content.size()) {
    const auto got = now(at);
    ASSERT_TRUE(got);
    ASSERT_GT(*got, 0u);
    at += *got;
  }
  EXPECT_TRUE(out == content);
  EXPECT_EQ(bench.fake.ranges.size(), 1u);
}

TEST(S3Store, GoesOnWhereAConnectionBrokeOff) {
  Bench bench(kNow);
  const std::string content = some_bytes(500'000);
  ASSERT_TRUE(put(bench.store, "a", content));
  const auto reader = bench.store.open("a").value();
  reader->expect(0, content.size());
  bench.fake.cut_next(123'456, 3);
  EXPECT_TRUE(read_span(*reader, 0, content.size(), 65'536) == content);
  EXPECT_EQ(bench.fake.ranges.size(), 4u);
  EXPECT_EQ(bench.fake.ranges[1], "bytes=123456-499999");
  // Where nothing comes any more it gives up, and what was replaced meanwhile is not mixed in.
  bench.fake.cut_next(0, 100);
  std::string out(10, '\0');
  EXPECT_EQ(reader->read(0, out, storage::ReadMode::blocking).error(), storage::ReadFailure::io);
  bench.fake.cut_next(4, 1);
  ASSERT_TRUE(put(bench.store, "a", some_bytes(500'000, 2)));
  EXPECT_EQ(reader->read(0, out, storage::ReadMode::blocking).error(),
            storage::ReadFailure::changed);
}

TEST(S3Store, SaysWhatIsWrongWithABucket) {
  Bench bench(kNow, {.bucket = "nowhere"});
  const auto listed = bench.store.list({});
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().detail, "https://s3.example.org has no bucket nowhere");
}

}  // namespace
}  // namespace valetkey::bucket

// SPDX-License-Identifier: Apache-2.0
// Every form of the store in one suite.
#include "storage/testing/conformance.h"
#include "storage/testing/disk_fixture.h"
#include "storage/testing/faulty_store.h"
#include "storage/testing/memory_store.h"

namespace valetkey::storage {
namespace {

std::unique_ptr<StoreFixture> make_disk_fixture() { return std::make_unique<DiskFixture>(); }

// Passes every call on, so it must conform like what it wraps.
class FaultyFixture final : public StoreFixture {
 public:
  ObjectStore& store() override { return faulty_; }
  void set_time(Timestamp now) override { disk_.set_time(now); }

 private:
  DiskFixture disk_;
  FaultyStore faulty_{disk_.store()};
};
std::unique_ptr<StoreFixture> make_faulty_fixture() { return std::make_unique<FaultyFixture>(); }

INSTANTIATE_TEST_SUITE_P(Disk, ObjectStoreConformance, testing::Values(&make_disk_fixture));
INSTANTIATE_TEST_SUITE_P(Faulty, ObjectStoreConformance, testing::Values(&make_faulty_fixture));

class MemoryFixture final : public StoreFixture {
 public:
  explicit MemoryFixture(Capabilities able) : store_(able) {}
  ObjectStore& store() override { return store_; }
  void set_time(Timestamp now) override { store_.time = now; }

 private:
  MemoryStore store_;
};

std::unique_ptr<StoreFixture> make_bare() {
  return std::make_unique<MemoryFixture>(Capabilities{});
}
std::unique_ptr<StoreFixture> make_lasting() {
  return std::make_unique<MemoryFixture>(Capabilities{.lasting_readers = true});
}
std::unique_ptr<StoreFixture> make_able() {
  return std::make_unique<MemoryFixture>(kAbleAsTheDisk);
}

// As bare as a foreign bucket, the same with readers that last, and as able as the disk store.
INSTANTIATE_TEST_SUITE_P(Memory, ObjectStoreConformance,
                         testing::Values(&make_bare, &make_lasting, &make_able));

TEST(FaultyStore, FailsTheCallThatItIsToldToAndPassesTheOthersOn) {
  DiskFixture disk;
  FaultyStore faulty(disk.store());
  EXPECT_EQ(faulty.scratch(), disk.store().scratch());
  EXPECT_FALSE(faulty.scratch().empty());
  EXPECT_EQ(faulty.capabilities(), disk.store().capabilities());
  EXPECT_EQ(disk.store().capabilities(), kAbleAsTheDisk);
  disk.put("a", "1");
  Publication publication;
  publication.unlist = {"a"};
  publication.readable_until = kTestTime;
  ASSERT_TRUE(faulty.publish(std::move(publication)));
  faulty.fail_call(1, ErrorCode::unavailable);
  EXPECT_EQ(faulty.sweep(kTestTime).error().code, ErrorCode::unavailable);
  EXPECT_EQ(faulty.sweep(kTestTime).value(), 1U);
  EXPECT_EQ(faulty.calls(), 2U);
}

}  // namespace
}  // namespace valetkey::storage

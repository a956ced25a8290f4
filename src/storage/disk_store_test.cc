// SPDX-License-Identifier: Apache-2.0
#include "storage/disk_store.h"

#include <gtest/gtest.h>

#include "storage/faulty_store.h"
#include "storage/object_store_conformance.h"
#include "storage/store_fixture.h"

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

}  // namespace
}  // namespace valetkey::storage

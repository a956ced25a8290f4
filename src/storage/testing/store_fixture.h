// SPDX-License-Identifier: Apache-2.0
// What the conformance suite of ObjectStore runs on.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "base/timestamp.h"
#include "storage/object_store.h"

namespace valetkey::storage {

// Holds a store, empty at first, and whatever it needs.
class StoreFixture {
 public:
  virtual ~StoreFixture() = default;
  virtual ObjectStore& store() = 0;
  virtual void set_time(Timestamp now) = 0;
  // Of an object that was written at `now`. An engine with a clock of its own tells its own time.
  virtual void expect_written_at(Timestamp modified, Timestamp now) { EXPECT_EQ(modified, now); }
};
using MakeFixture = std::unique_ptr<StoreFixture> (*)();

inline std::string some_bytes(std::size_t size, std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

}  // namespace valetkey::storage

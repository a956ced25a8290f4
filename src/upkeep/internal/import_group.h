// SPDX-License-Identifier: Apache-2.0
// Objects that are written and wait to be published together. Thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "storage/object_store.h"

namespace valetkey::upkeep {

class ImportGroup {
 public:
  explicit ImportGroup(storage::ObjectStore& store) : store_(store) {}
  Result<void> add(std::unique_ptr<storage::StagedObject> object);
  // Publishes if enough objects wait, or the first of them for long enough; nobody waits for
  // another's publication.
  Result<void> publish_if_due();
  Result<void> publish_all();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  Result<void> publish(std::vector<std::unique_ptr<storage::StagedObject>> objects);

  storage::ObjectStore& store_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<storage::StagedObject>> waiting_;
  SteadyTime since_{};
};

}  // namespace valetkey::upkeep

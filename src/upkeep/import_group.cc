// SPDX-License-Identifier: Apache-2.0
#include "upkeep/internal/import_group.h"

#include <utility>

namespace valetkey::upkeep {
namespace {

constexpr std::size_t kMaxWaiting = 500;  // of the 1,000 rows that one publication may have
constexpr auto kMaxWait = std::chrono::milliseconds(500);

}  // namespace

Result<void> ImportGroup::add(std::unique_ptr<storage::StagedObject> object) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) since_ = std::chrono::steady_clock::now();
    waiting_.push_back(std::move(object));
  }
  return publish_if_due();
}

Result<void> ImportGroup::publish_if_due() {
  std::vector<std::unique_ptr<storage::StagedObject>> due;
  {
    const std::lock_guard lock(mutex_);
    const bool enough = waiting_.size() >= kMaxWaiting;
    const bool late = !waiting_.empty() && std::chrono::steady_clock::now() - since_ >= kMaxWait;
    if (!enough && !late) return {};
    due = std::exchange(waiting_, {});
  }
  return publish(std::move(due));
}

Result<void> ImportGroup::publish_all() {
  std::vector<std::unique_ptr<storage::StagedObject>> rest;
  {
    const std::lock_guard lock(mutex_);
    rest = std::exchange(waiting_, {});
  }
  return publish(std::move(rest));
}

Result<void> ImportGroup::publish(std::vector<std::unique_ptr<storage::StagedObject>> objects) {
  if (objects.empty()) return {};
  storage::Publication publication;
  publication.add = std::move(objects);
  return store_.publish(std::move(publication));
}

}  // namespace valetkey::upkeep

// SPDX-License-Identifier: Apache-2.0
// Owners in memory, for tests. Thread-safe.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "exporter/owners.h"

namespace valetkey::exporter {

class MemoryOwners final : public Owners {
 public:
  explicit MemoryOwners(const Clock& clock) : clock_(clock) {}

  Result<Share> renew(const NodeState& self, const std::vector<Work>& all,
                      const std::vector<Work>& given_up) override {
    const std::lock_guard guard(mutex_);
    if (away) return fail(ErrorCode::unavailable, "made to fail");
    const auto now = clock_.now();
    NodeState& node = nodes_[self.id];
    node = self;
    node.seen = now;
    std::size_t alive = 0, fit = 0;
    for (const auto& [id, each] : nodes_) {
      if (each.seen <= now - kOwnershipLasts) continue;
      ++alive;
      if (each.fit) ++fit;
    }
    Share share;
    share.most = fair_part(all.size(), alive, fit, self.fit);
    for (const Work work : given_up)
      if (owned_[work].node == self.id) owned_[work] = {};
    for (const Work work : all)
      if (owned_[work].node == self.id) share.works.push_back(work);
    for (const Work work : all) {
      if (share.works.size() >= share.most) break;
      if (owned_[work].node == self.id || owned_[work].until > now) continue;
      owned_[work].node = self.id;
      share.works.push_back(work);
    }
    for (const Work work : share.works) owned_[work].until = now + kOwnershipLasts;
    return share;
  }
  Result<void> leave(const std::string& node) override {
    const std::lock_guard guard(mutex_);
    if (away) return fail(ErrorCode::unavailable, "made to fail");
    nodes_.erase(node);
    std::erase_if(owned_, [&](const auto& each) { return each.second.node == node; });
    return {};
  }
  Result<std::vector<NodeState>> nodes() override {
    const std::lock_guard guard(mutex_);
    std::vector<NodeState> all;
    for (auto [id, node] : nodes_) {
      node.alive = node.seen > clock_.now() - kOwnershipLasts;
      for (const auto& [work, owned] : owned_)
        if (owned.node == id && owned.until > clock_.now()) node.works.push_back(work);
      all.push_back(std::move(node));
    }
    return all;
  }

  bool away = false;  // every call fails

 private:
  struct Owned {
    std::string node;
    Timestamp until{};
  };
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, NodeState> nodes_;
  std::map<Work, Owned> owned_;
};

}  // namespace valetkey::exporter

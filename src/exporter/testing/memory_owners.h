// SPDX-License-Identifier: Apache-2.0
// Owners in memory, for tests. Thread-safe.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
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
    const auto now = clock_.now();
    nodes_[self.id] = self;
    nodes_[self.id].seen = now;
    std::erase_if(
        nodes_, [&](const auto& each) { return each.second.seen < now - std::chrono::hours(24); });
    for (const Work work : all) owned_.try_emplace(work);
    for (const Work work : given_up)
      if (owned_[work].node == self.id) owned_[work] = {};
    Share share;
    share.most = part_of(self, all.size());
    for (const auto& [work, owned] : owned_)
      if (owned.node == self.id) share.works.push_back(work);
    for (auto& [work, owned] : owned_) {
      if (share.works.size() >= share.most) break;
      if (owned.node == self.id || owned.until > now) continue;
      owned.node = self.id;
      share.works.push_back(work);
    }
    for (const Work work : share.works) owned_[work].until = now + kOwnershipLasts;
    std::ranges::sort(share.works);
    return share;
  }
  Result<void> leave(const std::string& node) override {
    const std::lock_guard guard(mutex_);
    nodes_.erase(node);
    for (auto& [work, owned] : owned_)
      if (owned.node == node) owned = {};
    return {};
  }
  Result<std::vector<NodeState>> nodes() override {
    const std::lock_guard guard(mutex_);
    std::vector<NodeState> all;
    for (auto [id, node] : nodes_) {
      node.alive = lives(node);
      for (const auto& [work, owned] : owned_)
        if (owned.node == id && owned.until > clock_.now()) node.works.push_back(work);
      all.push_back(std::move(node));
    }
    std::ranges::sort(all, {},
                      [](const NodeState& node) { return std::pair(node.name, node.started); });
    return all;
  }

  // The node renewed so much longer ago than it did.
  void age(const std::string& node, milliseconds time) {
    const std::lock_guard guard(mutex_);
    nodes_.at(node).seen -= time;
    for (auto& [work, owned] : owned_)
      if (owned.node == node) owned.until -= time;
  }

 private:
  struct Owned {
    std::string node;  // empty: nobody
    Timestamp until{};
  };
  bool lives(const NodeState& node) const { return node.seen > clock_.now() - kOwnershipLasts; }
  std::size_t part_of(const NodeState& self, std::size_t works) const {
    std::size_t alive = 0, fit = 0;
    for (const auto& [id, node] : nodes_) {
      if (!lives(node)) continue;
      ++alive;
      if (node.fit) ++fit;
    }
    return fair_part(works, alive, fit, self.fit);
  }

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, NodeState> nodes_;
  std::map<Work, Owned> owned_;
};

}  // namespace valetkey::exporter
